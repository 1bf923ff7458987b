package btf

import "encoding/binary"

// ID is a type id. 0 is void; the types of a BTF without base start at 1, those
// of split BTF after the last id of the base.
type ID uint32

// Str identifies a string of a Strings pool. 0 is the empty string.
type Str uint32

// Type is one type in memory: the fixed part of every kind in one flat record,
// with the variable part in Table.Members. What a field means depends on Kind:
//
//	Kind                       Name  Ref          Size          Extra           Len/First
//	INT                        name  -            bytes         IntData word    -
//	FLOAT                      name  -            bytes         -               -
//	PTR CONST VOLATILE RESTRICT -    target       -             -               -
//	TYPEDEF TYPE_TAG           name  target       -             -               -
//	ARRAY                      -     element      elements      index type id   -
//	STRUCT UNION               name  -            bytes         -               members
//	ENUM ENUM64                name  -            bytes         -               enumerators
//	FWD                        name  -            -             -               -
//	FUNC                       name  FUNC_PROTO   -             linkage         -
//	FUNC_PROTO                 -     return type  -             -               parameters
//	VAR                        name  type         -             linkage         -
//	DATASEC                    name  -            bytes         -               variables
//	DECL_TAG                   text  target       -             component index -
//
// Flag is the kind_flag of the record: FWD of a union, signed ENUM or ENUM64,
// TYPE_TAG or DECL_TAG that is an attribute. For STRUCT and UNION it is not
// kept: whether bit-field sizes must be written follows from the members.
type Type struct {
	Name  Str
	Ref   ID
	Size  uint32
	Extra uint32
	First uint32
	Len   uint32
	Kind  Kind
	Flag  bool
}

// Member is one element of the variable part of a type:
//
//	Kind          Name  Type       Off                 Bits
//	STRUCT UNION  name  type       offset in bits      bit-field size, 0: none
//	ENUM          name  -          value               0
//	ENUM64        name  -          value, low word     value, high word
//	FUNC_PROTO    name  type       -                   -  (last one all 0: varargs)
//	DATASEC       -     VAR        offset in bytes     size in bytes
type Member struct {
	Name Str
	Type ID
	Off  uint32
	Bits uint32
}

// Value is the 64 bit value of an ENUM64 enumerator, or the 32 bit value of an
// ENUM enumerator without sign extension.
func (m *Member) Value() uint64 { return uint64(m.Bits)<<32 | uint64(m.Off) }

// IntData packs the data word of an INT: encoding, bit offset, bit count.
func IntData(encoding, offset, bits uint32) uint32 { return encoding<<24 | offset<<16 | bits }

// IntBits, IntOffset and IntEncoding unpack the data word of an INT.
func IntBits(data uint32) uint32 { return data & 0xff }

// IntOffset is the bit offset in the data word of an INT, 0 in all BTF that is made today.
func IntOffset(data uint32) uint32 { return data >> 16 & 0xff }

// IntEncoding is the encoding in the data word of an INT: IntSigned, IntChar, IntBool or 0.
func IntEncoding(data uint32) uint32 { return data >> 24 & 0xf }

// EncodingName is the encoding in the data word of an INT as the kernel's log and
// bpftool print it.
func EncodingName(data uint32) string {
	switch IntEncoding(data) {
	case 0:
		return "(none)"
	case IntSigned:
		return "SIGNED"
	case IntChar:
		return "CHAR"
	case IntBool:
		return "BOOL"
	}
	return "UNKN"
}

// Table holds types by id: Types[i] has id Start+i. References below Start lead
// into the base that the table was made for (Start 1: no base, only void).
// The zero Table is not ready for use; see NewTable.
type Table struct {
	Start   ID
	Types   []Type
	Members []Member
	Strings *Strings
}

// NewTable returns an empty table whose first type gets the id start (1 without
// a base). With strings nil it gets a pool of its own.
func NewTable(start ID, strings *Strings) *Table {
	if strings == nil {
		strings = NewStrings()
	}
	return &Table{Start: start, Strings: strings}
}

// Reset empties the table and keeps its memory and its string pool.
func (t *Table) Reset() {
	t.Types, t.Members = t.Types[:0], t.Members[:0]
}

// End is one more than the largest id of the table.
func (t *Table) End() ID { return t.Start + ID(len(t.Types)) }

// At returns the type with that id, which must lie in [Start, End).
func (t *Table) At(id ID) *Type { return &t.Types[id-t.Start] }

// Own reports whether the id belongs to the table itself, not to its base.
func (t *Table) Own(id ID) bool { return id >= t.Start && id < t.End() }

// Add appends a type and returns its id.
func (t *Table) Add(typ Type) ID {
	t.Types = append(t.Types, typ)
	return t.End() - 1
}

// AddWith appends a type with its members and returns its id; First and Len are
// filled in.
func (t *Table) AddWith(typ Type, members []Member) ID {
	typ.First, typ.Len = uint32(len(t.Members)), uint32(len(members))
	t.Members = append(t.Members, members...)
	return t.Add(typ)
}

// MembersOf returns the variable part of a type of the table.
func (t *Table) MembersOf(typ *Type) []Member {
	return t.Members[typ.First : typ.First+typ.Len : typ.First+typ.Len]
}

// Name returns the text of a string of the table's pool.
func (t *Table) Name(s Str) string { return t.Strings.String(s) }

// HasBitfields reports whether a STRUCT or UNION needs kind_flag: a member that
// is a bit-field or does not start at a byte (kernel: btf_member_is_reg_int).
func HasBitfields(members []Member) bool {
	for i := range members {
		if members[i].Bits != 0 || members[i].Off&7 != 0 {
			return true
		}
	}
	return false
}

// Refs calls f for a pointer to every type id that the type holds, in the order
// of the wire format; f may change them.
func (t *Table) Refs(typ *Type, f func(*ID)) {
	if typ.Kind.HasRef() {
		f(&typ.Ref)
	}
	if typ.Kind == Array {
		x := ID(typ.Extra)
		f(&x)
		typ.Extra = uint32(x)
	}
	if typ.Kind.HasMemberTypes() {
		ms := t.MembersOf(typ)
		for i := range ms {
			f(&ms[i].Type)
		}
	}
}

// Order is a byte order that can read, write and append; binary.LittleEndian and
// binary.BigEndian are the two.
type Order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}
