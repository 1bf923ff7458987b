package keep_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/keep"
	"mkbtf/internal/verify"
)

// builder makes tables in few words.
type builder struct{ *btf.Table }

func (b builder) typ(k btf.Kind, name string, ref btf.ID) btf.ID {
	return b.Add(btf.Type{Kind: k, Name: b.Strings.InternString(name), Ref: ref})
}

// record adds a struct; member i is named m0, m1 and so on and lies at byte 8*i.
func (b builder) record(name string, size uint32, members ...btf.ID) btf.ID {
	id := b.Add(btf.Type{Kind: btf.Struct, Name: b.Strings.InternString(name), Size: size})
	b.fill(id, members...)
	return id
}

// fill gives a struct its members, for types that refer to each other.
func (b builder) fill(id btf.ID, members ...btf.ID) {
	t := b.At(id)
	t.First, t.Len = uint32(len(b.Members)), uint32(len(members))
	for i, m := range members {
		b.Members = append(b.Members, btf.Member{Name: b.Strings.InternString(fmt.Sprint("m", i)), Type: m, Off: uint32(64 * i)})
	}
}

func (b builder) proto(params ...btf.ID) btf.ID {
	var ms []btf.Member
	for i, p := range params {
		ms = append(ms, btf.Member{Name: b.Strings.InternString(fmt.Sprint("p", i)), Type: p})
	}
	return b.AddWith(btf.Type{Kind: btf.FuncProto}, ms)
}

// kernelTypes adds a kernel in small: device embeds kobject and points to bus, which
// points to driver; all of it as the table's first types.
type kernelTypes struct{ integer, kobject, driver, bus, busPtr, device, devicePtr, unnamed, mode btf.ID }

func (b builder) kernel() (k kernelTypes) {
	k.integer = b.Add(btf.Type{Kind: btf.Int, Name: b.Strings.InternString("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	k.kobject = b.record("kobject", 8, k.integer)
	k.driver = b.record("driver", 16, k.integer)
	driverPtr := b.typ(btf.Ptr, "", b.typ(btf.Const, "", k.driver))
	k.bus = b.record("bus", 24, k.integer, driverPtr)
	k.busPtr = b.typ(btf.Ptr, "", k.bus)
	fn := b.typ(btf.Ptr, "", b.proto(k.integer))
	k.device = b.record("device", 32, k.kobject, k.busPtr, fn)
	k.devicePtr = b.typ(btf.Ptr, "", k.device)
	k.unnamed = b.record("", 8, k.busPtr)
	k.mode = b.AddWith(btf.Type{Kind: btf.Enum, Name: b.Strings.InternString("mode"), Size: 4},
		[]btf.Member{{Name: b.Strings.InternString("ON"), Off: 1}})
	return k
}

// render lists the structs of a table, "device(kobject,*bus,*void)" in full and
// "device:32" without members, and FUNCs, by name.
func render(t *btf.Table) string {
	var list []string
	for i := range t.Types {
		typ := &t.Types[i]
		switch {
		case typ.Name == 0:
		case typ.Kind.IsComposite() && typ.Len == 0:
			list = append(list, fmt.Sprintf("%s:%d", t.Name(typ.Name), typ.Size))
		case typ.Kind.IsComposite(), typ.Kind == btf.Func:
			of := typ
			if typ.Kind == btf.Func {
				of = t.At(typ.Ref)
			}
			var ms []string
			for _, m := range t.MembersOf(of) {
				ms = append(ms, spell(t, m.Type))
			}
			list = append(list, t.Name(typ.Name)+"("+strings.Join(ms, ",")+")")
		case typ.Kind == btf.DeclTag:
			list = append(list, "tag:"+t.Name(typ.Name))
		case typ.Kind == btf.Fwd:
			list = append(list, "fwd:"+t.Name(typ.Name))
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func spell(t *btf.Table, id btf.ID) string {
	if id == 0 {
		return "void"
	}
	switch typ := t.At(id); typ.Kind {
	case btf.Ptr:
		return "*" + spell(t, typ.Ref)
	case btf.Const:
		return spell(t, typ.Ref)
	case btf.FuncProto:
		return "fn"
	case btf.Struct:
		if typ.Name != 0 {
			return t.Name(typ.Name)
		}
		var ms []string
		for _, m := range t.MembersOf(typ) {
			ms = append(ms, spell(t, m.Type))
		}
		return "{" + strings.Join(ms, ",") + "}"
	default:
		return t.Name(typ.Name)
	}
}

var cases = []struct {
	name string
	hops int
	// add puts the module's types behind those of the kernel and returns the roots.
	add  func(builder, kernelTypes) []btf.ID
	want string
}{
	{"pointee is a shell", 0, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.record("own", 8, k.devicePtr)}
	}, "device:32 own(*device)"},
	{"const pointee is a shell", 0, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.record("own", 8, b.typ(btf.Ptr, "", b.typ(btf.Const, "", k.driver)))}
	}, "driver:16 own(*driver)"},
	{"embedded is full, its pointers and functions are void", 0, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.record("own", 32, k.device)}
	}, "device(kobject,*void,*void) kobject(int) own(device)"},
	{"embedded and its pointee met from a root too", 0, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.record("own", 40, k.device, k.busPtr)}
	}, "bus:24 device(kobject,*bus,*void) kobject(int) own(device,*bus)"},
	{"struct without a name belongs to the root that holds it", 0, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.record("own", 8, k.unnamed)}
	}, "bus:24 own({*bus})"},
	{"pointee that another root embeds is full", 0, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.record("a", 8, b.typ(btf.Ptr, "", k.kobject)), b.record("b", 8, k.kobject)}
	}, "a(*kobject) b(kobject) kobject(int)"},
	{"function of a root keeps its prototype", 0, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.record("own", 8, b.typ(btf.Ptr, "", b.proto(k.devicePtr)))}
	}, "device:32 own(*fn)"},
	{"parameters of a FUNC are shells", 0, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.typ(btf.Func, "f", b.proto(k.devicePtr, k.integer))}
	}, "device:32 f(*device,int)"},
	{"one hop", 1, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.typ(btf.Func, "f", b.proto(k.devicePtr))}
	}, "device(kobject,*void,*void) f(*device) kobject(int)"},
	{"two hops", 2, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.typ(btf.Func, "f", b.proto(k.devicePtr))}
	}, "bus(int,*void) device(kobject,*bus,*fn) f(*device) kobject(int)"},
	{"more hops than there are", 100, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.typ(btf.Func, "f", b.proto(k.devicePtr))}
	}, "bus(int,*driver) device(kobject,*bus,*fn) driver(int) f(*device) kobject(int)"},
	{"root behind a pointer of another stays full", 0, func(b builder, k kernelTypes) []btf.ID {
		a := b.record("a", 8, k.integer)
		return []btf.ID{a, b.record("b", 8, b.typ(btf.Ptr, "", a))}
	}, "a(int) b(*a)"},
	{"a root that points to itself", 0, func(b builder, k kernelTypes) []btf.ID {
		a := b.record("a", 8)
		b.fill(a, b.typ(btf.Ptr, "", a))
		return []btf.ID{a}
	}, "a(*a)"},
	{"pointee enum is complete", 0, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.record("own", 8, b.typ(btf.Ptr, "", k.mode))}
	}, "own(*mode)"},
	{"declaration becomes a shell", 0, func(b builder, k kernelTypes) []btf.ID {
		return []btf.ID{b.record("own", 8, b.typ(btf.Ptr, "", b.typ(btf.Fwd, "hidden", 0)))}
	}, "hidden:0 own(*hidden)"},
	{"tag on a root", 0, func(b builder, k kernelTypes) []btf.ID {
		own := b.record("own", 8, k.integer)
		return []btf.ID{own, b.Add(btf.Type{Kind: btf.DeclTag, Name: b.Strings.InternString("t"), Ref: own, Extra: 0})}
	}, "own(int) tag:t"},
	{"tag that is no root", 0, func(b builder, k kernelTypes) []btf.ID {
		b.Add(btf.Type{Kind: btf.DeclTag, Name: b.Strings.InternString("t"), Ref: k.device})
		return []btf.ID{b.record("own", 8, k.devicePtr)}
	}, "device:32 own(*device)"},
	{"nothing", 0, func(b builder, k kernelTypes) []btf.ID { return []btf.ID{} }, ""},
}

// TestCut cuts tables in which the kernel's types stand beside the module's.
func TestCut(t *testing.T) {
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			b := builder{btf.NewTable(1, nil)}
			roots := tt.add(b, b.kernel())
			judge(t, keep.Cut(b.Table, nil, roots, tt.hops), tt.want)
		})
	}
}

// TestCutOverBase cuts the same module over a base: everything that it has of its own
// is a root.
func TestCutOverBase(t *testing.T) {
	for _, tt := range cases {
		if tt.name == "tag that is no root" || tt.name == "nothing" {
			continue // own types are roots there
		}
		t.Run(tt.name, func(t *testing.T) {
			kernel := builder{btf.NewTable(1, nil)}
			k := kernel.kernel()
			raw, err := btf.Encode(kernel.Table, binary.LittleEndian, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			base, err := btf.Parse(raw, nil)
			if err != nil {
				t.Fatal(err)
			}
			b := builder{btf.NewTable(base.End(), nil)}
			tt.add(b, k)
			judge(t, keep.Cut(b.Table, base, nil, tt.hops), tt.want)
		})
	}
}

func judge(t *testing.T, got *btf.Table, want string) {
	t.Helper()
	if s := render(got); s != want {
		t.Errorf("kept %s\nwant %s", s, want)
	}
	raw, err := btf.Encode(got, binary.LittleEndian, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Types) == 0 {
		return
	}
	ab := verify.Release(6, 12)
	if err := verify.Load(raw, &ab); err != nil {
		t.Errorf("the kernel's checks: %v", err)
	}
}

// TestCutMerges makes types equal that were not.
func TestCutMerges(t *testing.T) {
	b := builder{btf.NewTable(1, nil)}
	k := b.kernel()
	// Two definitions of one name and size, and what points to each.
	x, y := b.record("x", 8, k.integer), b.record("x", 8, k.integer, k.integer)
	own := b.record("own", 16, b.typ(btf.Ptr, "", x), b.typ(btf.Ptr, "", y))
	got := keep.Cut(b.Table, nil, []btf.ID{own}, 0)
	judge(t, got, "own(*x,*x) x:8")
	if len(got.Types) != 3 {
		t.Errorf("%d types, want struct own, struct x and one pointer", len(got.Types))
	}
}

// TestCutHostileBase makes sure that cycles without a tag, which a crafted base can
// bring in, end.
func TestCutHostileBase(t *testing.T) {
	kernel := builder{btf.NewTable(1, nil)}
	c := kernel.typ(btf.Const, "", 2)
	kernel.typ(btf.Volatile, "", c)
	p := kernel.typ(btf.Ptr, "", 3)
	raw, err := btf.Encode(kernel.Table, binary.LittleEndian, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	base, err := btf.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := builder{btf.NewTable(base.End(), nil)}
	b.record("own", 16, c, p, b.typ(btf.Ptr, "", c))
	if got := keep.Cut(b.Table, base, nil, 0); len(got.Types) == 0 {
		t.Error("nothing is left")
	}
}
