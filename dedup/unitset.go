package dedup

import (
	"math/bits"
	"slices"
	"sort"
)

// unitSet is what a unit holds. What its worker had in no unit before is told apart,
// since this is nearly all that anyone asks for: the order of first occurrence. Of the
// nodes that come again, which are a hundred times as many, only the few that lead
// to a name with several meanings are looked for in the end.
type unitSet struct {
	index  int   // the caller's number
	worker int32 // position in Dedup.nodes
	// firsts are nodes, and anchors of names that are only declared, in the order of the table.
	firsts []Ref
	held   nodeSet // in the terms of the worker, firsts as well
}

// nodeSet is a set of nodes in words of 64. Units hold few of all nodes, so that words
// without any are left out.
type nodeSet struct {
	which []uint64 // which words there are
	words []uint64
}

// nodeBits is what a worker knows of 64 nodes.
type nodeBits struct {
	held   uint64 // by the current unit
	before uint64 // by units before it, and by it
}

// newNodeSet takes the nodes of the current unit out of all. Its memory is the end of arena.
func newNodeSet(all []nodeBits, arena []uint64) (nodeSet, []uint64) {
	n := (len(all) + 63) / 64
	if cap(arena)-len(arena) < n+len(all) {
		arena = make([]uint64, 0, max(n+len(all), 1<<15))
	}
	start := len(arena)
	which := arena[start : start+n : start+n]
	clear(which)
	arena = arena[:start+n]
	for i := range all {
		if b := &all[i]; b.held != 0 {
			which[i/64] |= 1 << (i % 64)
			arena = append(arena, b.held)
			b.held = 0
		}
	}
	return nodeSet{which, arena[start+n : len(arena) : len(arena)]}, arena
}

// each calls f for the nodes that are in a mask as well, in the order of their numbers.
func (s *nodeSet) each(m *nodeMask, f func(n uint32)) {
	words := s.words
	for i, which := range s.which {
		if i >= len(m.which) {
			return
		}
		for both := which & m.which[i]; both != 0; both &= both - 1 {
			k := bits.TrailingZeros64(both)
			x := words[bits.OnesCount64(which&(1<<k-1))] & m.words[i*64+k]
			for ; x != 0; x &= x - 1 {
				f(uint32((i*64+k)*64 + bits.TrailingZeros64(x)))
			}
		}
		words = words[bits.OnesCount64(which):]
	}
}

// nodeMask is a set of nodes that those of units are compared with.
type nodeMask struct {
	which []uint64 // words that are not 0
	words []uint64
}

// newNodeMask returns those of a worker's nodes that became nodes for which is is true.
func newNodeMask(is []bool, became []uint32) *nodeMask {
	n := len(is)
	if became != nil {
		n = len(became)
	}
	m := &nodeMask{which: make([]uint64, n/4096+1), words: make([]uint64, n/64+1)}
	for i := range n {
		to := uint32(i)
		if became != nil {
			to = became[i]
		}
		if is[to] {
			m.which[i/4096] |= 1 << (i / 64 % 64)
			m.words[i/64] |= 1 << (i % 64)
		}
	}
	return m
}

// unitSets are those of all units in the caller's order.
type unitSets struct {
	list   []unitSet
	became [][]uint32 // by worker: its nodes in terms of the merged graph, nil: the same
	last   int        // the unit that was asked for last
}

// masks returns the nodes for which is is true, by worker.
func (us *unitSets) masks(is []bool) []*nodeMask {
	list := make([]*nodeMask, len(us.became))
	for i, became := range us.became {
		list[i] = newNodeMask(is, became)
	}
	return list
}

// in calls f for those of the nodes that unit u holds.
func (us *unitSets) in(u int, masks []*nodeMask, f func(n uint32)) {
	s := &us.list[u]
	became := us.became[s.worker]
	s.held.each(masks[s.worker], func(n uint32) {
		if became != nil {
			n = became[n]
		}
		f(n)
	})
}

// each calls f for the nodes for which is is true and the units that hold them, in the order
// of units.
func (us *unitSets) each(is []bool, f func(u int, n uint32)) {
	masks := us.masks(is)
	for u := range us.list {
		us.in(u, masks, func(n uint32) { f(u, n) })
	}
}

// dropRepeated leaves in firsts what no unit before has.
func (us *unitSets) dropRepeated(g *graph) {
	nodes, anchors := make([]bool, len(g.types)), make([]bool, len(g.anchors))
	for u := range us.list {
		s := &us.list[u]
		s.firsts = slices.DeleteFunc(s.firsts, func(r Ref) bool {
			seen := &nodes
			if r.isAnchor() {
				seen, r = &anchors, r&^anchorBit
			}
			was := (*seen)[r]
			(*seen)[r] = true
			return was
		})
	}
}

// position returns the place of the unit with an index, and whether there is one. Those who
// ask mostly ask for units in their order.
func (us *unitSets) position(index int) (int, bool) {
	n := len(us.list)
	if us.last < n && us.list[us.last].index == index {
		return us.last, true
	}
	i := sort.Search(n, func(i int) bool { return us.list[i].index >= index })
	if i == n || us.list[i].index != index {
		return i, false
	}
	us.last = i
	return i, true
}

// remapped returns the sets in the terms of another graph.
func (us *unitSets) remapped(m *Mapping) unitSets {
	to := unitSets{list: slices.Clone(us.list), became: make([][]uint32, len(us.became))}
	for u := range to.list {
		to.list[u].firsts = m.refs(to.list[u].firsts)
	}
	for i, became := range us.became {
		if became == nil {
			to.became[i] = m.nodes
			continue
		}
		to.became[i] = make([]uint32, len(became))
		for n := range became {
			to.became[i][n] = m.nodes[became[n]]
		}
	}
	return to
}

// refs translates Refs.
func (m *Mapping) refs(list []Ref) []Ref {
	out := make([]Ref, len(list))
	for i, r := range list {
		out[i] = m.Ref(r)
	}
	return out
}
