package dwarf2btf

import (
	"math"

	"mkbtf/btf"
)

// array begins an array. Without dimensions it has one element.
func (w *Worker) array(a *abbrev, off uint32) int32 {
	elem := w.typeRef(a, off)
	if elem == 0 {
		w.note(off, a.tag, "", "array of nothing; a byte in its place")
		elem = w.byteType()
	}
	w.arrays = true
	return w.addType(off, btf.Type{Kind: btf.Array, Ref: btf.ID(elem), Size: 1})
}

// dimension multiplies the open array by a subrange. A bound that is missing
// (flexible arrays) or not constant (variable length) counts as 0.
func (w *Worker) dimension(a *abbrev, f *frame) {
	n := uint64(0)
	if v, ok := w.constant(a, slotCount); ok {
		n = v
	} else if v, ok := w.constant(a, slotUpperBound); ok {
		lower, _ := w.constant(a, slotLowerBound)
		n = v - lower + 1
		// -1 for no elements comes in every width.
		if form := w.formAt(a, slotUpperBound); lower == 0 && (form == formData4 && v == math.MaxUint32 || n > 1<<63) {
			n = 0
		}
	}
	f.dims++
	w.dims = append(w.dims, n)
}

// endArray gives an array its dimensions: one ARRAY of the product of all, or an
// ARRAY for each, the first one outermost.
func (w *Worker) endArray(t *btf.Type, f *frame) {
	if f.dims == 0 {
		return
	}
	dims := w.dims[len(w.dims)-int(f.dims):]
	if w.c.opts.Features.NestedArrays {
		for i := len(dims) - 1; i > 0; i-- {
			t.Ref = btf.ID(w.addExtra(btf.Type{Kind: btf.Array, Ref: t.Ref, Size: w.elements(dims[i], f)}))
		}
		t.Size = w.elements(dims[0], f)
	} else {
		n := uint64(1)
		for _, d := range dims {
			if d != 0 && n > math.MaxUint64/d {
				n = math.MaxUint64
				break
			}
			n *= d
		}
		t.Size = w.elements(n, f)
	}
	w.dims = w.dims[:len(w.dims)-int(f.dims)]
}

func (w *Worker) elements(n uint64, f *frame) uint32 {
	if n > math.MaxUint32 {
		w.note(f.off, f.tag, "", "more than 2^32-1 elements; written with 0")
		return 0
	}
	return uint32(n)
}

// subrange is a subrange type outside an array (Ada, Pascal): its base type.
func (w *Worker) subrange(a *abbrev, off uint32) {
	if a.has.has(slotType) {
		w.setAlias(off, w.typeRef(a, off))
		return
	}
	w.opaque(a, off)
}

// arrayIndex returns the type of array indices, the unit's "int", which is added
// if the unit has none.
func (w *Worker) arrayIndex() uint32 {
	if w.intRef == 0 {
		w.intRef = w.addExtra(btf.Type{Kind: btf.Int, Name: w.intName(), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	}
	return w.intRef
}

func (w *Worker) intName() btf.Str {
	if w.strInt == 0 {
		w.strInt = btf.Str(w.names.intern([]byte("int")))
	}
	return w.strInt
}
