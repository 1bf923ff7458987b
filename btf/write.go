package btf

import (
	"encoding/binary"
	"fmt"
)

// Encode writes the own types of a table in the wire format: a 24 byte header,
// the types in the order of the table, the strings that they use in the order of
// their first use. With base not nil it writes split BTF, whose strings are taken
// from the base where it has them if share is set. share must not be set if the
// base goes into a .BTF.base section: there the kernel lets split BTF borrow only
// the names of the base's types (btf_relocate_rewrite_strs, Linux 6.11).
//
// A table that the format cannot express gives an error: more than 65535
// members, a bit offset above 2^24-1 in a struct with bit-fields, a string section
// above 16 MiB, an id above MaxID.
func Encode(t *Table, order Order, base *Blob, share bool) ([]byte, error) {
	e := encoder{t: t, names: make([]uint32, t.Strings.Len())}
	if base != nil {
		if t.Start != base.End() {
			return nil, fmt.Errorf("btf: table starts at id %d, its base ends at %d", t.Start, base.End())
		}
		e.strBase = base.StringsEnd()
		if share {
			base.lookupStrings(t.Strings, t.usedStrings(), e.names)
		}
	}
	if t.End()-1 > MaxID {
		return nil, fmt.Errorf("btf: %d types, the kernel reads at most %d", t.End()-1, MaxID)
	}
	e.strings = HeaderLen
	for i := range t.Types {
		e.strings += recordLen + extraLen(t.Types[i].Kind, int(t.Types[i].Len))
	}
	e.out = make([]byte, e.strings, e.strings+min(t.Strings.Size()+1, e.strings/2))
	if base == nil {
		e.out = append(e.out, 0)
	}
	e.pos = HeaderLen
	for i := range t.Types {
		if err := e.record(&t.Types[i]); err != nil {
			return nil, fmt.Errorf("btf: type [%d] %s '%s': %w", t.Start+ID(i), t.Types[i].Kind, t.Name(t.Types[i].Name), err)
		}
	}
	size := len(e.out) - e.strings
	if uint64(e.strBase)+uint64(size) > MaxNameOff+1 {
		return nil, fmt.Errorf("btf: strings end at %d, the kernel reads at most %d bytes", uint64(e.strBase)+uint64(size), MaxNameOff+1)
	}
	if order != Order(binary.LittleEndian) {
		for b := e.out[HeaderLen:e.strings]; len(b) > 0; b = b[4:] {
			order.PutUint32(b, binary.LittleEndian.Uint32(b))
		}
	}
	h := e.out[:HeaderLen]
	order.PutUint16(h, magic)
	h[2], h[3] = 1, 0
	typeLen := uint32(e.strings - HeaderLen)
	for i, v := range [...]uint32{HeaderLen, 0, typeLen, typeLen, uint32(size)} {
		order.PutUint32(h[4+4*i:], v)
	}
	return e.out, nil
}

// encoder writes types, which are words of 32 bits, in little endian at first.
type encoder struct {
	t       *Table
	names   []uint32 // offset of a string of the pool, 0 if not placed yet
	strBase uint32
	out     []byte
	pos     int // in out: of the next word
	strings int // in out: behind the types
}

func (e *encoder) name(s Str) uint32 {
	if s == 0 {
		return 0
	}
	if e.names[s] == 0 {
		if e.strBase == 0 && len(e.out) == e.strings {
			e.out = append(e.out, 0) // offset 0 means anonymous, also in split BTF over nothing
		}
		e.names[s] = e.strBase + uint32(len(e.out)-e.strings)
		e.out = append(append(e.out, e.t.Strings.Bytes(s)...), 0)
	}
	return e.names[s]
}

// put writes up to three words.
func (e *encoder) put(n int, a, b, c uint32) {
	p := e.out[e.pos:e.strings]
	switch n {
	case 3:
		binary.LittleEndian.PutUint32(p[8:], c)
		fallthrough
	case 2:
		binary.LittleEndian.PutUint32(p[4:], b)
		fallthrough
	case 1:
		binary.LittleEndian.PutUint32(p, a)
	}
	e.pos += 4 * n
}

func (e *encoder) record(t *Type) error {
	ms := e.t.MembersOf(t)
	if t.Len > MaxVlen {
		return fmt.Errorf("%d members, the format holds %d", t.Len, MaxVlen)
	}
	flag, vlen, word := t.Flag, t.Len, uint32(t.Ref)
	switch t.Kind {
	case Int, Float, Enum, Enum64, DataSec:
		word = t.Size
	case Array, Fwd:
		word = 0
	case Struct, Union:
		flag, word = HasBitfields(ms), t.Size
	case Func:
		vlen = t.Extra
	}
	info := uint32(t.Kind)<<24 | vlen
	if flag {
		info |= 1 << 31
	}
	e.put(3, e.name(t.Name), info, word)
	switch t.Kind {
	case Int, Var, DeclTag:
		e.put(1, t.Extra, 0, 0)
	case Array:
		e.put(3, uint32(t.Ref), t.Extra, t.Size)
	case Struct, Union:
		for i := range ms {
			m := &ms[i]
			off := m.Off
			if flag {
				if m.Off > 0xffffff || m.Bits > 0xff {
					return fmt.Errorf("member '%s' at bit %d with %d bits does not fit beside bit-fields", e.t.Name(m.Name), m.Off, m.Bits)
				}
				off |= m.Bits << 24
			}
			e.put(3, e.name(m.Name), uint32(m.Type), off)
		}
	case Enum:
		for i := range ms {
			e.put(2, e.name(ms[i].Name), ms[i].Off, 0)
		}
	case Enum64:
		for i := range ms {
			e.put(3, e.name(ms[i].Name), ms[i].Off, ms[i].Bits)
		}
	case FuncProto:
		for i := range ms {
			e.put(2, e.name(ms[i].Name), uint32(ms[i].Type), 0)
		}
	case DataSec:
		for i := range ms {
			e.put(3, uint32(ms[i].Type), ms[i].Off, ms[i].Bits)
		}
	}
	return nil
}

// usedStrings returns a set, indexed by Str, of what the types of the table name.
func (t *Table) usedStrings() []bool {
	used := make([]bool, t.Strings.Len())
	for i := range t.Types {
		used[t.Types[i].Name] = true
		for _, m := range t.MembersOf(&t.Types[i]) {
			used[m.Name] = true
		}
	}
	return used
}
