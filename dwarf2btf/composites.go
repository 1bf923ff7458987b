package dwarf2btf

import (
	"math"
	"slices"

	"mkbtf/btf"
)

// standsForAnother reports whether a tagged type only stands for another DIE, to
// which references then lead: a declaration for a type unit, or a concrete copy
// for its abstract origin.
func (w *Worker) standsForAnother(a *abbrev, off uint32) bool {
	slot := slotSignature
	if !a.has.has(slot) {
		if slot = slotAbstractOrigin; !a.has.has(slot) {
			return false
		}
	}
	w.setAlias(off, w.ref(w.formAt(a, slot), w.val[slot], off, a.tag))
	return true
}

// composite begins a struct, class, interface or union: STRUCT or UNION, or FWD
// if it is only declared. The result is its index, -1 if its children are of no
// interest.
func (w *Worker) composite(a *abbrev, off uint32) int32 {
	if w.standsForAnother(a, off) {
		return -1
	}
	t := btf.Type{Kind: btf.Struct, Name: w.typeName(a, off)}
	if a.tag == tagUnionType {
		t.Kind = btf.Union
	}
	late := t.Name == 0 && a.has.has(slotSpecification)
	if late {
		w.specs = append(w.specs, lateName{int32(len(w.types)), w.ref(w.formAt(a, slotSpecification), w.val[slotSpecification], off, a.tag)})
	}
	w.noteDeclFile(a)
	if a.has.has(slotAnnotation) {
		w.annotated(a, off, -1)
	}
	if a.has.has(slotDeclaration) && w.val[slotDeclaration] != 0 {
		if t.Name == 0 && !late {
			w.note(off, a.tag, "", "declared without a name that BTF can hold; written as %s without members", t.Kind)
			w.addType(off, t)
			return -1
		}
		t.Flag = t.Kind == btf.Union
		t.Kind = btf.Fwd
		w.addType(off, t)
		return -1
	}
	size, ok := w.constant(a, slotByteSize)
	if size > math.MaxUint32 {
		w.note(off, a.tag, w.nameText(t.Name), "%d bytes; size cut to the largest that BTF holds", size)
		size = math.MaxUint32
	}
	t.Size = uint32(size)
	t.Flag = !ok && a.children // push turns it into the frame's unsized
	return w.addType(off, t)
}

// typeName is the name of a type that may be anonymous.
func (w *Worker) typeName(a *abbrev, off uint32) btf.Str {
	if !a.has.has(slotName) {
		return 0
	}
	n := w.name(a.nameForm, w.val[slotName])
	if n&badName != 0 {
		w.note(off, a.tag, w.nameText(btf.Str(n&^badName)), "the kernel refuses the name; left out")
		return 0
	}
	return btf.Str(n)
}

// nameText is a name for a note; "" if nobody listens.
func (w *Worker) nameText(s btf.Str) string {
	if w.c.opts.Note == nil {
		return ""
	}
	return w.result.Name(s)
}

// constant returns an attribute of the current DIE, and whether it is there and
// a number.
func (w *Worker) constant(a *abbrev, s slot) (uint64, bool) {
	if !a.has.has(s) {
		return 0, false
	}
	switch w.formAt(a, s) {
	case formData1, formData2, formData4, formData8, formData16, formUdata, formSdata, formImplicitConst:
		return w.val[s], true
	}
	return 0, false
}

// lateStruct is a composite whose members can be put in order only when all
// types are known.
type lateStruct struct {
	typ   int32
	off   uint32
	tag   uint16
	flags frameFlags
}

// endComposite checks the members of a complete STRUCT or UNION. What the kernel
// refuses must not come out: see fixMembers.
func (w *Worker) endComposite(t *btf.Type, f *frame) {
	if f.flags&unsized != 0 {
		t.Size = (f.maxBit + 7) / 8
		w.note(f.off, f.tag, w.nameText(t.Name), "size not known; taken from the last member: %d", t.Size)
	}
	if f.flags&isLate != 0 {
		w.unsorted = append(w.unsorted, lateStruct{f.typ, f.off, f.tag, f.flags})
		return
	}
	if f.flags&outOfOrder != 0 || (f.maxBit+7)/8 > t.Size || f.flags&isUnion != 0 && f.maxBit > 0 ||
		f.flags&bitFields != 0 && f.maxBit > maxBitWithFields {
		w.fixMembers(t, f.off, f.tag)
		return
	}
	w.remember(f, t)
}

// maxBitWithFields is the largest bit offset in a STRUCT or UNION that has
// bit-fields, whose sizes take the upper 8 bits of the offset.
const maxBitWithFields = 1<<24 - 1

// fixMembers makes the members of a STRUCT or UNION acceptable to the kernel
// (btf_struct_check_meta): sorted by bit offset, equal ones in the order of the
// source; none that starts behind the end; none of a union that does not start
// at 0; none beyond 2 MiB in a struct with bit-fields. What does not fit is left
// out with a note. A bit-field beyond 2 MiB never fits, and so has no say in whether
// others do.
func (w *Worker) fixMembers(t *btf.Type, off uint32, tag uint16) {
	ms := w.members[t.First : t.First+t.Len]
	fields := false
	for i := range ms {
		fields = fields || ms[i].Off <= maxBitWithFields && btf.HasBitfields(ms[i:i+1])
	}
	tagged := false
	for i := range w.tags {
		tagged = tagged || w.tags[i].target == off && w.tags[i].component >= 0
	}
	type numbered struct {
		btf.Member
		was int32
	}
	list := make([]numbered, 0, len(ms))
	for i, m := range ms {
		why := ""
		switch {
		case uint64(m.Off)+7 > uint64(t.Size)*8+7 && (uint64(m.Off)+7)/8 > uint64(t.Size):
			why = "lies behind the end"
		case t.Kind == btf.Union && m.Off != 0:
			why = "does not start at the beginning of its union"
		case m.Off > maxBitWithFields && (fields || btf.HasBitfields(ms[i:i+1])):
			why = "lies beyond 2 MiB beside bit-fields"
		}
		if why != "" {
			w.note(off, tag, w.nameText(t.Name), "member '%s' at bit %d %s; left out", w.nameText(m.Name), m.Off, why)
			continue
		}
		list = append(list, numbered{m, int32(i)})
	}
	slices.SortStableFunc(list, func(a, b numbered) int { return int(int64(a.Off) - int64(b.Off)) })
	for i := range list {
		ms[i] = list[i].Member
	}
	t.Len = uint32(len(list))
	if !tagged {
		return
	}
	for i := range w.tags {
		rt := &w.tags[i]
		if rt.target != off || rt.component < 0 {
			continue
		}
		was := rt.component
		rt.component = dropped
		for now := range list {
			if list[now].was == was {
				rt.component = int32(now)
			}
		}
	}
}

// lateName is a definition whose name stands in the declaration that it completes.
type lateName struct {
	typ  int32
	from uint32
}

// finishNames gives completed declarations their names.
func (w *Worker) finishNames() {
	for _, l := range w.specs {
		from := l.from
		for range maxAliases {
			i, ok := w.offsets.index(from)
			if !ok {
				break
			}
			s := &w.types[i]
			if !s.Kind.IsComposite() && !s.Kind.IsEnum() && s.Kind != btf.Fwd {
				break
			}
			if w.types[l.typ].Name = s.Name; s.Name != 0 {
				break
			}
			next := uint32(0)
			for _, m := range w.specs {
				if m.typ == int32(i) {
					next = m.from
				}
			}
			if next == 0 {
				break
			}
			from = next
		}
		if t := &w.types[l.typ]; t.Name == 0 && t.Kind == btf.Fwd {
			t.Kind, t.Flag = btf.Struct, false // a FWD must have a name
		}
	}
}
