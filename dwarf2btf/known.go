package dwarf2btf

import "mkbtf/btf"

// known holds the structs, unions and enums of earlier units, and of earlier files of a
// batch, of which Learn has told what became of them. Units that include the same headers
// define the same types, and most DIEs are members of those. A definition that has the
// name, size and members of one that is known is taken for that: its members need only be
// compared, not written down. What their types are is not clear before the end of the
// unit, and so is claimed, to be asked of Holds when types have been told apart.
type known struct {
	defs    []knownDef
	byName  []uint32          // by btf.Str: index in defs, 0: none
	byNode  map[uint32]uint32 // those without a name
	members []knownMember

	claims []claim    // of the current unit
	owners []owner    // of claims, in the order in which they were opened
	fresh  []freshDef // definitions of the current unit that can be learned
	last   defPlace   // the definition that was opened last
	off    bool       // nothing is taken for known in the current unit
	needed bool       // the members of a type that was taken for known
}

// claim says that a DIE is a type to which others refer as ref.
type claim struct {
	off uint32 // of the DIE in the piece
	ref uint32
}

// owner says which definition claims are about, from one on. Those of definitions inside
// it lie between its own.
type owner struct {
	first uint32 // index in known.claims
	def   uint32 // in known.defs
}

// knownDef is a definition.
type knownDef struct {
	node, ref  uint32 // what Learn was told
	first, len uint32 // in known.members
	size       uint32
	then       [2]uint32 // the definitions without a name that came next, the last one first
	kind       btf.Kind
	tries      uint8 // how often the name was learned
	more       bool  // it has more than members that claimMembers takes in
}

// defPlace is where a definition stands: index in known.defs, or if it was not known,
// newPlace and index in Worker.types.
type defPlace uint32

const newPlace defPlace = 1 << 31

// knownMember is a member or an enumerator.
type knownMember struct {
	// key is that of memberKey. In a file whose units have strings of their own it has, of a
	// name in .debug_str, the offset in the pool instead.
	key uint64
	off uint32 // in bytes, of a bit-field in bits; the low half of an enumerator's value
	ref uint32 // the type of a member, as Learn was told
}

// freshDef is a definition of the current unit.
type freshDef struct {
	typ   int32    // index in Worker.types
	off   uint32   // of its DIE
	after defPlace // what came before it
	def   uint32   // index in known.defs, as soon as it is there
}

// keyBits is where the size of a bit-field stands in a knownMember's key; no name's key
// uses the bits from there up to that of strpKey.
const (
	keyBits     = 56
	bitSizeMask = (1<<7 - 1) << keyBits
	isNegative  = 1 << keyBits // of an enumerator, whose value has only 32 bits here
	// notQuick is the key of a member that is not quick after all: it has an empty name or
	// one that is too long, or no or too many bits.
	notQuick = uint64(1) << 62
)

// memberKey identifies the name of a member or enumerator and the size of a bit-field.
// shift is by how much the name moves what comes behind it, and rest begins with the
// attributes.
func (q *quickDIE) memberKey(rest []byte) (key uint64, shift int) {
	if q.op == quickAnonymous {
		return 0, 0
	}
	p := (*window)(rest)
	if !q.inline {
		key = q.strp(p)
	} else if key, shift = q.text(p); key == 0 {
		return notQuick, 0
	}
	if q.op == quickBitField {
		n := q.bitSize((*window)(rest[shift:]))
		if n == 0 || n > 1<<7-1 {
			return notQuick, 0
		}
		key |= uint64(n) << keyBits
	}
	return key, shift
}

const (
	// maxKnown bounds the memory of what is known, in members: some 16 MB.
	maxKnown = 1 << 20
	// mostTries is how many definitions of a name are learned. A name that different
	// units use for different types is not known then.
	mostTries = 4
)

// keptKnown bounds what is kept for the next file, in members.
const keptKnown = 1 << 17

// reset forgets all definitions and keeps the memory.
func (k *known) reset() {
	clear(k.byName)
	clear(k.byNode)
	k.defs, k.members = append(k.defs[:0], knownDef{}), k.members[:0]
}

// find returns the known definition that a type may be: that of its name, or without a
// name one that came after the last definition before. Number 0 is none. ok is false if
// it is not to be taken for that.
func (k *known) find(t *btf.Type) (at uint32, ok bool) {
	switch {
	case k.off:
	case t.Name == 0:
		if k.last < newPlace {
			then := &k.defs[k.last].then
			at = then[0]
			if d := &k.defs[at]; d.kind != t.Kind || d.size != t.Size {
				at = then[1]
			}
		}
	case int(t.Name) < len(k.byName):
		at = k.byName[t.Name]
	}
	if d := &k.defs[at]; d.kind != t.Kind || d.size != t.Size {
		return 0, false
	}
	return at, k.defs[at].len != 0 && (t.Name != 0 || k.defs[at].len >= leastUnnamed)
}

// leastUnnamed is how many members a definition without a name must have: different ones
// with one member are all too similar (local_t and local64_t in the kernel).
const leastUnnamed = 2
