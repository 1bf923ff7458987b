package diff

import "mkbtf/btf"

// group is the types without a name that have the same content.
type group struct {
	kind btf.Kind
	ids  pair
}

// compareUnnamed compares the types without a name as a multiset of contents.
func (r *run) compareUnnamed() {
	groups := make(map[uint64]*group)
	var order []*group
	var hashes []uint64
	for i, s := range r.sides {
		skip := r.onlyFromIgnored(s)
		for j := range s.own.Types {
			t, id := &s.own.Types[j], s.own.Start+btf.ID(j)
			if isNamed(t) || skip != nil && skip[j] {
				continue
			}
			r.tally(i, t.Kind, 1)
			h := r.final[i].of(id)
			g := groups[h]
			if g == nil {
				g = &group{kind: t.Kind}
				groups[h] = g
				order, hashes = append(order, g), append(hashes, h)
			}
			g.ids[i] = append(g.ids[i], id)
		}
	}
	for i, g := range order {
		r.reportGroup(g, hashes[i])
	}
}

func (r *run) reportGroup(g *group, hash uint64) {
	c := &r.report.byKind[g.kind]
	a, b := len(g.ids[0]), len(g.ids[1])
	c.Same += min(a, b)
	if a == b {
		if r.opts.counts(g.kind) {
			r.pushIfStrict(g.ids)
		}
		return
	}
	e := Entry{Class: Count, kind: g.kind, A: a, B: b}
	side := 0
	if a == 0 {
		side = 1
	}
	for i, ids := range g.ids {
		if len(ids) > 0 {
			e.setID(i, ids[0])
		}
	}
	if a == 0 || b == 0 {
		id, n := g.ids[side][0], max(a, b)
		if r.baseHas(1-side, side, id) {
			e.Class = bySide(side, CopyA, CopyB)
			*bySide(side, &c.CopyA, &c.CopyB) += n
		} else {
			e.Class = bySide(side, OnlyA, OnlyB)
			*bySide(side, &c.OnlyA, &c.OnlyB) += n
		}
	}
	if r.opts.counts(g.kind) {
		e.Text = r.describe(side, g.ids[side][0])
		r.report.add(e)
	}
}

// baseHas reports whether the base of one side has a type like the own type id of
// a side. The plain hashes of the base's types without a name, which are made once for
// all comparisons, say which ones to look at.
func (r *run) baseHas(which, side int, id btf.ID) bool {
	x := r.sides[which].base
	if x == nil {
		return false
	}
	x.hashUnnamed()
	for _, b := range x.unnamed[r.plain[side].of(id)] {
		if r.refined[which].of(b) == r.refined[side].of(id) {
			return true
		}
	}
	return false
}

func (x *base) hashUnnamed() {
	if x.unnamed != nil {
		return
	}
	x.unnamed = make(map[uint64][]btf.ID)
	for i, tab := range x.tabs {
		h := newHasher(&side{own: tab, base: &base{tabs: x.tabs[:i]}}, plainAnchor)
		for j := range tab.Types {
			if id := tab.Start + btf.ID(j); !isNamed(&tab.Types[j]) {
				v := h.of(id)
				x.unnamed[v] = append(x.unnamed[v], id)
			}
		}
	}
}

// onlyFromIgnored marks the own types without a name that are led to, and only by
// types of ignored kinds. It is nil if nothing is ignored.
func (r *run) onlyFromIgnored(s *side) []bool {
	if len(r.opts.IgnoreKinds) == 0 {
		return nil
	}
	ignored := r.reach(s, func(t *btf.Type) bool { return r.isIgnored(s, t) })
	kept := r.reach(s, func(t *btf.Type) bool {
		return (isNamed(t) || t.Kind == btf.DeclTag) && !r.isIgnored(s, t)
	})
	for i := range ignored {
		t := &s.own.Types[i]
		ignored[i] = ignored[i] && !kept[i] || t.Kind == btf.DeclTag && r.isIgnored(s, t)
	}
	return ignored
}

func (r *run) isIgnored(s *side, t *btf.Type) bool {
	if t.Kind == btf.DeclTag {
		target, _ := s.at(t.Ref)
		return target.Kind != btf.DeclTag && r.isIgnored(s, target)
	}
	for _, k := range r.opts.IgnoreKinds {
		if t.Kind == k {
			return isNamed(t)
		}
	}
	return false
}

// reach marks the own types without a name that roots lead to without passing a
// named type.
func (r *run) reach(s *side, root func(*btf.Type) bool) []bool {
	marked := make([]bool, len(s.own.Types))
	var todo []btf.ID
	follow := func(t *btf.Type, ms []btf.Member) {
		for i := 0; ; i++ {
			id, ok := edge(t, ms, i)
			if !ok {
				return
			}
			if !s.own.Own(id) || marked[id-s.own.Start] || isNamed(s.own.At(id)) {
				continue
			}
			marked[id-s.own.Start] = true
			todo = append(todo, id)
		}
	}
	for i := range s.own.Types {
		if t := &s.own.Types[i]; root(t) {
			follow(t, s.own.MembersOf(t))
		}
	}
	for len(todo) > 0 {
		t := s.own.At(todo[len(todo)-1])
		todo = todo[:len(todo)-1]
		follow(t, s.own.MembersOf(t))
	}
	return marked
}
