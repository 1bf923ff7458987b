package diff

import (
	"encoding/binary"
	"testing"

	"mkbtf/btf"
)

// builder makes small BTFs. Names may be given with any type; ids are what add returns.
type builder struct {
	*btf.Table
}

func newBuilder(base *btf.Blob) builder {
	start := btf.ID(1)
	if base != nil {
		start = base.End()
	}
	return builder{btf.NewTable(start, nil)}
}

func (b builder) name(s string) btf.Str { return b.Strings.InternString(s) }

func (b builder) named(k btf.Kind, name string, t btf.Type, ms ...btf.Member) btf.ID {
	t.Kind, t.Name = k, b.name(name)
	return b.AddWith(t, ms)
}

func (b builder) integer(name string) btf.ID {
	return b.named(btf.Int, name, btf.Type{Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
}

func (b builder) to(k btf.Kind, id btf.ID) btf.ID { return b.Add(btf.Type{Kind: k, Ref: id}) }

func (b builder) member(name string, id btf.ID, off uint32) btf.Member {
	return btf.Member{Name: b.name(name), Type: id, Off: off}
}

func (b builder) strct(name string, size uint32, ms ...btf.Member) btf.ID {
	return b.named(btf.Struct, name, btf.Type{Size: size}, ms...)
}

func (b builder) fn(name string, ret btf.ID, params ...btf.Member) btf.ID {
	proto := b.AddWith(btf.Type{Kind: btf.FuncProto, Ref: ret}, params)
	return b.named(btf.Func, name, btf.Type{Ref: proto})
}

func encode(t testing.TB, tab *btf.Table, base *btf.Blob) *btf.Blob {
	t.Helper()
	raw, err := btf.Encode(tab, binary.LittleEndian, base, true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := btf.Parse(raw, base)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// make builds a blob with f.
func build(t testing.TB, base *btf.Blob, f func(builder)) *btf.Blob {
	t.Helper()
	b := newBuilder(base)
	f(b)
	return encode(t, b.Table, base)
}

// everyKind has a type of every kind, several of them nested in others.
func everyKind(b builder) {
	i := b.integer("int")
	list := b.End()
	b.strct("list", 8, b.member("next", list+1, 0))
	p := b.to(btf.Ptr, list)
	arr := b.Add(btf.Type{Kind: btf.Array, Ref: i, Extra: uint32(i), Size: 7})
	u := b.AddWith(btf.Type{Kind: btf.Union, Size: 4}, []btf.Member{b.member("a", i, 0), b.member("b", i, 0)})
	e := b.named(btf.Enum, "e", btf.Type{Size: 4, Flag: true}, btf.Member{Name: b.name("X"), Off: 1}, btf.Member{Name: b.name("Y"), Off: 0xffffffff})
	e64 := b.named(btf.Enum64, "e64", btf.Type{Size: 8}, btf.Member{Name: b.name("Z"), Off: 1, Bits: 2})
	fwd := b.named(btf.Fwd, "opaque", btf.Type{})
	td := b.named(btf.Typedef, "t", btf.Type{Ref: p})
	c := b.to(btf.Const, td)
	v := b.to(btf.Volatile, i)
	rs := b.to(btf.Restrict, p)
	tag := b.named(btf.TypeTag, "user", btf.Type{Ref: fwd})
	tp := b.to(btf.Ptr, tag)
	d := b.named(btf.Float, "double", btf.Type{Size: 8})
	proto := b.AddWith(btf.Type{Kind: btf.FuncProto, Ref: i}, []btf.Member{b.member("x", rs, 0), {}})
	pp := b.to(btf.Ptr, proto)
	s := b.strct("s", 128,
		btf.Member{Name: b.name("bits"), Type: i, Bits: 3},
		b.member("arr", arr, 32), b.member("", u, 256), b.member("c", c, 320), b.member("v", v, 384),
		b.member("tp", tp, 448), b.member("cb", pp, 512), b.member("e", e, 576), b.member("e64", e64, 640), b.member("d", d, 704))
	b.named(btf.Func, "fn", btf.Type{Ref: proto, Extra: btf.LinkGlobal})
	va := b.named(btf.Var, "va", btf.Type{Ref: i, Extra: btf.LinkGlobal})
	b.named(btf.DataSec, ".data", btf.Type{Size: 16}, btf.Member{Type: va, Off: 4, Bits: 4})
	b.named(btf.DeclTag, "tag", btf.Type{Ref: s, Extra: 1})
}
