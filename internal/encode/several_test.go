package encode

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"mkbtf/dwarf2btf"
	"mkbtf/internal/object"
	"mkbtf/internal/testkernel"
)

// allVariants are those that comparing sizes asks for.
var allVariants = []Variant{
	{Form: Split},
	{Form: Distilled},
	{Form: SelfContained, Keep: KeepOwn},
	{Form: SelfContained, Keep: KeepReachable},
	{Form: SelfContained, Keep: KeepAll},
}

// sameAsAlone encodes modules in all variants at once and one by one, and wants the same
// bytes. It returns how many BTFs it compared.
func sameAsAlone(t *testing.T, base *Base, variants []Variant, modules []string) int {
	t.Helper()
	several, err := NewSeveral(Options{}, base, variants)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, path := range modules {
		f, err := object.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		err = several.Encode(f, "", func(i int, m *Made) error {
			out, ids, err := several.encoders[i].encode(f, false, false)
			if err != nil {
				return err
			}
			if !bytes.Equal(m.BTF, out.BTF) || !bytes.Equal(m.Base, out.Base) {
				t.Errorf("%s: %+v: %d and %d bytes, alone %d and %d, or other ones", path, variants[i], len(m.BTF), len(m.Base), len(out.BTF), len(out.Base))
			}
			if len(m.Overwrite) > 0 && !bytes.Equal(m.Overwrite[0].Data, ids) {
				t.Errorf("%s: %+v: .BTF_ids differs", path, variants[i])
			}
			compared++
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		f.Close()
	}
	return compared
}

// The variants of every fixture are as if each had been encoded by itself: without a base,
// and over a kernel that has half of its types, of either kind of arrays.
func TestSeveral(t *testing.T) {
	for _, nested := range []bool{true, false} {
		name := map[bool]string{true: "nested arrays", false: "flat arrays"}[nested]
		t.Run(name, func(t *testing.T) {
			alone, err := New(Options{Form: SelfContained})
			if err != nil {
				t.Fatal(err)
			}
			alone.nestArrays = nested
			fixtures(t, func(t *testing.T, path string, src *dwarf2btf.Source) {
				out, err := alone.Open(path, true)
				if noTypes(err) || src.AddrSize != 8 {
					t.Skip("no types, or of a machine with other pointers than the kernel's checks here")
				}
				if err != nil {
					t.Fatal(err)
				}
				base, err := LoadBase(halfKernel(t, out.BTF))
				if err != nil {
					t.Fatal(err)
				}
				n := sameAsAlone(t, base, allVariants, []string{path}) + sameAsAlone(t, nil, allVariants[2:], []string{path})
				if n != len(allVariants)+3 {
					t.Errorf("%d BTFs were compared", n)
				}
			})
		})
	}
}

func TestSeveralWithoutBase(t *testing.T) {
	if _, err := NewSeveral(Options{}, nil, allVariants); !errors.Is(err, ErrNoBase) {
		t.Errorf("error %v, want one that is ErrNoBase", err)
	}
}

// With MKBTF_KERNEL_DIR as for TestModulesAreSound, all variants of every eighth module
// are as if each had been encoded by itself.
func TestSeveralOnKernelModules(t *testing.T) {
	dir := testkernel.Dir(t)
	base, err := LoadBase(filepath.Join(dir, "debug/vmlinux"))
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	for i, path := range everyModule(t, dir) {
		if i%8 == 0 {
			modules = append(modules, path)
		}
	}
	if n := sameAsAlone(t, base, allVariants, modules); n != len(modules)*len(allVariants) {
		t.Errorf("%d BTFs of %d modules", n, len(modules))
	}
	if n := sameAsAlone(t, nil, allVariants[2:], modules[:len(modules)/2]); n == 0 {
		t.Error("nothing compared")
	}
}
