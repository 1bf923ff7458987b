package dedup

import "mkbtf/btf"

// depState is what the units say about one contextual name that a definition
// refers to.
type depState struct {
	ref    Ref
	opaque bool    // a unit holds the definition and only declares the name
	first  unitDef // what the first unit that defines both means
}

// relabel computes the labels anew from those of the last round.
func (r *resolver) relabel() {
	next := &resolver{
		g: r.g, base: r.base, labels: []label{{}},
		single: make([]uint32, len(r.g.types)), split: map[unitDef]uint32{}, splitDefs: map[uint32]bool{},
	}
	deps := r.dependencies()
	var open []bool // by node: definitions that may have several labels
	for i, n := range r.order {
		states := deps[n]
		settled := true
		for _, d := range states {
			settled = settled && d.opaque
		}
		if settled {
			next.single[n] = next.addLabel(r.bind(i, states, nil))
		} else {
			if open == nil {
				open = make([]bool, len(r.g.types))
			}
			open[n] = true
		}
	}
	if open != nil {
		r.splitOpen(next, open)
	}
	r.labels, r.single, r.split, r.splitDefs = next.labels, next.single, next.split, next.splitDefs
}

// dependencies looks through all units for what they say about the contextual
// names that definitions refer to.
func (r *resolver) dependencies() map[uint32][]depState {
	deps := map[uint32][]depState{}
	flagged := r.flag(func(n uint32) bool { return r.reach[n] != 0 })
	if flagged == nil {
		return deps
	}
	r.units.each(flagged, func(u int, n uint32) {
		states := deps[n]
		if states == nil {
			for _, name := range r.sets[r.reach[n]] {
				states = append(states, depState{ref: name})
			}
			deps[n] = states
		}
		addStates(states, r.inUnit[u])
	})
	return deps
}

// addStates adds what one unit says.
func addStates(states []depState, b binding) {
	for i := range states {
		ud := b[states[i].ref]
		if ud.def == 0 {
			states[i].opaque = true
		} else if states[i].first.def == 0 {
			states[i].first = ud
		}
	}
}

// bind makes the label of a definition from what its contextual names mean in the
// unit with binding b.
func (r *resolver) bind(i int, states []depState, b binding) label {
	l := label{def: r.order[i]}
	for _, d := range states {
		to := d.first
		if !d.opaque {
			to = b[d.ref]
		}
		if to.def != 0 {
			if l.bound == nil {
				l.bound = binding{}
			}
			l.bound[d.ref] = to
		}
	}
	for _, c := range r.cands[i] {
		if r.holds(c.held, l.bound) {
			return label{def: l.def, base: c.id}
		}
	}
	return l
}

// holds reports whether what a definition holds by value is what the base's holds.
func (r *resolver) holds(held []heldType, b binding) bool {
	for _, h := range held {
		if r.labels[r.target(h.anchor, b)].base != h.id {
			return false
		}
	}
	return true
}

// splitOpen gives the definitions that units see in several ways one label for
// each way.
func (r *resolver) splitOpen(next *resolver, open []bool) {
	units := map[uint32][]int{}
	r.units.each(open, func(u int, n uint32) { units[n] = append(units[n], u) })
	for _, n := range r.order {
		if !open[n] {
			continue
		}
		before := len(next.labels)
		byBase := map[btf.ID]uint32{}
		r.partition(n, units[n], -1, func(l label, part []int) {
			id := byBase[l.base]
			if l.base == 0 || id == 0 {
				id = next.addLabel(l)
				byBase[l.base] = id
			}
			if next.single[n] == 0 {
				next.single[n] = id
			}
			for _, u := range part {
				next.split[unitDef{u, n}] = id
			}
		})
		if len(next.labels)-before > 1 {
			next.splitDefs[n] = true
			continue
		}
		for _, u := range units[n] {
			delete(next.split, unitDef{u, n})
		}
	}
}

// partition divides the units that hold a definition by what the names mean that
// none of them leaves open. A part may then agree on more names than the whole, so
// it is divided again until that number, known, does not grow.
func (r *resolver) partition(n uint32, units []int, known int, emit func(label, []int)) {
	states := r.states(n, units)
	settled := 0
	for _, d := range states {
		if !d.opaque {
			settled++
		}
	}
	if settled == known {
		emit(r.bind(r.pos[n], states, r.inUnit[units[0]]), units)
		return
	}
	var keys []string
	parts := map[string][]int{}
	for _, u := range units {
		var key []uint32
		if l := r.bind(r.pos[n], states, r.inUnit[u]); l.base != 0 {
			key = []uint32{uint32(l.base)}
		} else {
			for _, d := range states {
				if !d.opaque {
					key = append(key, r.identity(r.inUnit[u][d.ref])...)
				}
			}
		}
		k := setKey(key)
		if parts[k] == nil {
			keys = append(keys, k)
		}
		parts[k] = append(parts[k], u)
	}
	for _, k := range keys {
		r.partition(n, parts[k], settled, emit)
	}
}

// states says what some units mean by the contextual names of a definition.
func (r *resolver) states(n uint32, units []int) []depState {
	var states []depState
	for _, name := range r.sets[r.reach[n]] {
		states = append(states, depState{ref: name})
	}
	for _, u := range units {
		addStates(states, r.inUnit[u])
	}
	return states
}

// identity tells apart the types that a definition in a unit can be.
func (r *resolver) identity(ud unitDef) []uint32 {
	l := r.labelIn(ud)
	if base := r.labels[l].base; base != 0 {
		return []uint32{1, uint32(base)}
	}
	return []uint32{0, l}
}
