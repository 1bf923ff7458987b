package dedup

import (
	"slices"

	"mkbtf/btf"
)

// matcher compares nodes with types of the base, names standing for tagged types.
type matcher struct {
	g    *graph
	base *Base
	// equal holds, by node, a type of the base that is known to equal it.
	equal []btf.ID
	// held collects, while a definition is compared, which tagged types it holds by
	// value and what the base's type holds in their place.
	held  []heldType
	depth int

	known []uint32 // by node: position in lists of its candidates, plus 1
	lists [][]candidate
}

type heldType struct {
	anchor Ref
	id     btf.ID
}

// candidate is a type of the base that equals a definition, provided that the
// tagged types that it holds by value are the base's too.
type candidate struct {
	id   btf.ID
	held []heldType
}

// matcherFor returns the matcher of a graph, with what it has found out already.
func (g *graph) matcherFor(base *Base) *matcher {
	if g.matcher == nil || g.matcher.base != base {
		g.matcher = &matcher{g: g, base: base}
	}
	m := g.matcher
	if n := len(g.types) - len(m.equal); n > 0 {
		m.equal, m.known = append(m.equal, make([]btf.ID, n)...), append(m.known, make([]uint32, n)...)
	}
	return m
}

// candidates returns the types of the base that a definition may be, lowest id first.
func (m *matcher) candidates(n uint32) []candidate {
	if m.known[n] == 0 {
		m.lists = append(m.lists, m.find(n))
		m.known[n] = uint32(len(m.lists))
	}
	return m.lists[m.known[n]-1]
}

func (m *matcher) find(n uint32) []candidate {
	t := &m.g.types[n]
	c, _ := tagClass(t)
	var found []candidate
	m.base.byName(m.g.strings.Bytes(t.Name), func(id btf.ID, r btf.Record) bool {
		k, decl, ok := recordClass(r)
		if !ok || decl || k != c {
			return false
		}
		m.held = m.held[:0]
		if m.sameType(n, id, true) {
			found = append(found, candidate{id, append([]heldType(nil), m.held...)})
		}
		return false
	})
	return found
}

// skipTags leaves out type tags, which no program can observe through the type
// that they decorate.
func (b *Base) skipTags(id btf.ID) btf.ID {
	for range maxDepth {
		r := b.blob.Record(id)
		if r.Kind() != btf.TypeTag {
			break
		}
		id = btf.ID(r.SizeType)
	}
	return id
}

func (m *matcher) sameRef(r Ref, id btf.ID, byValue bool) bool {
	for !r.isAnchor() && m.g.types[r].Kind == btf.TypeTag {
		r = Ref(m.g.types[r].Ref)
	}
	id = m.base.skipTags(id)
	if r == 0 || id == 0 {
		return r == 0 && id == 0
	}
	if r.isAnchor() {
		a := &m.g.anchors[r&^anchorBit]
		rec := m.base.blob.Record(id)
		c, _, ok := recordClass(rec)
		if !ok || c != a.class || !m.base.blob.StringIs(rec.NameOff, m.g.strings.Bytes(a.name)) {
			return false
		}
		if byValue {
			m.held = append(m.held, heldType{r, id})
		}
		return true
	}
	if !byValue && m.equal[r] == id {
		return true
	}
	if m.depth > maxDepth {
		return false
	}
	m.depth++
	same := m.sameType(uint32(r), id, byValue)
	m.depth--
	if same {
		m.equal[r] = id
	}
	return same
}

// sameType compares a node with a type of the base, not looking at what tagged
// types they refer to beyond kind and name.
func (m *matcher) sameType(n uint32, id btf.ID, byValue bool) bool {
	t := &m.g.types[n]
	blob := m.base.blob
	rec := blob.Record(id)
	if rec.Kind() != t.Kind || !blob.StringIs(rec.NameOff, m.g.strings.Bytes(t.Name)) {
		return false
	}
	switch t.Kind {
	case btf.Ptr, btf.FuncProto:
		byValue = false
	}
	switch t.Kind {
	case btf.Ptr, btf.Typedef, btf.Const, btf.Volatile, btf.Restrict:
		return m.sameRef(Ref(t.Ref), btf.ID(rec.SizeType), byValue)
	case btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.FuncProto:
		if uint32(rec.Vlen()) != t.Len {
			return false
		}
	}
	ms := m.g.membersOf(n)
	x := blob.Extra(id)
	switch t.Kind {
	case btf.Int:
		return rec.SizeType == t.Size && blob.Word(x) == t.Extra
	case btf.Float:
		return rec.SizeType == t.Size
	case btf.Array:
		return m.sameArray(n, id, byValue)
	case btf.Struct, btf.Union:
		if rec.SizeType != t.Size || !m.sameNames(ms, x, 12) {
			return false
		}
		for i, x := 0, x; i < len(ms); i, x = i+1, x[12:] {
			off, bits := blob.Word(x[8:]), uint32(0)
			if rec.Flag() {
				off, bits = off&0xffffff, off>>24
			}
			if off != ms[i].Off || bits != ms[i].Bits {
				return false
			}
		}
		for i := range ms {
			if !m.sameRef(Ref(ms[i].Type), btf.ID(blob.Word(x[12*i+4:])), byValue) {
				return false
			}
		}
		return true
	case btf.Enum, btf.Enum64:
		each := 8
		if t.Kind == btf.Enum64 {
			each = 12
		}
		if rec.SizeType != t.Size || !m.sameNames(ms, x, each) {
			return false
		}
		for i := range ms {
			high := uint32(0)
			if each == 12 {
				high = blob.Word(x[12*i+8:])
			}
			if blob.Word(x[each*i+4:]) != ms[i].Off || high != ms[i].Bits {
				return false
			}
		}
		return true
	case btf.FuncProto:
		if !m.sameRef(Ref(t.Ref), btf.ID(rec.SizeType), byValue) {
			return false
		}
		for i := range ms {
			if !m.sameRef(Ref(ms[i].Type), btf.ID(blob.Word(x[8*i+4:])), byValue) {
				return false
			}
		}
		return true
	}
	return false
}

// sameNames compares the names of members with those of a type of the base, each of
// whose members takes that many bytes of x.
func (m *matcher) sameNames(ms []btf.Member, x []byte, each int) bool {
	for i := range ms {
		if !m.base.blob.StringIs(m.base.blob.Word(x[each*i:]), m.g.strings.Bytes(ms[i].Name)) {
			return false
		}
	}
	return true
}

// sameArray compares arrays. Encoders write several dimensions as one ARRAY of all
// elements or as ARRAYs of ARRAYs; the same elements lie in the same places.
func (m *matcher) sameArray(n uint32, id btf.ID, byValue bool) bool {
	var ours, theirs [8]uint32
	a, elem := ours[:0], Ref(n)
	for range maxDepth {
		t := &m.g.types[elem]
		a = append(a, t.Size)
		if elem = Ref(t.Ref); elem.isAnchor() || m.g.types[elem].Kind != btf.Array {
			break
		}
	}
	b := theirs[:0]
	for range maxDepth {
		t := m.base.blob.Head(id)
		b = append(b, t.Size)
		if id = t.Ref; m.base.blob.Record(id).Kind() != btf.Array {
			break
		}
	}
	if len(a) > 1 && len(b) > 1 {
		if !slices.Equal(a, b) {
			return false
		}
	} else if product(a) != product(b) {
		return false
	}
	return m.sameRef(elem, id, byValue)
}

func product(dims []uint32) uint32 {
	n := uint32(1)
	for _, d := range dims {
		n *= d
	}
	return n
}
