package dedup

import (
	"slices"
	"testing"

	"mkbtf/btf"
)

// TestReuse dedups worlds one after the other with a worker that knows the types of those
// before, over several bases and over none, and expects what a new one makes.
func TestReuse(t *testing.T) {
	var bases []*Base
	for seed := range uint64(3) {
		w := newWorld(seed)
		tab, _ := run(t, []*btf.Table{w.unit(btf.NewStrings(), false), w.unit(btf.NewStrings(), false)}, nil, 1)
		base, _ := baseOf(t, tab)
		bases = append(bases, base)
	}
	bases = append(bases, nil)
	pools := []*btf.Strings{btf.NewStrings(), btf.NewStrings()}
	workers := make([]*Worker, 2)
	known := 0
	for seed := range uint64(1000) {
		w := newWorld(seed)
		var units []*btf.Table
		for range 1 + w.rng.IntN(3) {
			u := w.unit(btf.NewStrings(), seed%3 == 2)
			if seed%5 == 4 {
				w.mangle(u)
			}
			units = append(units, u)
		}
		base := bases[seed/4%4]
		want, _, cut := runCounting(t, units, base, 1)

		d := New(base != nil)
		var ws []*Worker
		for i, pool := range pools {
			switch {
			case i == 1 && seed%4 != 3:
				continue
			case workers[i] == nil || workers[i].g == nil: // Merge takes those of others
				workers[i] = d.NewWorker(pool)
			case seed%100 == 99:
				pool.Reset()
				d.Reuse(workers[i], pool, false)
			default:
				d.Reuse(workers[i], pool, true)
			}
			ws = append(ws, workers[i])
		}
		worker := workers[0]
		got, _, cutToo := runOn(t, d, ws, units, base)
		if encode(t, got) != encode(t, want) || cut != cutToo {
			t.Fatalf("world %d differs after others", seed)
		}
		if n := int(worker.g.earlier.nodes); n > 0 && worker.Len() < len(worker.g.types)-1 {
			known++
		}
	}
	if known < 500 {
		t.Errorf("in %d worlds types were known", known)
	}
}

// TestEarlierParts: what a node of an earlier Dedup refers to is of this one with it.
func TestEarlierParts(t *testing.T) {
	g := newGraph(btf.NewStrings())
	ptr := g.cons(&btf.Type{Kind: btf.Ptr}, nil)
	other := g.cons(&btf.Type{Kind: btf.Const}, nil)
	array := g.cons(&btf.Type{Kind: btf.Array, Ref: btf.ID(ptr), Size: 3}, nil)
	if !g.keep() {
		t.Fatal("not kept")
	}
	g.earlier.parts = true
	fresh := g.cons(&btf.Type{Kind: btf.Volatile, Ref: btf.ID(other)}, nil)
	for _, c := range []struct{ touch, want []uint32 }{
		{nil, []uint32{other, fresh}},
		{[]uint32{0, array, fresh}, []uint32{ptr, other, array, fresh}},
	} {
		g.touch(c.touch)
		g.touchParts()
		var got []uint32
		g.each(func(n uint32) { got = append(got, n) })
		if !slices.Equal(got, c.want) {
			t.Errorf("touched %d: %d, want %d", c.touch, got, c.want)
		}
	}
}

// TestManyVariables: nodes that are not found by content leave room for the numbers of the
// others.
func TestManyVariables(t *testing.T) {
	g := newGraph(btf.NewStrings())
	for range 3 * len(g.slots) {
		g.add(&btf.Type{Kind: btf.Var}, nil)
	}
	for size := range uint32(5000) {
		n := g.cons(&btf.Type{Kind: btf.Float, Size: size}, nil)
		if again := g.lookup(&btf.Type{Kind: btf.Float, Size: size}, nil); again != n || g.types[n].Size != size {
			t.Fatalf("node %d, then %d", n, again)
		}
	}
}
