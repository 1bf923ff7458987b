package dump

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"mkbtf/btf"
	"mkbtf/internal/dump/dumptest"
)

// cCases are BTFs and what of C they show. With lossy, C has no way to say all of it.
var cCases = []struct {
	name  string
	opts  COptions
	lossy bool
	fill  func(b builder)
}{
	{name: "arithmetic", fill: func(b builder) {
		ms := []btf.Member{}
		at := uint32(0)
		add := func(name string, id btf.ID, size uint32) {
			at = uint32(roundUp(uint64(at), uint64(size)))
			ms = append(ms, b.at(at, name, id))
			at += size
		}
		add("c", b.signed("char", 1), 1)
		add("uc", b.unsigned("unsigned char", 1), 1)
		add("flag", b.named(btf.Int, "_Bool", btf.Type{Size: 1, Extra: btf.IntData(btf.IntBool, 0, 8)}), 1)
		add("s", b.unsigned("short unsigned int", 2), 2)
		add("i", b.signed("int", 4), 4)
		add("l", b.unsigned("long unsigned int", 8), 8)
		add("ll", b.signed("long long int", 8), 8)
		add("f", b.named(btf.Float, "float", btf.Type{Size: 4}), 4)
		add("d", b.named(btf.Float, "double", btf.Type{Size: 8}), 8)
		add("ld", b.named(btf.Float, "long double", btf.Type{Size: 16}), 16)
		add("wide", b.unsigned("__int128 unsigned", 16), 16)
		add("half", b.named(btf.Float, "_Float16", btf.Type{Size: 2}), 2)
		add("quad", b.named(btf.Float, "_Float128", btf.Type{Size: 16}), 16)
		add("rust", b.unsigned("usize", 8), 8)
		add("rune", b.unsigned("char", 4), 4)
		add("odd", b.unsigned("u24", 3), 1)
		b.structure("arithmetic", uint32(roundUp(uint64(at+2), 16)), ms...)
	}},
	{name: "packed-and-aligned", fill: func(b builder) {
		u8, u32, u64 := b.unsigned("unsigned char", 1), b.unsigned("unsigned int", 4), b.unsigned("long long unsigned int", 8)
		b.structure("natural", 24, b.at(0, "a", u8), b.at(4, "b", u32), b.at(8, "c", u64), b.at(16, "d", u8))
		short := b.structure("packed", 13, b.at(0, "a", u8), b.at(1, "b", u32), b.at(5, "c", u64))
		b.structure("packed_end", 12, b.at(0, "a", u64), b.at(8, "b", u32))
		b.structure("holds_packed", 16, b.at(0, "a", u8), b.at(1, "p", short), b.at(15, "z", u8))
		line := b.structure("line", 64, b.at(0, "a", u32))
		b.structure("lines", 256, b.at(0, "a", u8), b.at(64, "b", line), b.at(128, "c", u8), b.at(192, "d", u8))
		b.structure("packed_gap", 12, b.at(0, "a", u8), b.at(4, "b", u32), b.at(9, "c", u8))
		b.structure("odd_gap", 24, b.at(0, "a", u8), b.at(13, "b", u8), b.at(16, "c", u64))
		b.structure("long_gap", 3000, b.at(0, "a", u8), b.at(1001, "b", u8))
		b.structure("page", 8192, b.at(0, "a", u8), b.at(4096, "b", u8))
		b.structure("opaque", 4242)
		b.record(btf.Union, "opaque_union", 24)
		b.record(btf.Union, "aligned_union", 16, b.at(0, "a", u32))
		b.record(btf.Union, "packed_union", 5, b.at(0, "a", u32), b.at(0, "b", b.array(u8, 5)))
		b.structure("empty", 0)
	}},
	{name: "bit-fields", fill: func(b builder) {
		u8, i, u64 := b.unsigned("unsigned char", 1), b.signed("int", 4), b.unsigned("long unsigned int", 8)
		e := b.named(btf.Enum, "e", btf.Type{Size: 4}, b.value("E0", 0), b.value("E1", 1))
		b.structure("natural", 16, b.bits(0, "a", i, 3), b.bits(3, "b", i, 29), b.bits(32, "c", i, 7), b.bits(64, "d", u64, 40), b.bits(104, "e", e, 2))
		b.structure("skips", 16, b.bits(5, "a", i, 3), b.bits(32, "b", i, 1), b.bits(70, "c", u64, 33))
		b.structure("packed", 7, b.bits(0, "a", i, 30), b.bits(30, "b", i, 20), b.at(7, "end", b.array(u8, 0)))
		b.structure("crosses", 4, b.bits(0, "a", u8, 6), b.bits(6, "b", u8, 4), b.bits(10, "c", i, 22))
		b.structure("mixed", 8, b.at(0, "a", u8), b.bits(8, "b", i, 4), b.bits(12, "c", i, 12), b.at(4, "d", i))
		b.record(btf.Union, "bits", 4, b.bits(0, "a", i, 3), b.at(0, "whole", i))
		old := b.named(btf.Int, "int", btf.Type{Size: 4, Extra: btf.IntData(btf.IntSigned, 3, 5)})
		b.structure("before_kind_flag", 4, b.at(0, "a", old), b.at(2, "b", u8))
	}},
	{name: "declarators", fill: func(b builder) {
		c, i := b.signed("char", 1), b.signed("int", 4)
		cc := b.to(btf.Const, c)
		fn := b.proto(i, b.ptr(cc), 0)
		s := b.structure("s", 8, b.at(0, "next", b.ptr(b.End()+1)))
		handler := b.typedef("handler_t", b.ptr(b.proto(0, b.ptr(s))))
		fnType := b.typedef("fn_t", fn)
		ms := []btf.Member{}
		add := func(name string, id btf.ID) { ms = append(ms, b.at(uint32(8*len(ms)), name, id)) }
		add("text", b.to(btf.Const, b.ptr(cc)))
		add("call", b.ptr(fn))
		add("old_style", b.ptr(b.proto(0, 0)))
		add("table", b.ptr(b.array(b.ptr(fn), 3)))
		add("returns", b.ptr(b.proto(b.ptr(b.proto(i)), handler)))
		add("to_const_fn", b.ptr(b.to(btf.Const, fnType)))
		add("vol", b.ptr(b.to(btf.Volatile, b.to(btf.Const, i))))
		add("res", b.to(btf.Restrict, b.ptr(c)))
		add("unknown", b.ptr(b.named(btf.Fwd, "unknown", btf.Type{})))
		add("unknown_union", b.ptr(b.named(btf.Fwd, "unknown_union", btf.Type{Flag: true})))
		add("two_dims", b.array(b.array(cc, 4), 2))
		add("user", b.ptr(b.named(btf.TypeTag, "user", btf.Type{Ref: b.ptr(b.named(btf.TypeTag, "r\"cu\\??", btf.Type{Ref: cc}))})))
		add("odd_tag", b.ptr(b.named(btf.TypeTag, "\n\xff", btf.Type{Ref: i})))
		add("tagged_array", b.ptr(b.named(btf.TypeTag, "user", btf.Type{Ref: b.array(i, 4)})))
		add("two_tags", b.ptr(b.named(btf.TypeTag, "outer", btf.Type{Ref: b.named(btf.TypeTag, "inner", btf.Type{Ref: i})})))
		add("attribute", b.ptr(b.named(btf.TypeTag, "address_space(1)", btf.Type{Ref: i, Flag: true})))
		add("to_enum", b.ptr(b.named(btf.Enum, "later", btf.Type{Size: 4})))
		add("volatile_array", b.to(btf.Volatile, b.array(i, 2)))
		add("flexible", b.array(s, 0))
		b.structure("declarators", uint32(8*len(ms)-8), ms...)
	}},
	{name: "nested", fill: func(b builder) {
		i, c := b.signed("int", 4), b.unsigned("char", 1)
		in := b.structure("", 8, b.at(0, "x", i), b.at(4, "y", i))
		u := b.record(btf.Union, "", 8, b.at(0, "", in), b.at(0, "all", b.array(c, 8)))
		tagged := b.structure("tagged", 8, b.at(0, "t0", i), b.at(4, "t1", c))
		state := b.named(btf.Enum, "", btf.Type{Size: 4}, b.value("OFF", 0), b.value("ON", 1))
		b.structure("outer", 56, b.at(0, "", u), b.at(8, "in", in), b.at(16, "list", b.array(in, 2)), b.at(32, "", tagged), b.at(40, "state", state), b.at(48, "p", b.ptr(in)))
		b.structure("again", 4, b.at(0, "state", state))
		b.typedef("pair_t", in)
		b.typedef("packed_t", b.structure("", 5, b.at(0, "c", c), b.at(1, "i", i)))
	}},
	{name: "names", fill: func(b builder) {
		i := b.signed("int", 4)
		first := b.structure("twice", 4, b.at(0, "a", i))
		second := b.structure("twice", 4, b.at(0, "b", i))
		b.record(btf.Union, "twice", 4, b.at(0, "c", i))
		b.structure("twice___2", 4, b.at(0, "d", i))
		b.typedef("twice", i)
		b.named(btf.Enum, "twice", btf.Type{Size: 4}, b.value("twice", 0), b.value("SAME", 1))
		b.named(btf.Enum, "other", btf.Type{Size: 4}, b.value("SAME", 2))
		b.named(btf.Enum, "", btf.Type{Size: 4}, b.value("SAME", 3))
		b.structure("uses", 32, b.at(0, "first", b.ptr(first)), b.at(8, "second", b.ptr(second)), b.at(16, "declared", b.ptr(b.named(btf.Fwd, "twice", btf.Type{}))),
			b.at(24, "not_that", b.ptr(b.named(btf.Fwd, "other", btf.Type{}))))
		b.structure("core::option::Option<u8>", 12, b.at(0, "__0", i), b.at(4, "int", i), b.at(8, "a.b", i))
		b.typedef("4bits", i)
		b.typedef("bool", b.named(btf.Int, "_Bool", btf.Type{Size: 1, Extra: btf.IntData(btf.IntBool, 0, 8)}))
		b.named(btf.Enum, "", btf.Type{Size: 4}, b.value("false", 0), b.value("true", 1))
		b.structure("new", 4, b.at(0, "class", i))
	}},
	{name: "enums", fill: func(b builder) {
		small := b.named(btf.Enum, "small", btf.Type{Size: 1, Flag: true}, b.value("S0", 0xffffff80), b.value("S1", 127))
		half := b.named(btf.Enum, "half", btf.Type{Size: 2}, b.value("H0", 65535))
		plain := b.named(btf.Enum, "plain", btf.Type{Size: 4}, b.value("P0", 0xffffffff))
		neg := b.named(btf.Enum, "negative", btf.Type{Size: 4, Flag: true}, b.value("N0", 0x80000000))
		long := b.named(btf.Enum, "long_one", btf.Type{Size: 8}, b.value("L0", 1))
		wide := b.named(btf.Enum64, "wide", btf.Type{Size: 8}, b.value("W0", 1<<63))
		signed := b.named(btf.Enum64, "signed_one", btf.Type{Size: 8, Flag: true}, b.value("X0", 1<<63), b.value("X1", 1<<64-1))
		none := b.named(btf.Enum, "none", btf.Type{Size: 4})
		b.structure("enums", 48, b.at(0, "small", small), b.at(2, "half", half), b.at(4, "plain", plain), b.at(8, "neg", neg), b.at(16, "long_one", long), b.at(24, "wide", wide),
			b.at(32, "signed_one", signed), b.at(40, "none", none))
	}},
	{name: "va-list", fill: func(b builder) {
		u, p := b.unsigned("unsigned int", 4), b.ptr(0)
		tag := b.structure("__va_list_tag", 24, b.at(0, "gp_offset", u), b.at(4, "fp_offset", u), b.at(8, "overflow_arg_area", p), b.at(16, "reg_save_area", p))
		list := b.typedef("va_list", b.typedef("__gnuc_va_list", b.typedef("__builtin_va_list", b.array(tag, 1))))
		b.structure("format", 40, b.at(0, "fmt", b.ptr(0)), b.at(8, "va", b.ptr(list)), b.at(16, "args", list))
	}},
	{name: "order", fill: func(b builder) {
		// outer holds inner by value and points to what comes last.
		i := b.signed("int", 4)
		last := b.End() + 6
		inner := b.End() + 3
		b.structure("outer", 24, b.at(0, "in", inner), b.at(8, "t", b.End()+1), b.at(16, "f", b.End()+2))
		b.typedef("last_p", b.ptr(last))
		b.structure("inner", 4, b.at(0, "i", i))
		back := b.ptr(inner)
		for b.End() < last {
			b.ptr(last)
		}
		b.structure("last", 8, b.at(0, "back", back))
	}},
	{name: "one-type", opts: COptions{Types: []string{"struct b", "f"}}, fill: func(b builder) {
		i := b.signed("int", 4)
		a := b.structure("a", 4, b.at(0, "i", i))
		c := b.structure("c", 4, b.at(0, "i", i))
		s := b.structure("b", 16, b.at(0, "a", a), b.at(8, "c", b.ptr(c)))
		b.typedef("b", i)
		proto := b.AddWith(btf.Type{Kind: btf.FuncProto, Ref: i}, []btf.Member{b.at(0, "arg", b.ptr(s)), b.at(0, "int", i)})
		b.named(btf.Func, "f", btf.Type{Ref: proto})
	}},
	{name: "everything-reachable", opts: COptions{Types: []string{"b"}, Deps: DepsAll}, fill: func(b builder) {
		i := b.signed("int", 4)
		c := b.structure("c", 4, b.at(0, "i", i))
		b.structure("b", 8, b.at(0, "c", b.ptr(c)))
		b.structure("not_this", 4, b.at(0, "i", i))
	}},
	{name: "kfuncs", fill: func(b builder) {
		i := b.signed("int", 4)
		for _, name := range []string{"bpf_one", "bpf_two", "not_this"} {
			proto := b.AddWith(btf.Type{Kind: btf.FuncProto, Ref: i}, []btf.Member{b.at(0, "s", b.ptr(b.named(btf.Fwd, "arg", btf.Type{})))})
			f := b.named(btf.Func, name, btf.Type{Ref: proto})
			if name != "not_this" {
				b.named(btf.DeclTag, "bpf_kfunc", btf.Type{Ref: f, Extra: 1<<32 - 1})
			}
		}
	}},
	{name: "impossible", lossy: true, fill: func(b builder) {
		i, c := b.signed("int", 4), b.unsigned("unsigned char", 1)
		b.structure("overlaps", 8, b.at(0, "a", i), b.at(2, "b", i), b.at(4, "c", i))
		b.structure("too_long", 4, b.at(0, "a", i), b.at(4, "b", i))
		b.structure("too_wide", 4, b.bits(0, "a", c, 9), b.bits(16, "b", i, 3))
		b.structure("no_size", 16, b.at(0, "v", b.to(btf.Const, 0)), b.at(0, "f", b.proto(0)), b.at(0, "d", b.named(btf.Fwd, "x", btf.Type{})), b.at(8, "i", i))
		b.structure("itself", 8, b.at(0, "me", b.End()), b.at(4, "i", i))
		b.structure("odd_bit", 4, btf.Member{Name: b.str("a"), Type: i, Off: 3})
		b.structure("nameless", 4, b.at(0, "", i))
		b.structure("*/ evil /*", 4, b.at(0, "a\n*/b", i))
		b.typedef("loop_t", b.structure("", 8, b.at(0, "p", b.ptr(b.End()+2))))
		b.structure("array_of_itself", 8, b.at(0, "p", b.ptr(b.array(b.End()+2, 3))))
		b.typedef("returns_array", b.ptr(b.proto(b.array(i, 3), 0, i)))
		b.typedef("pointer_to_itself", b.ptr(b.End()+1))
	}},
}

// TestCGolden compares headers with testdata/c.txtar, which has one for each case.
func TestCGolden(t *testing.T) {
	const golden = "testdata/c.txtar"
	old, err := txtar.ParseFile(golden)
	if err != nil && !*update {
		t.Fatal(err)
	}
	want := map[string][]byte{}
	if err == nil {
		for _, f := range old.Files {
			want[f.Name] = f.Data
		}
	}
	fresh := txtar.Archive{Comment: []byte("Headers that TestCGolden makes; -update writes them anew.\n\n")}
	for _, c := range cCases {
		t.Run(c.name, func(t *testing.T) {
			opts := c.opts
			opts.Guard = "__TEST_H__"
			got := inC(t, build(t, nil, c.fill), opts)
			name := c.name + ".h"
			fresh.Files = append(fresh.Files, txtar.File{Name: name, Data: got})
			if !*update && !bytes.Equal(got, want[name]) {
				t.Errorf("got\n%s\nwant\n%s", got, want[name])
			}
			delete(want, name)
			if !c.lossy && bytes.Contains(got, []byte("left out")) {
				t.Errorf("members are left out:\n%s", got)
			}
		})
	}
	if *update {
		if err := os.WriteFile(golden, txtar.Format(&fresh), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name := range want {
		t.Errorf("%s: no such case", name)
	}
}

// TestCCompiles compiles the cases, with their own assertions, for several machines.
func TestCCompiles(t *testing.T) {
	for _, cc := range dumptest.Compilers(t, 8) {
		t.Run(strings.Join(append([]string{filepath.Base(cc[0])}, cc[1:]...), " "), func(t *testing.T) {
			for _, c := range cCases {
				opts := c.opts
				opts.Asserts = true
				if err := dumptest.Check(cc, inC(t, build(t, nil, c.fill), opts)); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			}
		})
	}
}

// TestCOverBase includes a header of a module's own types after that of its base.
func TestCOverBase(t *testing.T) {
	base := build(t, nil, func(b builder) {
		i := b.signed("int", 4)
		b.structure("s", 4, b.at(0, "a", i))
		b.structure("s", 8, b.at(0, "a", i), b.at(4, "b", i))
		b.named(btf.Enum, "e", btf.Type{Size: 4}, b.value("A", 0))
	})
	own := build(t, base, func(b builder) {
		b.structure("s", 12, b.at(0, "base", 3), b.at(8, "c", 1))
		b.structure("mine", 16, b.at(0, "first", b.ptr(2)), b.at(8, "own", b.ptr(b.Start)))
		b.named(btf.Enum, "e", btf.Type{Size: 4}, b.value("A", 0), b.value("B", 1))
	})
	text := inC(t, own, COptions{Deps: DepsNone, Guard: "__OWN_H__", Asserts: true})
	for _, want := range []string{"struct s___3 {\n\tstruct s___2 base;", "struct s *first;", "struct s___3 *own;", "enum e___2 {\n\tA___2 = 0,"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	both := append(inC(t, base, COptions{Guard: "__BASE_H__"}), text...)
	for _, cc := range dumptest.Compilers(t, 8) {
		if err := dumptest.Check(cc, both); err != nil {
			t.Error(err)
		}
	}
}

func TestCErrors(t *testing.T) {
	deep := build(t, nil, func(b builder) {
		id := b.signed("int", 4)
		for range 2 * maxDepth {
			id = b.ptr(id)
		}
		b.typedef("deep", id)
	})
	deepStructs := build(t, nil, func(b builder) {
		id := b.signed("int", 4)
		for range 2 * maxDepth {
			id = b.structure("", 4, b.at(0, "m", id))
		}
		b.typedef("deep", id)
	})
	loop := build(t, nil, func(b builder) { b.typedef("loop", b.ptr(b.to(btf.Const, b.End()))) })
	bomb := build(t, nil, func(b builder) {
		id := b.structure("", 0)
		for range 40 {
			id = b.structure("", 0, b.at(0, "a", id), b.at(0, "b", id))
		}
		b.typedef("bomb", id)
	})
	named := build(t, nil, func(b builder) { b.signed("int", 4) })
	for _, c := range []struct {
		name string
		b    *btf.Blob
		opts COptions
		want error
	}{
		{"pointers", deep, COptions{}, ErrTooDeep},
		{"structs", deepStructs, COptions{}, ErrTooDeep},
		{"loop of qualifiers", loop, COptions{}, ErrTooDeep},
		{"doubling", bomb, COptions{}, ErrTooLarge},
		{"no such type", named, COptions{Types: []string{"long"}}, ErrNoSuchType},
		{"no such kind", named, COptions{Types: []string{"struct int"}}, ErrNoSuchType},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := C(&out, c.b, c.opts); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if err := C(fullDisk{}, named, COptions{}); !errors.Is(err, errFull) {
		t.Errorf("got %v, want the error of the writer", err)
	}
}

func inC(t testing.TB, b *btf.Blob, opts COptions) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := C(&out, b, opts); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
