package dedup

import (
	"encoding/binary"
	"maps"
	"slices"

	"mkbtf/btf"
)

// label is one type of the output that a tagged type can become: a type of the
// base, or the definition def with its references bound in one way, or, with
// neither, a forward declaration of anchor.
type label struct {
	def    uint32
	base   btf.ID
	anchor Ref
	bound  binding
	out    btf.ID // own id once it has one
}

// binding says which definition the contextual names mean in some place; what is
// missing has its default.
type binding map[Ref]unitDef

// resolver decides which definition every reference by name means.
type resolver struct {
	g     *graph
	base  *Base
	units *unitSets

	order []uint32       // definitions in the order of their first occurrence
	defs  [][]uint32     // by anchor: its definitions, in that order
	cands [][]candidate  // by position in order
	pos   map[uint32]int // position in order of a definition

	labels     []label
	single     []uint32           // by node: the label of a definition that has just one
	split      map[unitDef]uint32 // the label of one that has several, in a unit
	splitDefs  map[uint32]bool
	contextual []bool   // by anchor: units can mean different things
	fallback   []uint32 // by anchor: label where the unit does not define it, 0: not known yet
	reach      []uint32 // by node: number of its set in sets; 0: no contextual name
	sets       [][]Ref
	inUnit     []binding // by unit: what contextual names it defines mean
}

// unitDef is a definition in a unit that holds it; def 0: none.
type unitDef struct {
	unit int // position in units
	def  uint32
}

func newResolver(g *graph, units *unitSets, base *Base) *resolver {
	r := &resolver{
		g: g, base: base, units: units,
		defs: make([][]uint32, len(g.anchors)), pos: map[uint32]int{},
		contextual: make([]bool, len(g.anchors)),
		reach:      make([]uint32, len(g.types)),
	}
	entered := make([]bool, len(g.types))
	for i := range units.list {
		for _, ref := range units.list[i].firsts {
			if ref.isAnchor() || entered[ref] || !g.isDef(uint32(ref)) {
				continue
			}
			n := uint32(ref)
			entered[n] = true
			r.pos[n] = len(r.order)
			r.order = append(r.order, n)
			a := r.anchorOf(n)
			r.defs[a] = append(r.defs[a], n)
		}
	}
	r.cands = make([][]candidate, len(r.order))
	if base != nil {
		m := g.matcherFor(base)
		for i, n := range r.order {
			r.cands[i] = m.candidates(n)
		}
	}
	r.run()
	return r
}

// anchorOf is the number of the ordinary anchor of a definition's name.
func (r *resolver) anchorOf(n uint32) uint32 {
	c, _ := tagClass(&r.g.types[n])
	return uint32(r.g.anchorFor(c, r.g.types[n].Name) &^ anchorBit)
}

// run refines the labels until nothing changes. At first every definition is one
// type, the base's if it can be. Each round can only tell more apart: it splits
// a definition, or finds that it is not the base's after all.
func (r *resolver) run() {
	r.labels = []label{{}}
	r.single = make([]uint32, len(r.g.types))
	for i, n := range r.order {
		l := label{def: n}
		if len(r.cands[i]) > 0 {
			l.base = r.cands[i][0].id
		}
		r.single[n] = uint32(len(r.labels))
		r.labels = append(r.labels, l)
	}
	for {
		r.findContextual()
		r.findReach()
		r.bindUnits()
		before := r.summary()
		r.relabel()
		if slices.Equal(before, r.summary()) {
			break
		}
	}
	r.findContextual()
	r.findReach()
	r.bindUnits()
}

// summary tells two states of the refinement apart: for each definition how many
// types it is, and which of the base's.
func (r *resolver) summary() []uint32 {
	sum := make([]uint32, 0, len(r.order)*2)
	count := map[uint32]uint32{}
	if len(r.splitDefs) > 0 {
		for _, l := range r.labels {
			count[l.def]++
		}
	}
	for _, n := range r.order {
		if r.splitDefs[n] {
			sum = append(sum, n, count[n])
		} else {
			sum = append(sum, n, 0, uint32(r.labels[r.single[n]].base))
		}
	}
	return sum
}

// findContextual marks the names that do not mean the same everywhere, and
// forgets the fallbacks.
func (r *resolver) findContextual() {
	r.fallback = make([]uint32, len(r.g.anchors))
	for a := range r.defs {
		defs := r.defs[a]
		r.contextual[a] = false
		if len(defs) == 0 {
			continue
		}
		many := len(defs) > 1 && !r.allSame(defs) || r.splitDefs[defs[0]]
		if !many && r.base != nil && r.labels[r.single[defs[0]]].base == 0 {
			b, _ := r.base.tag(r.g.anchors[a].class, r.g.strings.Bytes(r.g.anchors[a].name))
			many = b != 0 // the module's own and the base's
		}
		r.contextual[a] = many
	}
}

// allSame reports whether definitions are all the same type of the base.
func (r *resolver) allSame(defs []uint32) bool {
	if r.splitDefs[defs[0]] {
		return false
	}
	b := r.labels[r.single[defs[0]]].base
	for _, n := range defs[1:] {
		if b == 0 || r.splitDefs[n] || r.labels[r.single[n]].base != b {
			return false
		}
	}
	return true
}

// findReach computes for every node which contextual names its content refers to.
func (r *resolver) findReach() {
	r.sets = [][]Ref{nil}
	known := map[string]uint32{"": 0}
	clear(r.reach)
	any := slices.Contains(r.contextual, true)
	if !any {
		return
	}
	var set []Ref
	r.g.each(func(n uint32) {
		set = set[:0]
		r.g.eachRef(n, func(ref Ref) {
			if !ref.isAnchor() {
				if s := r.reach[ref]; s != 0 {
					set = append(set, r.sets[s]...)
				}
			} else if r.contextual[ref&^anchorBit] {
				set = append(set, ref)
			}
		})
		if len(set) == 0 {
			return
		}
		slices.Sort(set)
		set = slices.Compact(set)
		key := setKey(set)
		s, ok := known[key]
		if !ok {
			s = uint32(len(r.sets))
			r.sets = append(r.sets, slices.Clone(set))
			known[key] = s
		}
		r.reach[n] = s
	})
}

func setKey[T ~uint32](set []T) string {
	key := make([]byte, 0, 4*len(set))
	for _, x := range set {
		key = binary.NativeEndian.AppendUint32(key, uint32(x))
	}
	return string(key)
}

// bindUnits notes for each unit what the contextual names mean that it defines. A
// name with several definitions in one unit is not bound: references to them have
// private anchors.
func (r *resolver) bindUnits() {
	r.inUnit = make([]binding, len(r.units.list))
	flagged := r.flag(func(n uint32) bool { return r.contextual[r.anchorOf(n)] })
	if flagged == nil {
		return
	}
	r.units.each(flagged, func(u int, n uint32) {
		b := r.inUnit[u]
		if b == nil {
			b = binding{}
			r.inUnit[u] = b
		}
		a := anchorBit | Ref(r.anchorOf(n))
		if _, twice := b[a]; twice {
			b[a] = unitDef{}
		} else {
			b[a] = unitDef{u, n}
		}
	})
	for _, b := range r.inUnit {
		maps.DeleteFunc(b, func(_ Ref, ud unitDef) bool { return ud.def == 0 })
	}
}

// flag returns a set of definitions indexed by node, nil if it is empty.
func (r *resolver) flag(is func(uint32) bool) []bool {
	var set []bool
	for _, n := range r.order {
		if is(n) {
			if set == nil {
				set = make([]bool, len(r.g.types))
			}
			set[n] = true
		}
	}
	return set
}

// labelIn is the label of a definition in a unit that holds it.
func (r *resolver) labelIn(ud unitDef) uint32 {
	if r.splitDefs[ud.def] {
		return r.split[ud]
	}
	return r.single[ud.def]
}

// target is the label that a reference by name has where b holds.
func (r *resolver) target(ref Ref, b binding) uint32 {
	a := &r.g.anchors[ref&^anchorBit]
	if a.serial != 0 {
		unit, _ := r.units.position(a.unit)
		return r.labelIn(unitDef{unit, a.def})
	}
	if r.contextual[ref&^anchorBit] {
		if ud := b[ref]; ud.def != 0 {
			return r.labelIn(ud)
		}
	}
	return r.defaultOf(ref)
}

// defaultOf is the label of a name where the unit only declares it, and everywhere
// if it is not contextual.
func (r *resolver) defaultOf(ref Ref) uint32 {
	f := &r.fallback[ref&^anchorBit]
	if *f == 0 {
		*f = r.findDefault(ref)
	}
	return *f
}

func (r *resolver) findDefault(ref Ref) uint32 {
	a := &r.g.anchors[ref&^anchorBit]
	defs := r.defs[ref&^anchorBit]
	if len(defs) > 0 && !r.contextual[ref&^anchorBit] {
		return r.single[defs[0]]
	}
	var def, fwd btf.ID
	if r.base != nil {
		def, fwd = r.base.tag(a.class, r.g.strings.Bytes(a.name))
	}
	switch {
	case def != 0:
		return r.addLabel(label{base: def})
	case len(defs) > 0:
		if !r.splitDefs[defs[0]] {
			return r.single[defs[0]]
		}
		for u := range r.units.list {
			if l := r.split[unitDef{u, defs[0]}]; l != 0 {
				return l
			}
		}
	case fwd != 0:
		return r.addLabel(label{base: fwd})
	}
	return r.addLabel(label{anchor: ref})
}

func (r *resolver) addLabel(l label) uint32 {
	r.labels = append(r.labels, l)
	return uint32(len(r.labels) - 1)
}
