package dump_test

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
	"mkbtf/internal/dump/dumptest"
	"mkbtf/internal/encode"
	"mkbtf/internal/object"
)

// crossCompilers compile for the machines of testdata/obj.
var crossCompilers = map[string]string{
	"x86_64": "gcc", "i386": "i686-linux-gnu-gcc", "aarch64": "aarch64-linux-gnu-gcc", "arm": "arm-linux-gnueabihf-gcc",
	"s390x": "s390x-linux-gnu-gcc", "powerpc64le": "powerpc64le-linux-gnu-gcc", "riscv64": "riscv64-linux-gnu-gcc",
}

// TestCRoundTrip makes a header from the BTF of each object of testdata, has the
// compiler for the object's machine check the sizes and offsets in it, and compares
// the BTF of what the compiler made of it with that of the object, bit by bit.
func TestCRoundTrip(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/obj/*-dwarf[45]/*.ko")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no objects: %v", err)
	}
	for _, path := range paths {
		variant := filepath.Base(filepath.Dir(path))
		machine, _, _ := strings.Cut(variant, "-")
		t.Run(variant+"/"+filepath.Base(path), func(t *testing.T) {
			gcc, ok := crossCompilers[machine]
			if !ok {
				t.Fatalf("which compiler compiles for %s?", machine)
			}
			cc := []string{gcc}
			if strings.Contains(variant, "clang") { // each has names of its own for arithmetic types
				cc = []string{"clang", "--target=" + machine + "-linux-gnu"}
			}
			name := cc[0]
			if cc[0] = dumptest.Compiler(name); cc[0] == "" {
				t.Skipf("%s is not installed", name)
			}
			want, err := encodeFile(path)
			if err != nil {
				t.Skip(err) // what cannot be encoded is listed in testdata/golden/refused.txtar
			}
			roundTrip(t, want, cc, func(path string) (*btf.Blob, error) { return encodeFile(path) })
		})
	}
}

func encodeFile(path string) (*btf.Blob, error) {
	e, err := encode.New(encode.Options{Form: encode.SelfContained})
	if err != nil {
		return nil, err
	}
	out, err := e.Open(path, true)
	if err != nil {
		return nil, err
	}
	return btf.Parse(out.BTF, nil)
}

// roundTrip compiles a header made from a blob and compares the BTF of the result with it.
func roundTrip(t *testing.T, want *btf.Blob, cc []string, encode func(path string) (*btf.Blob, error)) {
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

// TestCRealKernel does what TestCRoundTrip does with the BTF of the kernel and of some
// modules in the directory MKBTF_KERNEL_DIR, as a debug package has them, and has gcc
// and clang check all sizes and offsets. Pahole is the judge.
func TestCRealKernel(t *testing.T) {
	dir := os.Getenv("MKBTF_KERNEL_DIR")
	if dir == "" {
		t.Skip("MKBTF_KERNEL_DIR is not set")
	}
	for _, tool := range []string{"gcc", "clang", "pahole"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	vmlinux := loadBTF(t, filepath.Join(dir, "vmlinux"), nil)
	t.Run("vmlinux", func(t *testing.T) { realKernel(t, vmlinux) })
	root, err := filepath.EvalSymlinks(filepath.Join(dir, "modules"))
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	err = filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".ko" {
			modules = append(modules, path)
		}
		return err
	})
	if err != nil || len(modules) == 0 {
		t.Fatalf("no modules under %s: %v", dir, err)
	}
	var base bytes.Buffer
	if err := dump.C(&base, vmlinux, dump.COptions{Guard: "__VMLINUX_H__"}); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(modules); i += max(1, len(modules)/25) {
		t.Run(filepath.Base(modules[i]), func(t *testing.T) {
			b := loadBTF(t, modules[i], vmlinux)
			for _, deps := range []dump.Deps{dump.DepsNeeded, dump.DepsAll, dump.DepsNone} {
				var header bytes.Buffer
				if deps == dump.DepsNone {
					header.Write(base.Bytes())
				}
				if err := dump.C(&header, b, dump.COptions{Deps: deps, Asserts: true}); err != nil {
					t.Fatal(err)
				}
				judge(t, header.Bytes())
			}
		})
	}
}

func realKernel(t *testing.T, b *btf.Blob) {
	var header bytes.Buffer
	if err := dump.C(&header, b, dump.COptions{Asserts: true}); err != nil {
		t.Fatal(err)
	}
	judge(t, header.Bytes())
	roundTrip(t, b, []string{"gcc"}, func(path string) (*btf.Blob, error) {
		if out, err := exec.Command("pahole", "-J", path).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("pahole: %w: %s", err, out)
		}
		return loadBTF(t, path, nil), nil
	})
}

// judge has compilers check the assertions in a header.
func judge(t *testing.T, header []byte) {
	t.Helper()
	if i := bytes.Index(header, []byte("left out")); i >= 0 {
		t.Errorf("members are left out: %.100s", header[i:])
	}
	for _, cc := range [][]string{{"gcc"}, {"clang"}, {"clang", "-target", "bpf"}} {
		cmd := exec.Command(cc[0], append(cc[1:len(cc):len(cc)], "-fsyntax-only", "-Wall", "-Werror", "-x", "c", "-")...)
		cmd.Stdin = bytes.NewReader(header)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%.3000s", cc, err, out)
		}
	}
}

func loadBTF(t *testing.T, path string, base *btf.Blob) *btf.Blob {
	t.Helper()
	data, err := object.LoadBTF(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := data.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
