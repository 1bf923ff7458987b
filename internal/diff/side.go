package diff

import "mkbtf/btf"

// key is a kind and a name: what a named type is found by.
type key uint64

func keyOf(k btf.Kind, name btf.Str) key { return key(k)<<32 | key(name) }

func (k key) kind() btf.Kind { return btf.Kind(k >> 32) }
func (k key) name() btf.Str  { return btf.Str(k) }

// isNamed reports whether a type is found by its kind and name. DECL_TAG and
// TYPE_TAG have a text, not a name.
func isNamed(t *btf.Type) bool {
	if t.Name == 0 {
		return false
	}
	switch t.Kind {
	case btf.Int, btf.Float, btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Fwd, btf.Typedef, btf.Func, btf.Var, btf.DataSec:
		return true
	}
	return false
}

// names is an index of the named types of some tables: the first of a key, and
// from each to the next of the same key.
type names struct {
	start btf.ID
	first map[key]btf.ID
	next  []btf.ID // by id - start, 0: none
	keys  []key    // in the order of their first type
	dups  []key    // those with several types
}

// indexNames makes an index of tables whose ids follow on each other.
func indexNames(tabs ...*btf.Table) *names {
	n := &names{start: tabs[0].Start, first: make(map[key]btf.ID)}
	n.next = make([]btf.ID, tabs[len(tabs)-1].End()-n.start)
	last := make(map[key]btf.ID)
	for _, tab := range tabs {
		for i := range tab.Types {
			t, id := &tab.Types[i], tab.Start+btf.ID(i)
			if !isNamed(t) {
				continue
			}
			k := keyOf(t.Kind, t.Name)
			if n.first[k] == 0 {
				n.first[k] = id
				n.keys = append(n.keys, k)
				continue
			}
			prev := last[k]
			if prev == 0 {
				prev = n.first[k]
				n.dups = append(n.dups, k)
			}
			n.next[prev-n.start] = id
			last[k] = id
		}
	}
	return n
}

// all appends the ids of the types of a key.
func (n *names) all(k key, ids []btf.ID) []btf.ID {
	if n == nil {
		return ids
	}
	for id := n.first[k]; id != 0; id = n.next[id-n.start] {
		ids = append(ids, id)
	}
	return ids
}

func (n *names) has(k key) bool { return n != nil && n.first[k] != 0 }

// base is a blob that others are split over, decoded and indexed.
type base struct {
	tabs    []*btf.Table // the base's own bases first
	names   *names
	unnamed map[uint64][]btf.ID // its types without a name by their plain hash, nil: not made yet
}

// side is one of the two BTFs.
type side struct {
	own   *btf.Table
	base  *base // nil without one
	names *names
}

var void btf.Type

// at returns a type of the own table or the base; ids out of range are void.
func (s *side) at(id btf.ID) (*btf.Type, []btf.Member) {
	if id >= s.own.Start {
		if id < s.own.End() {
			t := s.own.At(id)
			return t, s.own.MembersOf(t)
		}
		return &void, nil
	}
	if s.base != nil && id != 0 {
		for _, tab := range s.base.tabs {
			if tab.Own(id) {
				t := tab.At(id)
				return t, tab.MembersOf(t)
			}
		}
	}
	return &void, nil
}

func (s *side) isOwn(id btf.ID) bool { return id >= s.own.Start }

func (s *side) baseNames() *names {
	if s.base == nil {
		return nil
	}
	return s.base.names
}

func (c *Comparer) side(b *btf.Blob) *side {
	s := &side{own: b.Table(c.pool)}
	s.names = indexNames(s.own)
	if b.Base != nil {
		s.base = c.base(b.Base)
	}
	return s
}

func (c *Comparer) base(b *btf.Blob) *base {
	if found := c.bases[b]; found != nil {
		return found
	}
	x := &base{}
	for l := b; l != nil; l = l.Base {
		x.tabs = append([]*btf.Table{l.Table(c.pool)}, x.tabs...)
	}
	x.names = indexNames(x.tabs...)
	c.bases[b] = x
	return x
}

// edge returns the i-th reference of a type, in the order of the wire format, and
// whether there is one.
func edge(t *btf.Type, ms []btf.Member, i int) (btf.ID, bool) {
	if t.Kind.HasRef() {
		if i == 0 {
			return t.Ref, true
		}
		i--
	}
	switch {
	case t.Kind == btf.Array:
		return btf.ID(t.Extra), i == 0
	case t.Kind.HasMemberTypes() && i < len(ms):
		return ms[i].Type, true
	}
	return 0, false
}
