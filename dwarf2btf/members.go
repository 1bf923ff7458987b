package dwarf2btf

import (
	"math"

	"mkbtf/btf"
)

// maxByteOffset bounds member offsets: their bits must fit 32 bits.
const maxByteOffset = math.MaxUint32 / 8

// member appends a member (or a base class) to the open composite and returns
// its ordinal, -1 if it is left out.
func (w *Worker) member(a *abbrev, f *frame, off uint32) int32 {
	var m btf.Member
	if a.has.has(slotName) {
		n := w.name(a.nameForm, w.val[slotName])
		if n&badName != 0 {
			w.note(off, a.tag, w.nameText(btf.Str(n&^badName)), "the kernel refuses the name; left out")
			n = 0
		}
		m.Name = btf.Str(n)
	}
	if m.Type = btf.ID(w.typeRef(a, off)); m.Type == 0 {
		w.note(off, a.tag, w.nameText(m.Name), "has no type; a byte in its place")
		m.Type = btf.ID(w.byteType())
	}
	bit := int64(0)
	switch {
	case !a.plain:
		var ok bool
		if bit, ok = w.memberOffset(a, f, &m, off); !ok {
			return -1
		}
	case a.has.has(slotMemberLocation):
		bit = w.byteOffset(w.val[slotMemberLocation])
	}
	if bit < 0 || bit > math.MaxUint32 {
		w.note(off, a.tag, w.nameText(m.Name), "bit offset %d does not fit 32 bits; left out", bit)
		return -1
	}
	m.Off = uint32(bit)
	if m.Off < f.maxBit {
		f.flags |= outOfOrder
	} else {
		f.maxBit = m.Off
	}
	ordinal := int32(len(w.members)) - int32(f.first)
	if f.flags&inPending != 0 {
		ordinal = int32(len(w.pending)) - int32(f.first)
	}
	w.addMember(f, m)
	if a.has.has(slotAnnotation) {
		w.annotated(a, f.off, ordinal)
	}
	return ordinal
}

// byteOffset turns a byte offset into bits, -1 if it is out of range.
func (w *Worker) byteOffset(v uint64) int64 {
	if v > maxByteOffset {
		return -1
	}
	return int64(v) * 8
}

// memberOffset finds the place of a member that is more than a name and a byte
// offset, and its size if it is a bit-field.
func (w *Worker) memberOffset(a *abbrev, f *frame, m *btf.Member, off uint32) (bit int64, ok bool) {
	has := func(s slot) bool { return a.has.has(s) }
	if has(slotDeclaration) && w.val[slotDeclaration] != 0 && has(slotExternal) && w.val[slotExternal] != 0 {
		return 0, false // a static member of C++ before DWARF 5: not part of the object
	}
	if has(slotBitSize) {
		size, isNumber := w.constant(a, slotBitSize)
		if !isNumber || size > math.MaxUint8 {
			w.note(off, a.tag, w.nameText(m.Name), "bit-field of %d bits; left out", size)
			return 0, false
		}
		m.Bits = uint32(size)
		if m.Bits != 0 {
			f.flags |= bitFields
		}
	}
	if v, isNumber := w.constant(a, slotDataBitOffset); isNumber {
		if v > math.MaxUint32 {
			return -1, true
		}
		if v&7 != 0 {
			f.flags |= bitFields
		}
		return int64(v), true
	}
	if has(slotMemberLocation) {
		form := w.formAt(a, slotMemberLocation)
		switch form {
		case formData1, formData2, formData4, formData8, formData16, formUdata, formSdata, formImplicitConst:
			bit = w.byteOffset(w.val[slotMemberLocation])
		case formBlock1, formBlock2, formBlock4, formBlock, formExprloc:
			expr := w.bytes(w.val[slotMemberLocation])
			v, err := w.memberExpression(expr)
			if err != nil {
				w.note(off, a.tag, w.nameText(m.Name), "its place is not constant (%v: %s); left out", err, w.printExpression(expr))
				return 0, false
			}
			bit = w.byteOffset(v)
		default:
			w.note(off, a.tag, w.nameText(m.Name), "its place has the form %#x; left out", form)
			return 0, false
		}
		if bit < 0 {
			return bit, true
		}
	}
	if m.Bits == 0 || !has(slotBitOffset) {
		return bit, true
	}
	// DWARF 2 and 3 (and compilers that stay with it): the offset counts from the
	// most significant bit of a storage unit of DW_AT_byte_size.
	v, isNumber := w.constant(a, slotBitOffset)
	if !isNumber {
		return bit, true
	}
	// A field that starts before its unit has a negative offset. clang writes it in
	// an unsigned form, in all of its 64 bits.
	bitOffset := int64(v)
	if bitOffset > math.MaxInt32 || bitOffset < math.MinInt32 {
		return -1, true
	}
	if unit, sized := w.constant(a, slotByteSize); sized && unit < maxByteOffset {
		bit = oldBitField(bit, int64(unit)*8, bitOffset, int64(m.Bits), w.big)
		if bit&7 != 0 {
			f.flags |= bitFields
		}
		return bit, true
	}
	ordinal := uint32(len(w.members)) - f.first
	if f.flags&inPending != 0 {
		ordinal = uint32(len(w.pending)) - f.first
	}
	f.flags |= isLate
	w.late = append(w.late, lateField{typ: f.typ, ordinal: ordinal, start: bit, bitOffset: bitOffset})
	return bit, true
}

// oldBitField is the bit offset in the struct of a bit-field that is described
// with DW_AT_bit_offset: start is where its storage unit of unit bits begins.
func oldBitField(start, unit, bitOffset, bits int64, big bool) int64 {
	if big {
		return start + bitOffset
	}
	return start + unit - bitOffset - bits
}

// lateField is a bit-field whose storage unit has the size of its type.
type lateField struct {
	typ       int32
	ordinal   uint32
	start     int64 // of the storage unit, in bits
	bitOffset int64
}

// finishFields places the bit-fields that had to wait for the size of their
// types. All references are ids by now.
func (w *Worker) finishFields() {
	for _, l := range w.late {
		t := &w.types[l.typ]
		m := &w.members[t.First+l.ordinal]
		bit := oldBitField(l.start, int64(w.sizeOf(m.Type))*8, l.bitOffset, int64(m.Bits), w.big)
		if bit < 0 || bit > math.MaxUint32 {
			bit = math.MaxUint32 // behind the end: fixMembers drops it
		}
		m.Off = uint32(bit)
	}
	for _, s := range w.unsorted {
		w.fixMembers(&w.types[s.typ], s.off, s.tag)
	}
}

// sizeOf returns the size of a type in bytes, 0 if it has none.
func (w *Worker) sizeOf(id btf.ID) uint64 {
	n := uint64(1)
	for range maxAliases {
		t := w.typeAt(id)
		if t == nil {
			return 0
		}
		switch t.Kind {
		case btf.Int, btf.Float, btf.Struct, btf.Union, btf.Enum, btf.Enum64:
			return n * uint64(t.Size)
		case btf.Ptr:
			return n * uint64(w.c.wordSize())
		case btf.Array:
			if n *= uint64(t.Size); n > math.MaxUint32 {
				return 0
			}
			id = t.Ref
		case btf.Typedef, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
			id = t.Ref
		default:
			return 0
		}
	}
	return 0
}

// typeAt returns a type by its final id, nil for void and for prototypes.
func (w *Worker) typeAt(id btf.ID) *btf.Type {
	i := int(id) - 1
	switch {
	case i < 0 || i >= len(w.types)+len(w.extra):
		return nil
	case i < len(w.types):
		return &w.types[i]
	}
	return &w.extra[i-len(w.types)]
}
