package dump

import "mkbtf/btf"

// layouter works out how to write types in C so that compilers lay them out as the
// BTF says. It follows the rules of the System V ABIs that gcc and clang share:
// a member is aligned to its type's alignment, a bit-field does not cross a boundary
// of its type's size, a record's size is a multiple of its alignment, and in a packed
// record all of that is off. What natural layout does not give is explained, in
// this order, by an aligned attribute, by padding, by a packed attribute.
type layouter struct {
	g      *graph
	ptr    uint32 // size of pointers
	lays   []layout
	fields []field // of all records
	items  []item  // scratch
	depth  int
	err    error
}

// layout is how C lays out a type as it is written.
type layout struct {
	size     uint64 // in bytes
	align    aligns
	state    layoutState
	packed   bool   // the record has the packed attribute
	alignTo  uint32 // argument of its aligned attribute, 0: none
	first, n uint32 // its fields
}

type layoutState uint8

const (
	layoutUnknown layoutState = iota
	layoutBusy                // a record that holds itself
	layoutGood
	layoutBad // C cannot have a member of it
)

// fieldKind is what a line of a record is.
type fieldKind uint8

const (
	fieldMember  fieldKind = iota
	fieldBits              // unnamed bit-field of n bits of an integer of unit bytes
	fieldBytes             // array of n bytes
	fieldLeftOut           // comment on a member that C cannot express
)

// field is one line of a record as it is written.
type field struct {
	kind    fieldKind
	unit    uint8
	bits    uint32 // width of a bit-field, 0: none
	member  uint32 // index
	alignTo uint32 // argument of the aligned attribute of the member, 0: none
	n       uint32 // number of bits or bytes, or the reason
}

// reason is why C cannot express a member.
type reason uint32

const (
	fine reason = iota
	noSize
	tooWide
	noName
	oddBit
	beyond
	notAtStart
	overlaps
)

var reasons = [...]string{
	noSize:     "its type has no size here",
	tooWide:    "its type cannot have that many bits",
	noName:     "it has no name",
	oddBit:     "it does not start at a byte",
	beyond:     "it lies beyond the end",
	notAtStart: "it is not at the start of the union",
	overlaps:   "it overlaps what stands before it",
}

// item is a member that C can express.
type item struct {
	member uint32
	bits   uint32 // width of a bit-field, 0: none
	alignN uint32 // largest aligned attribute it may carry
	off    uint64 // in bits
	width  uint64 // in bits
	unit   uint64 // bits of the bit-field's type
	align  aligns
}

// Largest argument of an aligned attribute that is guessed: the largest page size.
const maxAligned = 1 << 16

// Most lines of padding by bit-fields; more becomes an array.
const maxPadLines = 16

func newLayouter(g *graph) *layouter {
	return &layouter{g: g, ptr: g.pointerSize(), lays: make([]layout, len(g.types))}
}

// of returns the layout of a type. The result is valid until the next call.
func (l *layouter) of(id btf.ID) layout {
	if int(id) >= len(l.lays) {
		return layout{state: layoutBad}
	}
	switch l.lays[id].state {
	case layoutGood, layoutBad:
		return l.lays[id]
	case layoutBusy:
		return layout{state: layoutBad}
	}
	if l.depth++; l.depth > maxDepth && l.err == nil {
		l.err = l.g.errorAt(id, ErrTooDeep)
	}
	defer func() { l.depth-- }()
	if l.err != nil {
		return layout{state: layoutBad}
	}
	l.lays[id].state = layoutBusy
	lay := l.compute(id)
	if lay.state != layoutGood {
		lay = layout{state: layoutBad}
	}
	l.lays[id] = lay
	return lay
}

func (l *layouter) compute(id btf.ID) layout {
	t := l.g.at(id)
	switch t.Kind {
	case btf.Int, btf.Float:
		return layout{state: layoutGood, size: uint64(t.Size), align: l.g.baseAligns(t, l.ptr)}
	case btf.Ptr:
		return layout{state: layoutGood, size: uint64(l.ptr), align: scalarAligns(l.ptr, l.ptr)}
	case btf.Enum, btf.Enum64:
		if l.g.enumMode(t) == enumImpossible {
			return layout{}
		}
		return layout{state: layoutGood, size: uint64(t.Size), align: scalarAligns(t.Size, l.ptr)}
	case btf.Array:
		lay := l.of(t.Ref)
		total := lay.size * uint64(t.Size)
		if t.Size != 0 && lay.size > (1<<40)/uint64(t.Size) {
			return layout{}
		}
		return layout{state: lay.state, size: total, align: lay.align}
	case btf.Struct, btf.Union:
		return l.record(t)
	}
	if t.Kind.IsModifier() {
		lay := l.of(t.Ref)
		return layout{state: lay.state, size: lay.size, align: lay.align}
	}
	return layout{}
}

// bitfieldUnit returns the width in bits of the type of a bit-field, 0 if it
// cannot be one, and the most bits that a bit-field of the type can have.
func (l *layouter) bitfieldUnit(id btf.ID) (unit, most uint32) {
	t := l.g.at(l.g.strip(id, true))
	switch {
	case t.Kind == btf.Int:
		c, _ := l.g.baseType(t, l.ptr)
		if !l.g.isScalar(t, l.ptr) || c.class == classFloat {
			return 0, 0
		}
		if c.class == classBool {
			return 8, 1
		}
		return t.Size * 8, t.Size * 8
	case t.Kind.IsEnum() && l.g.enumMode(t) != enumImpossible:
		return t.Size * 8, t.Size * 8
	}
	return 0, 0
}

// item looks at one member, and says why C cannot express it.
func (l *layouter) item(m *btf.Member, size uint32) (it item, why reason) {
	lay := l.of(m.Type)
	it = item{bits: m.Bits, off: uint64(m.Off), align: lay.align, alignN: maxAligned}
	target := l.g.at(l.g.strip(m.Type, true))
	if it.bits == 0 && target.Kind == btf.Int {
		// Before kind_flag, bit-fields had INTs of their own with that many bits.
		if n := btf.IntBits(target.Extra); n != 0 && n < target.Size*8 && m.Name != 0 {
			it.bits, it.off = n, it.off+uint64(btf.IntOffset(target.Extra))
		}
	}
	it.width = uint64(it.bits)
	switch {
	case lay.state != layoutGood:
		return it, noSize
	case it.bits != 0:
		unit, most := l.bitfieldUnit(m.Type)
		if it.unit = uint64(unit); it.bits > most {
			return it, tooWide
		}
		if m.Name == 0 {
			return it, noName
		}
	default:
		it.width = lay.size * 8
		if it.off%8 != 0 {
			return it, oddBit
		}
		if m.Name == 0 {
			if !target.Kind.IsComposite() {
				return it, noName
			}
			// An attribute after a nameless record is one of its type, whose size it rounds up.
			for it.alignN > 1 && lay.size%uint64(it.alignN) != 0 {
				it.alignN /= 2
			}
		}
	}
	if it.off+it.width > uint64(size)*8 {
		return it, beyond
	}
	return it, fine
}

// record lays out a STRUCT or UNION.
func (l *layouter) record(t *btf.Type) layout {
	ms := l.g.membersOf(t)
	for i := range ms {
		l.of(ms[i].Type) // first, since the scratch space below is not for two
	}
	if l.err != nil {
		return layout{}
	}
	first := len(l.fields)
	l.items = l.items[:0]
	end := uint64(0)
	for i := range ms {
		it, why := l.item(&ms[i], t.Size)
		switch {
		case why != fine:
		case t.Kind == btf.Union && it.off != 0:
			why = notAtStart
		case t.Kind == btf.Struct && it.off < end:
			why = overlaps
		}
		it.member = uint32(i)
		if why != fine {
			l.fields = append(l.fields, field{kind: fieldLeftOut, member: uint32(i), n: uint32(why)})
			continue
		}
		l.items = append(l.items, it)
		end = it.off + it.width
	}
	leftOut := len(l.fields)
	lay := layout{state: layoutGood, size: uint64(t.Size), first: uint32(first)}
	if !l.arrange(t, &lay) {
		l.fields = l.fields[:leftOut]
		lay.packed, lay.alignTo = true, 0
		l.arrange(t, &lay)
	}
	lay.n = uint32(len(l.fields) - first)
	return lay
}
