package btf

import "bytes"

// StringAt returns the string at an offset, which may lie in the base, without
// its NUL; nil if the offset is out of range.
func (b *Blob) StringAt(off uint32) []byte {
	for b.Base != nil && off < b.strBase {
		b = b.Base
	}
	i := uint64(off) - uint64(b.strBase)
	if i >= uint64(len(b.strs)) {
		return nil
	}
	s := b.strs[i:]
	n := bytes.IndexByte(s, 0)
	return s[:n:n]
}

// StringIs reports whether StringAt(off) is s, which has no NUL.
func (b *Blob) StringIs(off uint32, s []byte) bool {
	for b.Base != nil && off < b.strBase {
		b = b.Base
	}
	i, n := uint64(off)-uint64(b.strBase), uint64(len(s))
	if i >= uint64(len(b.strs)) {
		return n == 0
	}
	rest := b.strs[i:]
	return n < uint64(len(rest)) && rest[n] == 0 && string(rest[:n]) == string(s)
}

// HashAt is HashOf(StringAt(off)).
func (b *Blob) HashAt(off uint32) uint64 {
	for b.Base != nil && off < b.strBase {
		b = b.Base
	}
	i := uint64(off) - uint64(b.strBase)
	if i >= uint64(len(b.strs)) {
		return HashOf(nil)
	}
	h, _ := hashAt(b.strs, int(i))
	return h
}

// Record is the fixed part of a type record as it stands in the blob.
type Record struct {
	NameOff  uint32
	Info     uint32
	SizeType uint32
}

// Kind is the kind in the info word.
func (r Record) Kind() Kind { return Kind(r.Info >> 24 & 0x7f) }

// Vlen is the number of elements in the info word.
func (r Record) Vlen() int { return int(r.Info & 0xffffff) }

// Flag is the kind_flag in the info word.
func (r Record) Flag() bool { return r.Info>>31 != 0 }

// owner returns the blob, this or a base, that holds the type, nil if none does.
func (b *Blob) owner(id ID) *Blob {
	for b != nil && id < b.start {
		b = b.Base
	}
	if b == nil || id >= b.End() {
		return nil
	}
	return b
}

// Record returns the fixed part of a type of the blob or its base; for void and
// ids out of range it is zero.
func (b *Blob) Record(id ID) Record {
	o := b.owner(id)
	if o == nil {
		return Record{}
	}
	return o.record(o.types[o.offs[id-o.start]:])
}

func (b *Blob) record(p []byte) Record {
	return Record{b.Word(p), b.Word(p[4:]), b.Word(p[8:])}
}

// Each calls f for the own types in the order of their ids, with what Record and
// Extra return for them.
func (b *Blob) Each(f func(id ID, r Record, extra []byte)) {
	for i, off := range b.offs {
		f(b.start+ID(i), b.record(b.types[off:]), b.extra(i))
	}
}

// Extra returns the words after the record of a type, in the byte order of the blob.
func (b *Blob) Extra(id ID) []byte {
	o := b.owner(id)
	if o == nil {
		return nil
	}
	return o.extra(int(id - o.start))
}

func (b *Blob) extra(i int) []byte {
	end := len(b.types)
	if i+1 < len(b.offs) {
		end = int(b.offs[i+1])
	}
	return b.types[b.offs[i]+recordLen : end : end]
}

// Head returns a type without its name and members; Len is how many it has.
func (b *Blob) Head(id ID) Type { return b.head(b.Record(id), b.Extra(id)) }

func (b *Blob) head(r Record, x []byte) Type {
	t := Type{Kind: r.Kind(), Flag: r.Flag()}
	n := uint32(r.Vlen())
	switch t.Kind {
	case Int:
		t.Size, t.Extra = r.SizeType, b.Word(x)
	case Float:
		t.Size = r.SizeType
	case Ptr, Typedef, Volatile, Const, Restrict, TypeTag:
		t.Ref = ID(r.SizeType)
	case Array:
		t.Ref, t.Extra, t.Size = ID(b.Word(x)), b.Word(x[4:]), b.Word(x[8:])
	case Struct, Union:
		t.Size, t.Len, t.Flag = r.SizeType, n, false
	case Enum, Enum64, DataSec:
		t.Size, t.Len = r.SizeType, n
	case Func:
		t.Ref, t.Extra = ID(r.SizeType), n
	case FuncProto:
		t.Ref, t.Len = ID(r.SizeType), n
	case Var, DeclTag:
		t.Ref, t.Extra = ID(r.SizeType), b.Word(x)
	}
	return t
}

// Decode returns a type with its members, names translated by name from string
// offsets. The members are appended to ms; First counts from its start.
func (b *Blob) Decode(id ID, ms []Member, name func(off uint32) Str) (Type, []Member) {
	r, x := b.Record(id), b.Extra(id)
	u32 := b.Word
	t := b.head(r, x)
	t.Name, t.First = name(r.NameOff), uint32(len(ms))
	n := t.Len
	switch t.Kind {
	case Struct, Union:
		for flag := r.Flag(); n > 0; n, x = n-1, x[12:] {
			m := Member{Name: name(u32(x)), Type: ID(u32(x[4:])), Off: u32(x[8:])}
			if flag {
				m.Bits, m.Off = m.Off>>24, m.Off&0xffffff
			}
			ms = append(ms, m)
		}
	case Enum:
		for ; n > 0; n, x = n-1, x[8:] {
			ms = append(ms, Member{Name: name(u32(x)), Off: u32(x[4:])})
		}
	case Enum64:
		for ; n > 0; n, x = n-1, x[12:] {
			ms = append(ms, Member{Name: name(u32(x)), Off: u32(x[4:]), Bits: u32(x[8:])})
		}
	case FuncProto:
		for ; n > 0; n, x = n-1, x[8:] {
			ms = append(ms, Member{Name: name(u32(x)), Type: ID(u32(x[4:]))})
		}
	case DataSec:
		for ; n > 0; n, x = n-1, x[12:] {
			ms = append(ms, Member{Type: ID(u32(x)), Off: u32(x[4:]), Bits: u32(x[8:])})
		}
	}
	return t, ms
}

// Table decodes all own types of the blob into a table whose references keep
// their ids. Names are interned in pool (a new one if nil).
func (b *Blob) Table(pool *Strings) *Table {
	t := NewTable(b.start, pool)
	t.Types = make([]Type, 0, len(b.offs))
	name := func(off uint32) Str { return t.Strings.Intern(b.StringAt(off)) }
	for id := b.start; id < b.End(); id++ {
		var typ Type
		typ, t.Members = b.Decode(id, t.Members, name)
		t.Types = append(t.Types, typ)
	}
	return t
}
