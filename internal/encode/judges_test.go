package encode

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ebtf "github.com/cilium/ebpf/btf"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
	"mkbtf/internal/object"
	"mkbtf/internal/soundness"
	"mkbtf/internal/testkernel"
	"mkbtf/internal/verify"
)

// fixtures calls f for every object of testdata that has DWARF of its own.
func fixtures(t *testing.T, f func(t *testing.T, path string, src *dwarf2btf.Source)) {
	t.Helper()
	files, err := filepath.Glob("../../testdata/obj/*/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no objects in testdata: %v", err)
	}
	for _, path := range append(files, "../../testdata/hello.ko", "../../testdata/kfuncs.ko") {
		o, err := object.Open(path)
		if err != nil {
			continue // not an object: a source or a note beside them
		}
		src, err := o.Source()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dwarf2btf.New(src, dwarf2btf.DefaultOptions()); err == nil {
			t.Run(strings.TrimPrefix(path, "../../testdata/"), func(t *testing.T) { f(t, path, src) })
		}
		o.Close()
	}
}

// noTypes reports whether an error only says that the file has no types, or has
// them elsewhere.
func noTypes(err error) bool {
	return errors.Is(err, ErrNoTypes) || err != nil && strings.Contains(err.Error(), "gsplit-dwarf")
}

// TestJudges encodes every fixture on its own and shows the result to everybody who
// reads BTF: the kernel's checks as package verify has them, the running kernel if
// it allows and the machine fits, and cilium/ebpf. That holds for every level of
// types to keep.
func TestJudges(t *testing.T) {
	for _, opts := range []Options{{}, {Keep: KeepReachable}, {Keep: KeepOwn}, {Keep: KeepOwn, Hops: 1}} {
		opts.Form = SelfContained
		e, err := New(opts)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprintf("%s-%d", opts.Keep, opts.Hops), func(t *testing.T) { judgeFixtures(t, e) })
	}
}

func judgeFixtures(t *testing.T, e *Encoder) {
	fixtures(t, func(t *testing.T, path string, src *dwarf2btf.Source) {
		out, err := e.Open(path, true)
		if noTypes(err) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if out.BTF == nil {
			if e.opts.Keep == KeepAll {
				t.Error("nothing is kept")
			}
			return // no function, variable or tag
		}
		blob, err := btf.Parse(out.BTF, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := byCilium(out.BTF, nil, visible(blob)); err != nil {
			t.Error(err)
		}
		if err := soundness.New(nil, nil, blob.Table(nil), nil).Complete(); err != nil {
			t.Errorf("not complete: %v", err)
		}
		ab := verify.Release(6, 12)
		ab.PointerSize = src.AddrSize
		err = verify.Load(out.BTF, &ab)
		if legalC(err) {
			t.Logf("legal in C and in a module, refused by BPF_BTF_LOAD: %v", err)
		} else if err != nil {
			t.Errorf("the kernel's checks: %v", err)
		} else if src.AddrSize == 8 && src.Order == hostOrder() {
			liveLoad(t, out.BTF)
		}
		form, err := e.Open(path, false)
		if err != nil {
			t.Fatal(err)
		}
		if src.AddrSize == 8 {
			byTarget(t, form.BTF, form.Base, blob)
		}
	})
}

// legalC reports whether the kernel refuses a type for what C allows: bit-fields of
// more than 32 bits of an enum type (btf_enum_check_kflag_member). Loading a module
// does not run that check.
func legalC(err error) bool {
	var e *verify.Error
	return errors.As(err, &e) && strings.Contains(e.Msg, "bitfield_size=40") && strings.HasSuffix(e.Msg, "Invalid member bitfield_size")
}

// byTarget loads the form for modules into a kernel that has nothing but what every
// kernel has.
func byTarget(t *testing.T, raw, base []byte, like *btf.Blob) {
	t.Helper()
	k := btf.NewTable(1, nil)
	s := k.Strings.InternString
	i := k.Add(btf.Type{Kind: btf.Int, Name: s("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	for name, member := range map[string]string{"btf": "base_id_map", "module": "btf_base_data"} {
		k.AddWith(btf.Type{Kind: btf.Struct, Name: s(name), Size: 16}, []btf.Member{{Name: s(member), Type: i}, {Name: s("btf_data"), Type: i, Off: 64}})
	}
	k.AddWith(btf.Type{Kind: btf.Enum, Name: s("btf_kinds"), Size: 4}, []btf.Member{{Name: s("BTF_KIND_MAX"), Off: 19}})
	kernel, err := btf.Encode(k, like.Order, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	target, err := verify.NewTarget(kernel)
	if err != nil {
		t.Fatal(err)
	}
	target.Abilities = verify.Release(6, 12)
	target.Abilities.Order = like.Order
	res := target.Module(raw, base)
	if res.Outcome != verify.Loads || len(res.Problems) > 0 {
		t.Errorf("in a module: %v, %v, %v", res.Outcome, res.Err, res.Problems)
	}
}

// hostOrder is the byte order of this machine.
func hostOrder() btf.Order {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

// visible counts the types that cilium/ebpf has a type for; it takes DECL_TAG for an
// attribute of what it decorates.
func visible(b *btf.Blob) int {
	n := 0
	for id := b.Start(); id < b.End(); id++ {
		if b.Record(id).Kind() != btf.DeclTag {
			n++
		}
	}
	return n
}

// byCilium reads all types with cilium/ebpf.
func byCilium(raw, base []byte, want int) error {
	var spec *ebtf.Spec
	var err error
	if base == nil {
		spec, err = ebtf.LoadSpecFromReader(strings.NewReader(string(raw)))
	} else {
		var b *ebtf.Spec
		if b, err = ebtf.LoadSpecFromReader(strings.NewReader(string(base))); err == nil {
			spec, err = ebtf.LoadSplitSpecFromReader(strings.NewReader(string(raw)), b)
		}
	}
	if err != nil {
		return err
	}
	n := 0
	for typ, err := range spec.All() {
		if err != nil {
			return err
		}
		if _, void := typ.(*ebtf.Void); !void {
			n++
		}
	}
	if n != want {
		return fmt.Errorf("cilium/ebpf reads %d types of %d", n, want)
	}
	return nil
}

// liveLoad gives BTF to the running kernel.
func liveLoad(t *testing.T, raw []byte) {
	t.Helper()
	log, err := verify.KernelLoad(raw)
	if errors.Is(err, verify.ErrNotPermitted) {
		t.Log("the running kernel was not asked: bpf(BPF_BTF_LOAD) is not permitted")
		return
	}
	if err != nil {
		t.Errorf("the running kernel: %v\n%s", err, log)
	}
}

// TestRealJudges does the same for real modules, self-contained and, if the kernel has
// BTF, split and distilled, split BTF joined with its base. See TestModulesAreSound for
// the environment. The running kernel is not asked about other byte orders and sizes of
// pointers.
func TestRealJudges(t *testing.T) {
	dir := testkernel.Dir(t)
	alone := []Options{{Form: SelfContained}, {Form: SelfContained, Keep: KeepOwn}}
	over := []Options{{Form: Split}, {Form: Distilled}, {Form: SelfContained, Keep: KeepOwn}}
	base := kernelBase(t, dir)
	var target *verify.Target
	if base == nil {
		over = nil
	} else {
		var err error
		if target, err = verify.NewTarget(base.Blob.Data); err != nil {
			t.Fatal(err)
		}
	}
	encoder := func(o Options) *Encoder {
		e, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	var standalone, loadable []*Encoder
	for _, o := range alone {
		standalone = append(standalone, encoder(o))
	}
	for _, o := range over {
		o.Base = base.Path
		loadable = append(loadable, encoder(o))
	}
	eachModule(t, dir, []string{"xfs.ko", "btrfs.ko", "nf_tables.ko", "openvswitch.ko", "veth.ko"}, func(t *testing.T, path string) {
		f, err := object.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		ours := f.Order == hostOrder() && f.Class == elf.ELFCLASS64
		f.Close()
		for _, e := range standalone {
			out, err := e.Open(path, true)
			if err != nil {
				t.Fatal(err)
			}
			blob, err := btf.Parse(out.BTF, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := byCilium(out.BTF, nil, visible(blob)); err != nil {
				t.Errorf("self-contained, keep %v: %v", e.opts.Keep, err)
			}
			if ours {
				liveLoad(t, out.BTF)
			}
		}
		if base == nil {
			return
		}
		for _, e := range slices.Concat(standalone, loadable) {
			out, err := e.Open(path, false)
			if err != nil {
				t.Fatal(err)
			}
			if res := target.Module(out.BTF, out.Base); res.Outcome != verify.Loads || len(res.Problems) > 0 || !res.Sorted {
				t.Errorf("%v, keep %v: %v, %v, %v, sorted %v", e.form, e.opts.Keep, res.Outcome, res.Err, res.Problems, res.Sorted)
			}
			if e.form != Split {
				continue
			}
			blob, err := btf.Parse(out.BTF, base.Blob)
			if err != nil {
				t.Fatal(err)
			}
			if err := byCilium(out.BTF, base.Blob.Data, visible(blob)); err != nil {
				t.Error(err)
			}
			if !ours {
				continue
			}
			joined, err := verify.Join(base.Blob.Data, out.BTF)
			if err != nil {
				t.Fatal(err)
			}
			liveLoad(t, joined)
		}
	})
}
