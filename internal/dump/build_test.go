package dump

import (
	"encoding/binary"
	"testing"

	"mkbtf/btf"
)

// builder makes small BTFs.
type builder struct{ *btf.Table }

func (b builder) str(s string) btf.Str { return b.Strings.InternString(s) }

func (b builder) named(k btf.Kind, name string, t btf.Type, ms ...btf.Member) btf.ID {
	t.Kind, t.Name = k, b.str(name)
	return b.AddWith(t, ms)
}

func (b builder) to(k btf.Kind, id btf.ID) btf.ID { return b.Add(btf.Type{Kind: k, Ref: id}) }

func (b builder) ptr(id btf.ID) btf.ID { return b.to(btf.Ptr, id) }

func (b builder) typedef(name string, id btf.ID) btf.ID {
	return b.named(btf.Typedef, name, btf.Type{Ref: id})
}

func (b builder) array(id btf.ID, n uint32) btf.ID {
	return b.Add(btf.Type{Kind: btf.Array, Ref: id, Extra: uint32(id), Size: n})
}

func (b builder) unsigned(name string, size uint32) btf.ID {
	return b.named(btf.Int, name, btf.Type{Size: size, Extra: btf.IntData(0, 0, 8*size)})
}

func (b builder) signed(name string, size uint32) btf.ID {
	return b.named(btf.Int, name, btf.Type{Size: size, Extra: btf.IntData(btf.IntSigned, 0, 8*size)})
}

// at is a member at a byte, bits a bit-field.
func (b builder) at(off uint32, name string, id btf.ID) btf.Member {
	return btf.Member{Name: b.str(name), Type: id, Off: 8 * off}
}

func (b builder) bits(off uint32, name string, id btf.ID, n uint32) btf.Member {
	return btf.Member{Name: b.str(name), Type: id, Off: off, Bits: n}
}

func (b builder) record(k btf.Kind, name string, size uint32, ms ...btf.Member) btf.ID {
	return b.named(k, name, btf.Type{Size: size}, ms...)
}

func (b builder) structure(name string, size uint32, ms ...btf.Member) btf.ID {
	return b.record(btf.Struct, name, size, ms...)
}

func (b builder) proto(ret btf.ID, params ...btf.ID) btf.ID {
	var ms []btf.Member
	for _, id := range params {
		ms = append(ms, btf.Member{Type: id})
	}
	return b.AddWith(btf.Type{Kind: btf.FuncProto, Ref: ret}, ms)
}

func (b builder) value(name string, v uint64) btf.Member {
	return btf.Member{Name: b.str(name), Off: uint32(v), Bits: uint32(v >> 32)}
}

// build runs fill on a new table, over base if that is not nil, and parses the result.
func build(t testing.TB, base *btf.Blob, fill func(b builder)) *btf.Blob {
	t.Helper()
	start := btf.ID(1)
	if base != nil {
		start = base.End()
	}
	tab := btf.NewTable(start, nil)
	fill(builder{tab})
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
