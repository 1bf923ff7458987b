package encode

import (
	"os"
	"path/filepath"
	"testing"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
	"mkbtf/emit"
	"mkbtf/internal/soundness"
	"mkbtf/internal/verify"
)

// halfKernel writes the BTF of a kernel of 6.12 that has every other named struct,
// union and enum of a module, and all its types without names.
func halfKernel(t *testing.T, raw []byte) string {
	t.Helper()
	blob, err := btf.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	k := blob.Table(nil)
	s := k.Strings.InternString
	for i := range k.Types {
		typ := &k.Types[i]
		if tag := typ.Kind.IsComposite() || typ.Kind.IsEnum(); i%2 == 0 && tag && typ.Name != 0 || typ.Kind == btf.Func {
			typ.Name = s("kernel_" + k.Name(typ.Name))
		}
	}
	i := k.Add(btf.Type{Kind: btf.Int, Name: s("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	for j := range k.Types {
		if typ := &k.Types[j]; typ.Kind == btf.Int && k.Name(typ.Name) == "int" && btf.ID(j)+k.Start != i {
			k.Types = k.Types[:len(k.Types)-1] // it has one
			i = btf.ID(j) + k.Start
			break
		}
	}
	k.AddWith(btf.Type{Kind: btf.Struct, Name: s("btf"), Size: 16}, []btf.Member{{Name: s("base_id_map"), Type: i}})
	k.AddWith(btf.Type{Kind: btf.Struct, Name: s("module"), Size: 16}, []btf.Member{{Name: s("btf_data"), Type: i}, {Name: s("btf_base_data"), Type: i, Off: 64}})
	k.AddWith(btf.Type{Kind: btf.Enum, Size: 4}, []btf.Member{{Name: s("NR_BTF_KINDS"), Off: uint32(btf.NumKinds)}})
	emit.SortByName(k)
	data, err := btf.Encode(k, blob.Order, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kernel.btf")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFormsOverBase encodes every fixture in every form over a kernel that has half of
// its types, and loads it there.
func TestFormsOverBase(t *testing.T) {
	alone, err := New(Options{Form: SelfContained})
	if err != nil {
		t.Fatal(err)
	}
	fixtures(t, func(t *testing.T, path string, src *dwarf2btf.Source) {
		out, err := alone.Open(path, true)
		if noTypes(err) || src.AddrSize != 8 {
			t.Skip("no types, or of a machine with other pointers than the kernel's checks here")
		}
		if err != nil {
			t.Fatal(err)
		}
		base := halfKernel(t, out.BTF)
		for _, opts := range []Options{
			{Form: Split},
			{Form: Split, Keep: KeepReachable},
			{Form: Distilled},
			{Form: Distilled, Keep: KeepReachable},
			{Form: SelfContained, Keep: KeepOwn},
			{Form: SelfContained, Keep: KeepOwn, Hops: 1},
		} {
			opts.Base = base
			e, err := New(opts)
			if err != nil {
				t.Fatal(err)
			}
			out, err := e.Open(path, false)
			if err != nil {
				t.Fatal(err)
			}
			if out.BTF == nil {
				continue // the base has all of it
			}
			target, err := verify.NewTarget(e.base.Blob.Data)
			if err != nil {
				t.Fatal(err)
			}
			res := target.Module(out.BTF, out.Base)
			if res.Outcome != verify.Loads || !res.Sorted {
				t.Errorf("%v, keep %v: %v, %v, sorted %v", opts.Form, opts.Keep, res.Outcome, res.Err, res.Sorted)
			}
			for _, p := range res.Problems {
				if !legalC(p) {
					t.Errorf("%v, keep %v: %v", opts.Form, opts.Keep, p)
				}
			}
			complete(t, out, e.base.Blob)
		}
	})
}

// complete makes sure that no two types of an output and its base are equal.
func complete(t *testing.T, out *emit.Output, base *btf.Blob) {
	t.Helper()
	if out.Base != nil {
		var err error
		if base, err = btf.Parse(out.Base, nil); err != nil {
			t.Fatal(err)
		}
	}
	blob, err := btf.Parse(out.BTF, base)
	if err != nil {
		t.Fatal(err)
	}
	pool := btf.NewStrings()
	if err := soundness.New(nil, nil, blob.Table(pool), base.Table(pool)).Complete(); err != nil {
		t.Errorf("not complete: %v", err)
	}
}
