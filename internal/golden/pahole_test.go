package golden

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/diff"
)

// beyondPahole are objects that pahole 1.24 gives up on or loses types of:
// atomic, complex and C++ types, type units of DWARF, partial units, zstd.
func beyondPahole(o object) bool {
	return o.module == "exotic" || o.module == "mixed" || withoutTypes[o.variant] ||
		strings.Contains(o.variant, "typeunits") || strings.Contains(o.variant, "dwz") || strings.Contains(o.variant, "zstd")
}

// TestAgainstPahole compares what is written with what pahole makes of the same
// object: everything that the compilers are not asked, above all that no type and
// no member is missing.
func TestAgainstPahole(t *testing.T) {
	if _, err := exec.LookPath("pahole"); err != nil {
		t.Skip("pahole is not installed")
	}
	for _, o := range objects(t) {
		if beyondPahole(o) {
			continue
		}
		t.Run(o.name(), func(t *testing.T) {
			t.Parallel()
			ours, err := encodeObject(o)
			if err != nil {
				t.Fatal(err)
			}
			r := diff.Compare(flattened(t, ours), pahole(t, o), diff.Options{})
			for i := range r.Entries {
				d := &r.Entries[i]
				if isMeant(o, d) {
					continue
				}
				t.Errorf("%s %s %s %s %v", d.Class, d.Kind, d.Name, d.Text, d.Details)
			}
		})
	}
}

// isMeant reports whether a difference is one in which pahole 1.24 is wrong.
func isMeant(o object, d *diff.Entry) bool {
	switch d.Kind {
	case "FUNC":
		switch d.Name {
		case "same_name", "same_prototype": // two static functions, one name: nobody could tell which is meant
			return d.Class == diff.OnlyB
		case "opt_unused": // clang says that the parameters are not where the prototype has them
			return d.Class == diff.OnlyB && strings.Contains(o.variant, "clang")
		}
		return false
	case "FUNC_PROTO":
		return d.Class == diff.OnlyB && o.module == "scopes"
	case "ARRAY", "PTR": // what flattened leaves behind
		return d.Class == diff.OnlyA || d.Class == diff.Count
	case "VAR", "DATASEC":
		// of gcc's link-time optimization it does not find the types of variables,
		// and it calls one of two by the name that clang's linker gave the symbol
		return strings.Contains(o.variant, "lto") && (d.Class == diff.OnlyA || strings.HasPrefix(o.variant, "x86_64-clang"))
	}
	return false
}

// flattened gives arrays of several dimensions the one that pahole writes.
func flattened(t *testing.T, b *btf.Blob) *btf.Blob {
	t.Helper()
	tab := b.Table(nil)
	for changed := true; changed; {
		changed = false
		for i := range tab.Types {
			outer := &tab.Types[i]
			if outer.Kind != btf.Array || outer.Ref == 0 || tab.At(outer.Ref).Kind != btf.Array {
				continue
			}
			inner := tab.At(outer.Ref)
			outer.Ref, outer.Size, changed = inner.Ref, outer.Size*inner.Size, true
		}
	}
	data, err := btf.Encode(tab, b.Order, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	flat, err := btf.Parse(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return flat
}

func pahole(t *testing.T, o object) *btf.Blob {
	t.Helper()
	out := filepath.Join(t.TempDir(), "btf")
	cmd := exec.Command("pahole", "-J", "--btf_gen_floats", "--btf_encode_detached="+out, o.path)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	err := cmd.Run()
	data, readErr := os.ReadFile(out)
	if err != nil || readErr != nil {
		t.Fatalf("pahole: %v, %v\n%s", err, readErr, messages.Bytes())
	}
	b, err := btf.Parse(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
