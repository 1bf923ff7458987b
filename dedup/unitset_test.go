package dedup

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"mkbtf/btf"
)

// TestNodeSet compares sets of nodes with what went into them, in the terms of their
// worker and of a merged graph.
func TestNodeSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var arena []uint64
	for n := range 200 {
		size := 1 + rng.IntN(1<<(1+n%16))
		all := make([]nodeBits, size/64+1)
		held := map[uint32]bool{}
		for range rng.IntN(1 + size/(1+n%7)) {
			node := uint32(rng.IntN(size))
			held[node] = true
			all[node/64].held |= 1 << (node % 64)
		}
		var u unitSet
		u.held, arena = newNodeSet(all, arena)
		if slices.ContainsFunc(all, func(b nodeBits) bool { return b.held != 0 }) {
			t.Fatal("the unit's nodes are still there")
		}
		became := []uint32(nil)
		later := size + rng.IntN(200) // nodes of units that came after it
		if n%2 == 1 {
			for i := range later {
				became = append(became, uint32(later-1-i))
			}
		}
		is := make([]bool, later)
		for i := range is {
			is[i] = n%3 == 0 || rng.IntN(4) == 0
		}
		us := unitSets{list: []unitSet{u}, became: [][]uint32{became}}
		var got, want []uint32
		us.each(is, func(_ int, n uint32) { got = append(got, n) })
		for i := range uint32(size) {
			to := i
			if became != nil {
				to = became[i]
			}
			if held[i] && is[to] {
				want = append(want, to)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("set %d of %d nodes: %d, want %d", n, size, got, want)
		}
	}
}

// TestOrderOfUnits checks that first occurrences are those in the order of units, in
// whatever order and by whichever worker the units were taken in.
func TestOrderOfUnits(t *testing.T) {
	units := []string{
		"int INT int\na STRUCT a size=4 m=int\nf FWD f\n",
		"int INT int\nb STRUCT b size=4 m=int\na STRUCT a size=4 m=int\n",
		"long INT long\nf FWD f\nb STRUCT b size=4 n=long\n",
		"long INT long\nint INT int\na STRUCT a size=4 m=int\nb STRUCT b size=4 m=int\nu FWD u\n",
	}
	firsts := func(order, workers []int) string {
		d := New(false)
		ws := []*Worker{d.NewWorker(btf.NewStrings()), d.NewWorker(btf.NewStrings())}
		for _, u := range order {
			w := ws[workers[u]]
			tab, _ := parseUnit(t, w.Strings(), units[u])
			if _, err := w.Add(u, tab, len(tab.Types)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Merge(ws...); err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, u := range d.units.list {
			text += fmt.Sprintf("%d:", u.index)
			for _, r := range u.firsts {
				typ, _ := d.Type(r)
				text += fmt.Sprintf(" %s %s", typ.Kind, d.g.strings.Bytes(typ.Name))
			}
			text += "\n"
		}
		return text
	}
	const want = "0: INT int STRUCT a FWD f\n1: STRUCT b\n2: INT long STRUCT b\n3: FWD u\n"
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}} {
		for n := range 1 << len(units) {
			var workers []int
			for u := range units {
				workers = append(workers, n>>u&1)
			}
			if got := firsts(order, workers); got != want {
				t.Errorf("units in the order %d by workers %d:\n%swant\n%s", order, workers, got, want)
			}
		}
	}
}
