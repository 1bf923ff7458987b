package diff

import "mkbtf/btf"

// compareNames reports what differs about named types.
func (r *run) compareNames() {
	for i, s := range r.sides {
		for j := range s.own.Types {
			if t := &s.own.Types[j]; isNamed(t) {
				r.tally(i, t.Kind, 1)
			}
		}
	}
	for i := range r.pairs {
		r.comparePair(r.pairs[i])
	}
	for side := range r.singles {
		for _, s := range r.singles[side] {
			r.reportSingle(side, s)
		}
	}
}

func (r *run) tally(side int, k btf.Kind, n int) {
	if c := &r.report.byKind[k]; side == 0 {
		c.A += n
	} else {
		c.B += n
	}
}

func (r *run) comparePair(p pair) {
	a, b := p[0][0], p[1][0]
	t, _ := r.sides[0].at(a)
	e := Entry{kind: t.Kind, Name: r.name(t.Name), A: len(p[0]), B: len(p[1]), IDA: a, IDB: b}
	if r.final[0].of(a) != r.final[1].of(b) {
		r.report.byKind[t.Kind].Changed += min(e.A, e.B)
		if r.opts.counts(t.Kind) {
			e.Class, e.Details = Changed, r.explain(a, b)
			r.report.add(e)
		}
		return
	}
	r.report.byKind[t.Kind].Same += min(e.A, e.B)
	if !r.opts.counts(t.Kind) {
		return
	}
	if e.A != e.B {
		e.Class, e.Text = Count, r.describe(0, a)
		r.report.add(e)
	}
	r.pushIfStrict(p)
}

// pushIfStrict has a look at where the references of types lead that have the same
// content, unless each has a counterpart whose references lead to the like.
func (r *run) pushIfStrict(p pair) {
	sums := [2]uint64{}
	for i := range p {
		for _, id := range p[i] {
			sums[i] += r.strict[i].of(id)
		}
	}
	if sums[0] != sums[1] && len(p[0]) == len(p[1]) {
		r.origins.push(p[0][0], p[1][0], p[0][0])
	}
}

// reportSingle reports a definition that the other side does not define: that it
// takes from its base, only declares, or has not at all.
func (r *run) reportSingle(side int, s single) {
	t, _ := r.sides[side].at(s.id)
	other := r.sides[1-side]
	k := keyOf(t.Kind, t.Name)
	counts := &r.report.byKind[t.Kind]
	e := Entry{kind: t.Kind, Name: r.name(t.Name), Text: r.describe(side, s.id)}
	e.setID(side, s.id)
	e.setCount(side, s.count)
	if more := len(other.names.all(k, nil)); more > 0 {
		e.setCount(0, len(r.sides[0].names.all(k, nil)))
		e.setCount(1, len(r.sides[1].names.all(k, nil)))
	} else if based := other.baseNames().all(k, nil); len(based) > 0 {
		e.Class = bySide(side, CopyA, CopyB)
		*bySide(side, &counts.CopyA, &counts.CopyB) += s.count
		r.compareWithBase(side, s.id, based, &e)
		r.addIfCounted(e)
		return
	} else if r.reportForward(side, t) {
		return
	}
	e.Class = bySide(side, OnlyA, OnlyB)
	*bySide(side, &counts.OnlyA, &counts.OnlyB) += s.count
	r.addIfCounted(e)
}

func (r *run) addIfCounted(e Entry) {
	if r.opts.counts(e.kind) {
		r.report.add(e)
	}
}

// compareWithBase says whether an own copy has the content of one of the other
// side's base types of that name, and if not, how it differs from the first.
func (r *run) compareWithBase(side int, id btf.ID, based []btf.ID, e *Entry) {
	e.setID(1-side, based[0])
	for _, b := range based {
		if r.final[1-side].of(b) == r.final[side].of(id) {
			e.setID(1-side, b)
			e.Text = "same content"
			return
		}
	}
	e.Text = "other content"
	ids := [2]btf.ID{id, based[0]}
	if side == 1 {
		ids = [2]btf.ID{based[0], id}
	}
	e.Details = r.explain(ids[0], ids[1])
}

// reportForward reports a type of a side that the other one only declares, or the
// other way round, unless the side with the declaration has both.
func (r *run) reportForward(side int, t *btf.Type) bool {
	declared := side
	switch t.Kind {
	case btf.Struct, btf.Union:
		declared = 1 - side
		if !r.declares(declared, t) {
			return false
		}
	case btf.Fwd:
		if r.defines(side, tagKey(t)) || !r.defines(1-side, tagKey(t)) {
			return false
		}
	default:
		return false
	}
	r.forward(declared, tagKey(t))
	return true
}

// defines reports whether a side or its base has a type of that key.
func (r *run) defines(side int, k key) bool {
	s := r.sides[side]
	return s.names.has(k) || s.baseNames().has(k)
}

// declares reports whether a side or its base has a forward declaration of a
// struct or union, and of the right one of the two.
func (r *run) declares(side int, t *btf.Type) bool {
	s := r.sides[side]
	k := keyOf(btf.Fwd, t.Name)
	for _, id := range s.baseNames().all(k, s.names.all(k, nil)) {
		if f, _ := s.at(id); f.Flag == (t.Kind == btf.Union) {
			return true
		}
	}
	return false
}

func (r *run) name(s btf.Str) string { return clean(r.pool.Bytes(s)) }

func (e *Entry) setID(side int, id btf.ID) { *bySide(side, &e.IDA, &e.IDB) = id }
func (e *Entry) setCount(side, n int)      { *bySide(side, &e.A, &e.B) = n }

func bySide[T any](side int, a, b T) T {
	if side == 0 {
		return a
	}
	return b
}
