package dedup

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestUnitList checks that lists come back as they were, near and far references
// mixed.
func TestUnitList(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	edges := []Ref{0, 1, 1<<14 - 1, 1 << 14, 1<<14 + 1, 1<<31 - 1, anchorBit, anchorBit | 1, anchorBit | 1<<14, ^Ref(0) - 2, wide, wide << 1}
	var arena []uint16
	var buf []Ref
	for n := range 200 {
		var refs []Ref
		for range n {
			switch rng.IntN(4) {
			case 0:
				refs = append(refs, edges[rng.IntN(len(edges))])
			case 1:
				refs = append(refs, Ref(rng.Uint32()))
			default:
				refs = append(refs, Ref(rng.IntN(40000))|Ref(rng.IntN(2))<<31)
			}
		}
		var u unitList
		u, arena = newUnitList(n, refs, arena)
		if buf = u.refs(buf); !slices.Equal(buf, refs) || u.index != n {
			t.Fatalf("list %d: %v became %v", n, refs, buf)
		}
	}
}
