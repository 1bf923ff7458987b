package emit

import (
	"bytes"
	"slices"

	"mkbtf/btf"
)

// SortByName orders the own types of a table by name, bytewise, anonymous ones
// first, equal names in their old order: what kernels from 7.0 on and libbpf 1.7
// search by bisection, and what older ones do not mind. The result translates old
// ids into new ones.
func SortByName(t *btf.Table) func(btf.ID) btf.ID {
	order := make([]uint32, len(t.Types))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(a, b uint32) int {
		x, y := t.Types[a].Name, t.Types[b].Name
		if x == y {
			return 0
		}
		return bytes.Compare(t.Strings.Bytes(x), t.Strings.Bytes(y))
	})
	ids := make([]btf.ID, len(order))
	sorted := make([]btf.Type, len(order))
	for to, from := range order {
		ids[from] = t.Start + btf.ID(to)
		sorted[to] = t.Types[from]
	}
	start := t.Start
	renumber := func(id btf.ID) btf.ID {
		if id < start {
			return id
		}
		return ids[id-start]
	}
	t.Types = sorted
	for i := range t.Types {
		t.Refs(&t.Types[i], func(ref *btf.ID) { *ref = renumber(*ref) })
	}
	return renumber
}
