// Package roundtrip holds headers in C against the BTF that they were made from, by way of
// a compiler and its debug information.
package roundtrip

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/diff"
	"mkbtf/internal/dump"
)

// Check compiles a header made from a blob and compares the BTF of the result, which
// encode makes, with it: every record, enum and typedef with a name, to the last bit.
func Check(t *testing.T, want *btf.Blob, cc []string, encode func(path string) (*btf.Blob, error)) {
	t.Helper()
	var header bytes.Buffer
	if err := dump.C(&header, want, dump.COptions{Asserts: true}); err != nil {
		t.Fatal(err)
	}
	if i := bytes.Index(header.Bytes(), []byte("left out")); i >= 0 {
		t.Errorf("members are left out: %.100s", header.Bytes()[i:])
	}
	dir := t.TempDir()
	source, compiled := filepath.Join(dir, "h.c"), filepath.Join(dir, "h.o")
	// Something must be encoded besides types; an encoder may insist on a function.
	header.WriteString("void anchor(int x) { (void)x; }\n")
	if err := os.WriteFile(source, header.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(cc[0], append(cc[1:len(cc):len(cc)], "-g", "-gdwarf-4", "-fno-eliminate-unused-debug-types", "-w", "-c", "-o", compiled, source)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%.3000s", cc, err, out)
	}
	got, err := encode(compiled)
	if err != nil {
		t.Fatal(err)
	}
	r := diff.Compare(want, got, diff.Options{Kinds: recordKinds, NamedOnly: true})
	compared := 0
	for _, k := range r.Kinds {
		compared += k.Same
	}
	renamed := map[string]bool{}
	for _, e := range r.Entries {
		if name, _, ok := strings.Cut(e.Name, "___"); ok && e.Class == diff.OnlyB {
			renamed[name] = true
		}
	}
	for _, e := range r.Entries {
		if !expected(e, renamed) {
			t.Errorf("%s %s '%s' %s: %v", e.Class, e.Kind, e.Name, e.Text, e.Details)
		}
	}
	t.Logf("%d records are the same, %d differences", compared, len(r.Entries))
}

var recordKinds = []btf.Kind{btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Typedef}

// expected reports whether a difference is one that C makes unavoidable.
func expected(e diff.Entry, renamed map[string]bool) bool {
	switch e.Class {
	case diff.OnlyA:
		return renamed[e.Name] || e.Kind == "ENUM" && strings.HasSuffix(e.Text, " 0 values") // compilers drop what has no definition
	case diff.OnlyB:
		return strings.Contains(e.Name, "___") || e.Kind == "TYPEDEF" && isSubstitute(e.Name)
	case diff.Changed:
		for _, d := range e.Details {
			switch {
			case strings.Contains(d.Where, "___"), strings.Contains(d.B, "___"): // names that differ in BTF by kind or content only
			case strings.Contains(d.B, "__va_list_tag"): // the compiler's own is another one on other machines
			case strings.Contains(d.Where, "__pad"): // of a record without members
			case isSubstitute(d.B): // arithmetic types that not all compilers have
			case strings.ReplaceAll(d.B, "const const", "const") == d.A: // gcc says so of arrays of const elements
			case d.What == "enumerator" && strings.Contains(fmt.Sprint(e.Details), d.Where+"___"): // its name was taken
			default:
				return false
			}
		}
		return len(e.Details) > 0
	}
	return false
}

func isSubstitute(name string) bool {
	return strings.HasPrefix(name, "long_double") || strings.HasPrefix(name, "_Decimal") || strings.HasPrefix(name, "_Float")
}
