package dedup

import (
	"math/bits"
	"math/rand/v2"

	"mkbtf/btf"
	"mkbtf/internal/grow"
)

// Ref is a type as units refer to it before names are resolved: 0 is void, with
// the highest bit set it is an anchor, else a node.
type Ref uint32

const anchorBit Ref = 1 << 31

func (r Ref) isAnchor() bool { return r&anchorBit != 0 }

// maxDepth bounds how deep content may nest (pointers to pointers, typedefs of
// typedefs, anonymous structs in anonymous structs). The kernel follows 32
// modifiers; only crafted input comes near.
const maxDepth = 5000

// class is what the tag of a type names: C has one name space for all tags, but
// a reference always says which of the three it means.
type class uint8

const (
	classStruct class = iota
	classUnion
	classEnum
	numClasses
)

// anchor is a reference by name. Serial 0 is the ordinary one, shared by all
// units; others belong to one of several definitions inside one unit.
type anchor struct {
	name   btf.Str
	class  class
	serial uint32
	def    uint32 // node of the definition, only if serial is not 0
	unit   int    // index of that unit
}

// tagClass returns the class of a type that references reach by name: a struct,
// union or enum with a tag, or a forward declaration of one.
func tagClass(t *btf.Type) (c class, tagged bool) {
	if t.Name == 0 {
		return 0, false
	}
	switch t.Kind {
	case btf.Struct:
		return classStruct, true
	case btf.Union:
		return classUnion, true
	case btf.Enum, btf.Enum64:
		return classEnum, true
	case btf.Fwd:
		if t.Flag {
			return classUnion, true
		}
		return classStruct, true
	}
	return 0, false
}

// isDeclaration reports whether a tagged type only declares its name: a FWD, or an
// enum without enumerators, which is how `enum x;` is written.
func isDeclaration(t *btf.Type) bool {
	return t.Kind == btf.Fwd || t.Kind.IsEnum() && t.Len == 0
}

// graph holds nodes. A node is a btf.Type whose references (Ref, the Extra of an
// ARRAY, the Type of members) are Refs. Nodes come after the nodes they refer to.
type graph struct {
	strings *btf.Strings
	types   []btf.Type
	members []btf.Member
	depth   []uint16
	hashes  []uint32    // of those that are in slots
	next    [][2]uint32 // which nodes came after a node, the last one first
	last    uint32
	tooDeep int64    // references that were cut
	slots   []uint32 // open addressing, see insert; 0: free
	anchors []anchor
	plain   [][numClasses]uint32 // by name: number of the anchor with serial 0, plus 1

	earlier earlier
	matcher *matcher // of the base that it was compared with last; nil: none
}

func newGraph(strings *btf.Strings) *graph {
	return &graph{
		strings: strings,
		types:   make([]btf.Type, 1), depth: make([]uint16, 1), hashes: make([]uint32, 1), next: make([][2]uint32, 1),
		slots: make([]uint32, 1<<12),
	}
}

// reserve makes room in an empty graph for the types of a unit, which will be nearly all
// that there are if the unit is the first one of a small file. What is not needed is not
// touched, and so costs nothing.
func (g *graph) reserve(types, members int) {
	if len(g.types) > 1 || cap(g.types) > 1 {
		return
	}
	n := types + 1 // slices.Grow would clear what it makes
	g.types, g.members = append(make([]btf.Type, 0, n), g.types...), make([]btf.Member, 0, members)
	g.hashes, g.depth = append(make([]uint32, 0, n), g.hashes...), append(make([]uint16, 0, n), g.depth...)
	g.next = append(make([][2]uint32, 0, n), g.next...)
	for len(g.slots) < 2*types {
		g.slots = make([]uint32, 2*len(g.slots))
	}
}

// reset makes the graph empty and keeps its memory.
func (g *graph) reset(strings *btf.Strings) {
	g.matcher = nil
	clear(g.slots)
	for _, a := range g.anchors {
		g.plain[a.name] = [numClasses]uint32{}
	}
	*g = graph{
		strings: strings,
		types:   g.types[:1], members: g.members[:0], depth: g.depth[:1], hashes: g.hashes[:1], next: g.next[:1],
		slots: g.slots, anchors: g.anchors[:0], plain: g.plain,
	}
	g.next[0] = [2]uint32{}
}

// seed differs from run to run, so that no input can be made to collide.
var seed = rand.Uint64() | 1

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^seed, b^0x9e3779b97f4a7c15)
	return hi ^ lo
}

// hashType hashes a type with its members as it stands.
func hashType(t *btf.Type, ms []btf.Member) uint64 {
	k := uint64(t.Kind) << 1
	if t.Flag {
		k |= 1
	}
	h := mix(k<<32|uint64(t.Name), uint64(t.Ref)<<32|uint64(t.Size))
	h = mix(h^uint64(t.Extra), uint64(len(ms))+0x1234567)
	for i := range ms {
		m := &ms[i]
		h = mix(h^(uint64(m.Name)<<32|uint64(m.Type)), uint64(m.Off)<<32|uint64(m.Bits))
	}
	return h
}

// sameType compares all but First.
func sameType(a, b *btf.Type) bool {
	return a.Kind == b.Kind && a.Name == b.Name && a.Ref == b.Ref && a.Size == b.Size && a.Extra == b.Extra && a.Len == b.Len && a.Flag == b.Flag
}

func sameMembers(a, b []btf.Member) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// cons returns the node with that content, a new one if there is none yet.
//
// Units that include the same headers have the same types in much the same order:
// what followed the last node the last time is tried before hashing.
func (g *graph) cons(t *btf.Type, ms []btf.Member) uint32 {
	if n := g.next[g.last][0]; sameType(&g.types[n], t) && sameMembers(g.membersOf(n), ms) {
		g.last = n
		return n
	}
	n := g.lookup(t, ms)
	g.follow(n)
	return n
}

// follow notes that a node came after the last one.
func (g *graph) follow(n uint32) {
	if next := &g.next[g.last]; next[0] != n {
		next[0], next[1] = n, next[0]
	}
	g.last = n
}

func (g *graph) lookup(t *btf.Type, ms []btf.Member) uint32 {
	h := uint32(hashType(t, ms) >> 32)
	mask := uint32(len(g.slots) - 1)
	i := h & mask
	for ; g.slots[i] != 0; i = (i + 1) & mask {
		if (g.slots[i]^h)&^mask != 0 {
			continue
		}
		if n := g.slots[i] & mask; sameType(&g.types[n], t) && sameMembers(g.membersOf(n), ms) {
			return n
		}
	}
	if g.cut(t, ms) {
		return g.lookup(t, ms)
	}
	n := g.add(t, ms)
	g.hashes[n] = h
	if len(g.types)*2 > len(g.slots) {
		g.grow()
	}
	g.insert(n)
	return n
}

// cut makes references void, or lead to stand-ins, that would nest deeper than
// maxDepth.
func (g *graph) cut(t *btf.Type, ms []btf.Member) bool {
	cut := 0
	deep := func(r *btf.ID, value bool) {
		n := Ref(*r)
		if n.isAnchor() || g.depth[n] < maxDepth {
			return
		}
		cut++
		if *r = 0; value {
			*r = g.standIn(&btf.Table{Start: 1, Types: g.types[1:]}, btf.ID(n))
		}
	}
	if t.Kind.HasRef() {
		deep(&t.Ref, holdsValue(t.Kind))
	}
	if t.Kind.HasMemberTypes() {
		for i := range ms {
			deep(&ms[i].Type, true)
		}
	}
	g.tooDeep += int64(cut)
	return cut > 0
}

// holdsValue reports whether what refers to a type needs the type's size, or that of
// which it is a name.
func holdsValue(k btf.Kind) bool { return k != btf.Ptr && k != btf.FuncProto }

// standIn is what stands for a type by value where a reference to it was cut: a pointer
// to void for a pointer, else a struct without members of the same size.
func (g *graph) standIn(t *btf.Table, id btf.ID) btf.ID {
	g.earlier.parts = true
	for range maxStandIn {
		if Ref(id).isAnchor() || id == 0 {
			break
		}
		switch typ := t.At(id); {
		case typ.Kind.IsComposite():
			return btf.ID(g.cons(&btf.Type{Kind: btf.Struct, Size: typ.Size}, nil))
		case typ.Kind.IsModifier():
			id = typ.Ref
			continue
		}
		break
	}
	return btf.ID(g.cons(&btf.Type{Kind: btf.Ptr}, nil))
}

// maxStandIn bounds the modifiers that are looked through for a size.
const maxStandIn = 32

// add appends a node that is not found by cons.
func (g *graph) add(t *btf.Type, ms []btf.Member) uint32 {
	n := uint32(len(g.types))
	nt := *t
	nt.First, nt.Len = uint32(len(g.members)), uint32(len(ms))
	g.types, g.hashes = grow.Room(g.types, 1), grow.Room(g.hashes, 1)
	g.depth, g.next = grow.Room(g.depth, 1), grow.Room(g.next, 1)
	g.members = grow.Room(g.members, len(ms))
	g.members = append(g.members, ms...)
	g.types = append(g.types, nt)
	g.hashes = append(g.hashes, 0)
	var d uint16
	g.eachRef(n, func(r Ref) {
		if !r.isAnchor() {
			d = max(d, g.depth[r])
		}
	})
	g.depth = append(g.depth, d+1)
	g.next = append(g.next, [2]uint32{})
	return n
}

// copyTo adds the nodes of a graph, which come after what they refer to, to another
// one. name translates names; edit, if not nil, changes a type whose references are
// those of the other graph already.
func (g *graph) copyTo(to *graph, name func(btf.Str) btf.Str, edit func(t *btf.Type)) Mapping {
	m := Mapping{nodes: make([]uint32, len(g.types)), anchors: make([]Ref, len(g.anchors))}
	for i, a := range g.anchors {
		if a.serial == 0 {
			m.anchors[i] = to.anchorFor(a.class, name(a.name))
		} else {
			m.anchors[i] = to.privateAnchor(a.class, name(a.name))
		}
	}
	var tmp []btf.Member
	g.each(func(n uint32) {
		t := g.types[n]
		t.Name = name(t.Name)
		if t.Kind.HasRef() {
			t.Ref = btf.ID(m.Ref(Ref(t.Ref)))
		}
		if t.Kind == btf.Array {
			t.Extra = uint32(m.Ref(Ref(t.Extra)))
		}
		if edit != nil {
			edit(&t)
		}
		tmp = append(tmp[:0], g.membersOf(n)...)
		for i := range tmp {
			tmp[i].Name = name(tmp[i].Name)
			if t.Kind.HasMemberTypes() {
				tmp[i].Type = btf.ID(m.Ref(Ref(tmp[i].Type)))
			}
		}
		if t.Kind == btf.Var || t.Kind == btf.DataSec {
			m.nodes[n] = to.add(&t, tmp)
		} else {
			m.nodes[n] = to.cons(&t, tmp)
		}
	})
	for i, a := range g.anchors {
		if a.serial != 0 {
			b := &to.anchors[m.anchors[i]&^anchorBit]
			b.def, b.unit = m.nodes[a.def], a.unit
		}
	}
	return m
}

// insert enters a node into slots. A slot has the number of a node and, as far as there is
// room, the part of its hash that does not say where it stands: few bytes, so that the
// processor's cache holds many, and nodes are looked at only if they are the ones.
func (g *graph) insert(n uint32) {
	h := g.hashes[n]
	mask := uint32(len(g.slots) - 1)
	i := h & mask
	for g.slots[i] != 0 {
		i = (i + 1) & mask
	}
	g.slots[i] = h&^mask | n
}

// grow makes slots for all nodes, half of which stay free.
func (g *graph) grow() {
	old, size := g.slots, len(g.slots)
	for size < 2*len(g.types) {
		size *= 2
	}
	g.slots = make([]uint32, size)
	for _, y := range old {
		if y != 0 {
			g.insert(y & uint32(len(old)-1))
		}
	}
}

func (g *graph) membersOf(n uint32) []btf.Member {
	t := &g.types[n]
	return g.members[t.First : t.First+t.Len : t.First+t.Len]
}

// eachRef calls f for every reference of a node.
func (g *graph) eachRef(n uint32, f func(Ref)) {
	t := &g.types[n]
	if t.Kind.HasRef() {
		f(Ref(t.Ref))
	}
	if t.Kind == btf.Array {
		f(Ref(t.Extra))
	}
	if t.Kind.HasMemberTypes() {
		ms := g.membersOf(n)
		for i := range ms {
			f(Ref(ms[i].Type))
		}
	}
}

// anchorFor returns the ordinary anchor of a name.
func (g *graph) anchorFor(c class, name btf.Str) Ref {
	if int(name) >= len(g.plain) {
		g.plain = append(g.plain, make([][numClasses]uint32, max(1024, len(g.plain)/2, int(name)-len(g.plain)+1))...)
	}
	p := &g.plain[name][c]
	if *p == 0 {
		g.anchors = append(g.anchors, anchor{name: name, class: c})
		*p = uint32(len(g.anchors))
	}
	return anchorBit | Ref(*p-1)
}

// privateAnchor returns a new anchor for one of several definitions of a name in
// one unit; its def must be set later.
func (g *graph) privateAnchor(c class, name btf.Str) Ref {
	g.anchors = append(g.anchors, anchor{name: name, class: c, serial: uint32(len(g.anchors)) + 1})
	return anchorBit | Ref(len(g.anchors)-1)
}

// isDef reports whether a node is the definition of a tagged type.
func (g *graph) isDef(n uint32) bool {
	_, tagged := tagClass(&g.types[n])
	return tagged
}
