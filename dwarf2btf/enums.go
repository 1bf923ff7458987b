package dwarf2btf

import (
	"math"

	"mkbtf/btf"
)

// enum begins an enumeration: ENUM for sizes up to 4, ENUM64 for 8; a
// declaration is an ENUM without enumerators. The result is its index, -1 if the
// children are of no interest.
func (w *Worker) enum(a *abbrev, off uint32) int32 {
	if w.standsForAnother(a, off) {
		return -1
	}
	t := btf.Type{Kind: btf.Enum, Name: w.typeName(a, off), Size: 4}
	if t.Name == 0 && a.has.has(slotSpecification) {
		w.specs = append(w.specs, lateName{int32(len(w.types)), w.ref(w.formAt(a, slotSpecification), w.val[slotSpecification], off, a.tag)})
	}
	w.noteDeclFile(a)
	declared := a.has.has(slotDeclaration) && w.val[slotDeclaration] != 0
	if size, ok := w.constant(a, slotByteSize); ok {
		switch size {
		case 1, 2, 4:
			t.Size = uint32(size)
		case 8:
			t.Size = 8
			if !declared && w.c.opts.Features.Enum64 {
				t.Kind = btf.Enum64
			}
		default:
			w.note(off, a.tag, w.nameText(t.Name), "enumeration of %d bytes; written as an array of bytes", size)
			w.addType(off, w.bytesOf(size))
			return -1
		}
	}
	typ := w.addType(off, t)
	if t.Kind == btf.Enum64 {
		e := lateEnum{typ: typ}
		if a.has.has(slotType) {
			e.from = w.typeRef(a, off)
		} else if enc, ok := w.constant(a, slotEncoding); ok {
			e.signed = enc == ateSigned || enc == ateSignedChar
			e.known = true
		}
		w.enums64 = append(w.enums64, e)
	}
	if declared {
		return -1
	}
	return typ
}

// enumerator appends a value to the open enumeration. Values are kept in 64
// bits until its end.
func (w *Worker) enumerator(a *abbrev, f *frame, off uint32) {
	var n uint32
	if a.has.has(slotName) {
		n = w.name(a.nameForm, w.val[slotName])
	}
	if n == 0 || n&badName != 0 {
		w.note(off, a.tag, w.nameText(btf.Str(n&^badName)), "the kernel refuses the name; enumerator left out")
		return
	}
	v, ok := w.constant(a, slotConstValue)
	if !ok && a.has.has(slotConstValue) {
		w.note(off, a.tag, w.nameText(btf.Str(n)), "value of more than 64 bits; enumerator left out")
		return
	}
	w.addMember(f, btf.Member{Name: btf.Str(n), Off: uint32(v), Bits: uint32(v >> 32)})
}

// endEnum decides how the values of an enumeration are written. An ENUM is
// signed if one of its values is negative.
func (w *Worker) endEnum(t *btf.Type, f *frame) {
	if t.Kind == btf.Enum64 {
		return
	}
	ms := w.members[t.First : t.First+t.Len]
	for i := range ms {
		m := &ms[i]
		v := int64(m.Value())
		if v < 0 {
			t.Flag = true
		}
		if (v < math.MinInt32 || v > math.MaxUint32) && t.Size <= 4 {
			w.note(f.off, f.tag, w.nameText(t.Name), "value %d of '%s' does not fit %d bytes; cut to 32 bits", v, w.nameText(m.Name), t.Size)
		}
		m.Bits = 0
	}
}

// lateEnum is an ENUM64, which is signed if its underlying type is.
type lateEnum struct {
	typ    int32
	from   uint32 // the underlying type, 0 if not told
	known  bool   // signed holds
	signed bool
}

// finishEnums finds the sign of each ENUM64. Without an underlying type (strict
// DWARF 2) its values decide.
func (w *Worker) finishEnums() {
	for _, e := range w.enums64 {
		t := &w.types[e.typ]
		switch {
		case e.from != 0:
			t.Flag = w.isSignedInt(w.resolve(e.from))
		case e.known:
			t.Flag = e.signed
		default:
			for _, m := range w.members[t.First : t.First+t.Len] {
				t.Flag = t.Flag || int64(m.Value()) < 0
			}
		}
	}
}

func (w *Worker) isSignedInt(id btf.ID) bool {
	for range maxAliases {
		t := w.typeAt(id)
		if t == nil {
			return false
		}
		if t.Kind == btf.Int {
			return btf.IntEncoding(t.Extra)&btf.IntSigned != 0
		}
		if !t.Kind.IsModifier() {
			return false
		}
		id = t.Ref
	}
	return false
}
