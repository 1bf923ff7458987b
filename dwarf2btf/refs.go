package dwarf2btf

import (
	"fmt"
	"math/bits"
	"sort"

	"mkbtf/btf"
)

// While a piece of work is walked, a reference to a type is the offset of its
// DIE in the piece (0: void), or extraRef plus an index into Worker.extra. At the
// end all references are turned into ids.
const extraRef = 1 << 31

// offsetSet holds the offsets of all DIEs that became types of their own. The
// rank of an offset among them is the index of its type.
type offsetSet []offsetWord

type offsetWord struct {
	bits uint64
	rank uint32 // offsets in the words before
}

// reset makes the set empty, for offsets below n.
func (s *offsetSet) reset(n int) {
	words := n/64 + 1
	if cap(*s) < words {
		*s = make(offsetSet, words)
		return
	}
	*s = (*s)[:words]
	clear(*s)
}

func (s offsetSet) add(off uint32) { s[off>>6].bits |= 1 << (off & 63) }

// count fills in the ranks.
func (s offsetSet) count() {
	n := uint32(0)
	for i := range s {
		s[i].rank = n
		n += uint32(bits.OnesCount64(s[i].bits))
	}
}

// index returns the rank of an offset and whether the set holds it.
func (s offsetSet) index(off uint32) (uint32, bool) {
	i := off >> 6
	if uint64(i) >= uint64(len(s)) {
		return 0, false
	}
	word := &s[i]
	bit := uint64(1) << (off & 63)
	return word.rank + uint32(bits.OnesCount64(word.bits&(bit-1))), word.bits&bit != 0
}

// ref turns a reference attribute of the current DIE into an offset in the piece.
func (w *Worker) ref(form uint16, v uint64, off uint32, tag uint16) uint32 {
	if form == formRef4 && v < uint64(len(w.data)) {
		return w.cur.base + uint32(v)
	}
	return w.farRef(form, v, off, tag)
}

// typeRef is ref for the DW_AT_type of the current DIE, 0 if it has none.
func (w *Worker) typeRef(a *abbrev, off uint32) uint32 {
	if !a.has.has(slotType) {
		return 0
	}
	v := w.val[slotType]
	if a.typeForm == formRef4 && v < uint64(len(w.data)) {
		return w.cur.base + uint32(v)
	}
	form := a.typeForm
	if form == formIndirect {
		form = w.actual[slotType]
	}
	return w.farRef(form, v, off, a.tag)
}

func (w *Worker) farRef(form uint16, v uint64, off uint32, tag uint16) uint32 {
	unit, at, err := w.target(form, v, int(off-w.cur.base), tag)
	if err != nil {
		w.setErr(err)
		return 0
	}
	if unit < 0 {
		return w.cur.base + at
	}
	i := sort.Search(len(w.units), func(i int) bool { return w.units[i].index >= unit })
	if i < len(w.units) && w.units[i].index == unit {
		return w.units[i].base + at
	}
	w.fail(off, tag, "refers to a unit that was not expected")
	return 0
}

// target decodes a reference of the current unit: the unit that it leads to, -1
// for the current one, and the offset from the header of that unit.
func (w *Worker) target(form uint16, v uint64, pos int, tag uint16) (unit int32, off uint32, err error) {
	switch form {
	case formRef1, formRef2, formRef4, formRef8, formRefUdata:
		if v >= uint64(len(w.data)) {
			return 0, 0, w.malformed(pos, tag, "reference to offset %#x in a unit of %#x bytes", v, len(w.data))
		}
		return -1, uint32(v), nil
	case formRefAddr:
		section := w.cur.section
		if w.c.sections[section].types && len(w.c.src.Info) > 0 {
			section = 0
		}
		unit = w.c.unitAt(section, v)
		if unit < 0 {
			return 0, 0, w.malformed(pos, tag, "reference to offset %#x, where no unit is", v)
		}
		return unit, uint32(v - w.c.units[unit].off), nil
	case formRefSig8:
		unit, ok := w.c.bySignature[v]
		if !ok {
			return 0, 0, w.malformed(pos, tag, "reference to the type unit %#016x, which the file lacks", v)
		}
		return unit, w.c.units[unit].typeOff, nil
	case formRefSup4, formRefSup8, formGNURefAlt:
		return 0, 0, w.altFile(fmt.Sprintf("what the DIE at %#x refers to", w.cur.off+uint64(pos)))
	}
	return 0, 0, w.malformed(pos, tag, "form %#x for a reference", form)
}

// resolve turns a reference into an id. What leads to no type becomes void.
func (w *Worker) resolve(ref uint32) btf.ID {
	if i, ok := w.offsets.index(ref); ok {
		return btf.ID(i + 1)
	}
	return w.resolveAlias(ref)
}

func (w *Worker) resolveAlias(ref uint32) btf.ID {
	if ref&extraRef != 0 {
		return btf.ID(len(w.types) + 1 + int(ref&^extraRef))
	}
	first := ref
	for range maxAliases {
		if ref == 0 {
			return 0
		}
		if ref&extraRef != 0 {
			return w.resolveAlias(ref)
		}
		if i, ok := w.offsets.index(ref); ok {
			return btf.ID(i + 1)
		}
		to, ok := w.alias[ref]
		if !ok {
			w.note(first, 0, "", "refers to no type that could be read; void in its place")
			return 0
		}
		ref = to
	}
	w.fail(first, 0, "chain of more than %d types without substance", maxAliases)
	return 0
}

// maxAliases bounds chains of DIEs that stand for others, so that a cycle ends.
const maxAliases = 64

// setAlias makes references to off lead to another DIE or, with 0, to void.
func (w *Worker) setAlias(off, to uint32) {
	if w.alias == nil {
		w.alias = map[uint32]uint32{}
	}
	w.alias[off] = to
}
