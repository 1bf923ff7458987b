package diff

import "mkbtf/btf"

// worklist is types of A and B that have the same content but lead to own, base
// or forward types in different ways.
type worklist struct {
	todo     []ref
	seen     map[[2]btf.ID]bool
	reported map[reportKey]bool
}

type ref struct {
	a, b btf.ID
	from btf.ID // the named type of A that was looked at
}

type reportKey struct {
	class Class
	key   key
}

func (w *worklist) push(a, b, from btf.ID) {
	p := [2]btf.ID{a, b}
	if w.seen[p] {
		return
	}
	if w.seen == nil {
		w.seen = make(map[[2]btf.ID]bool)
	}
	w.seen[p] = true
	w.todo = append(w.todo, ref{a, b, from})
}

// first notes that something is reported and says whether it was not before.
func (w *worklist) first(c Class, k key) bool {
	x := reportKey{c, k}
	if w.reported[x] {
		return false
	}
	if w.reported == nil {
		w.reported = make(map[reportKey]bool)
	}
	w.reported[x] = true
	return true
}

// originsOf follows the references of the types in the worklist side by side and
// reports each named type at which the two part.
func (r *run) originsOf() {
	for len(r.origins.todo) > 0 {
		x := r.origins.todo[len(r.origins.todo)-1]
		r.origins.todo = r.origins.todo[:len(r.origins.todo)-1]
		ta, as := r.sides[0].at(x.a)
		tb, bs := r.sides[1].at(x.b)
		for i := 0; ; i++ {
			a, okA := edge(ta, as, i)
			b, okB := edge(tb, bs, i)
			if !okA || !okB {
				break
			}
			r.originRef(a, b, x.from)
		}
	}
}

// originRef looks at two references that lead to the same content.
func (r *run) originRef(a, b, from btf.ID) {
	if a == 0 || b == 0 {
		return
	}
	ta, _ := r.sides[0].at(a)
	tb, _ := r.sides[1].at(b)
	if !isNamed(ta) || !isNamed(tb) {
		if !isNamed(ta) && !isNamed(tb) && r.strict[0].of(a) != r.strict[1].of(b) {
			r.origins.push(a, b, from)
		}
		return
	}
	switch {
	case ta.Kind == btf.Fwd && tb.Kind != btf.Fwd:
		r.forward(0, tagKey(ta))
	case tb.Kind == btf.Fwd && ta.Kind != btf.Fwd:
		r.forward(1, tagKey(tb))
	}
	ownA, ownB := r.sides[0].isOwn(a), r.sides[1].isOwn(b)
	if ownA == ownB {
		return
	}
	k := keyOf(ta.Kind, ta.Name)
	if ownA && !r.sides[1].names.has(k) || ownB && !r.sides[0].names.has(keyOf(tb.Kind, tb.Name)) {
		return // reported as an own copy
	}
	if !r.opts.counts(ta.Kind) || !r.origins.first(Origin, k) {
		return
	}
	text := "the base's in A, its own in B"
	if ownA {
		text = "its own in A, the base's in B"
	}
	f, _ := r.sides[0].at(from)
	r.report.add(Entry{
		Class: Origin, kind: ta.Kind, Name: r.name(ta.Name), IDA: a, IDB: b,
		Text: text + ", seen from " + f.Kind.String() + " '" + r.name(f.Name) + "'",
	})
}

// forward reports, once, that a side only declares what the other one defines.
func (r *run) forward(declared int, k key) {
	c := bySide(declared, ForwardA, ForwardB)
	if !r.opts.counts(k.kind()) || !r.origins.first(c, k) {
		return
	}
	e := Entry{Class: c, kind: k.kind(), Name: r.name(k.name())}
	for i, s := range r.sides {
		look := k
		if i == declared {
			look = keyOf(btf.Fwd, k.name())
		}
		for _, id := range s.baseNames().all(look, s.names.all(look, nil)) {
			e.setID(i, id)
			break
		}
	}
	r.report.add(e)
}
