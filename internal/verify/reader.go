package verify

import (
	"bytes"
	"encoding/binary"

	"mkbtf/btf"
)

const (
	magic      = 0xeb9f
	recordLen  = 12
	maxTypes   = 0xfffff  // BTF_MAX_TYPE: the type array stops growing here
	maxNameOff = 0xffffff // BTF_MAX_NAME_OFFSET
	voidRecord = ^uint32(0)
)

// blob is BTF as the kernel holds it: the raw bytes and where the records begin.
type blob struct {
	section  string // ".BTF" ..., for errors
	data     []byte
	big      bool // big endian
	base     *blob
	hdr      header
	types    []byte
	strs     []byte
	offs     []uint32 // position in types of each own record; [0] is void if there is no base
	start    uint32   // id of the first own record
	strStart uint32   // string offset of strs[0]
	res      *resolution
}

type header struct {
	magic                uint16
	version, flags       uint8
	hdrLen               uint32
	typeOff, typeLen     uint32
	strOff, strLen       uint32
	layoutOff, layoutLen uint32
}

// typ is one record. The zero value is void.
type typ struct {
	o                *blob
	off              uint32 // of the record in o.types
	name, info, word uint32
}

func (t typ) kind() btf.Kind { return btf.Kind(t.info >> 24 & 0x7f) }
func (t typ) vlen() uint32   { return t.info & 0xffffff }
func (t typ) kflag() bool    { return t.info>>31 != 0 }

// u returns word i behind the fixed part of the record.
func (t typ) u(i uint32) uint32 { return t.o.u32(t.off + recordLen + 4*i) }

func (b *blob) u32(off uint32) uint32 {
	if b.big {
		return binary.BigEndian.Uint32(b.types[off:])
	}
	return binary.LittleEndian.Uint32(b.types[off:])
}

func (b *blob) order() binary.ByteOrder {
	if b.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// record reads the fixed part at a position of the type section.
func (b *blob) record(off uint32) typ {
	return typ{b, off, b.u32(off), b.u32(off + 4), b.u32(off + 8)}
}

// nrTypes is one more than the largest id, void included (btf_nr_types).
func (b *blob) nrTypes() uint32 { return b.start + uint32(len(b.offs)) }

// at returns the type of an id, false if there is none (btf_type_by_id).
func (b *blob) at(id uint32) (typ, bool) {
	for id < b.start {
		b = b.base
	}
	i := id - b.start
	if i >= uint32(len(b.offs)) {
		return typ{}, false
	}
	if b.offs[i] == voidRecord {
		return typ{}, true
	}
	return b.record(b.offs[i]), true
}

// pos is where the record of a type stands in the whole blob.
func (b *blob) pos(off uint32) uint64 {
	return uint64(b.hdr.hdrLen) + uint64(b.hdr.typeOff) + uint64(off)
}

// str returns the string at an offset without its NUL, false if the offset is
// outside the strings (btf_str_by_offset).
func (b *blob) str(off uint32) ([]byte, bool) {
	for off < b.strStart {
		b = b.base
	}
	off -= b.strStart
	if off >= uint32(len(b.strs)) {
		return nil, false
	}
	s := b.strs[off:]
	if n := bytes.IndexByte(s, 0); n >= 0 {
		s = s[:n:n]
	}
	return s, true
}

// text is the string at an offset, nil if there is none.
func (b *blob) text(off uint32) []byte {
	s, _ := b.str(off)
	return s
}

// nameOK reports whether an offset names a string (btf_name_offset_valid).
func (b *blob) nameOK(off uint32) bool {
	if off > maxNameOff {
		return false
	}
	for off < b.strStart {
		b = b.base
	}
	return off-b.strStart < uint32(len(b.strs))
}

// name is what the log prints for a name offset.
func (b *blob) name(off uint32) string {
	if off == 0 {
		return "(anon)"
	}
	s, ok := b.str(off)
	if !ok {
		return "(invalid-name-offset)"
	}
	return string(s)
}
