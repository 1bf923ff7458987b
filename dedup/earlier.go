package dedup

import "math/bits"

// earlier tells apart, in a graph that units of an earlier Dedup have been added to, the
// nodes that only those hold. They stay: the next file of a batch mostly has the same
// types, and what they are in the base is known then.
type earlier struct {
	nodes   uint32   // those below are of an earlier Dedup; 0: none
	parts   bool     // some may be parts of others alone, as stand-ins are
	touched []uint64 // which of them are of this one too
}

// Bounds of what is kept for the next Dedup.
const (
	keptNodes   = 1 << 15
	keptAnchors = 1 << 15
)

// keep prepares the graph for another Dedup, and reports whether that may be: what it
// holds is not much.
func (g *graph) keep() bool {
	if len(g.types) > keptNodes || len(g.anchors) > keptAnchors {
		return false
	}
	n := len(g.types)/64 + 1
	if cap(g.earlier.touched) < n {
		g.earlier.touched = make([]uint64, n+n/2)
	}
	g.earlier.touched = g.earlier.touched[:n]
	clear(g.earlier.touched)
	g.earlier.nodes = uint32(len(g.types))
	g.last, g.tooDeep = 0, 0
	return true
}

// touch makes nodes of an earlier Dedup those of this one.
func (g *graph) touch(nodes []uint32) {
	if g.earlier.nodes == 0 {
		return
	}
	for _, n := range nodes {
		if n < g.earlier.nodes {
			g.earlier.touched[n/64] |= 1 << (n % 64)
		}
	}
}

// touchParts touches what the nodes of this Dedup refer to and no unit has as a type.
func (g *graph) touchParts() {
	e := &g.earlier
	if e.nodes == 0 || !e.parts {
		return
	}
	part := func(r Ref) {
		if !r.isAnchor() && uint32(r) < e.nodes {
			e.touched[r/64] |= 1 << (r % 64)
		}
	}
	for n := uint32(len(g.types)) - 1; n > 0; n-- { // what a node refers to comes before it
		if n >= e.nodes || e.touched[n/64]>>(n%64)&1 != 0 {
			g.eachRef(n, part)
		}
	}
}

// each calls f for the nodes of this Dedup, in their order.
func (g *graph) each(f func(n uint32)) {
	for i, set := range g.earlier.touched[:min(len(g.earlier.touched), int(g.earlier.nodes+63)/64)] {
		if i == 0 {
			set &^= 1 // void
		}
		for ; set != 0; set &= set - 1 {
			f(uint32(i*64 + bits.TrailingZeros64(set)))
		}
	}
	for n := max(g.earlier.nodes, 1); n < uint32(len(g.types)); n++ {
		f(n)
	}
}
