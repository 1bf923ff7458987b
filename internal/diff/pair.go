package diff

import (
	"slices"

	"mkbtf/btf"
)

// pair is a definition of A and the one of B that it is held against: the ids of
// all types that are alike on either side.
type pair [2][]btf.ID

// single is a definition for which the other side has no own counterpart left.
type single struct {
	id    btf.ID
	count int
}

// class is the definitions of one name that are alike.
type class struct {
	hash uint64
	ids  []btf.ID
}

// Up to this many combinations, definitions that differ are paired by likeness,
// beyond in their order.
const maxCombinations = 4096

// pairNames finds for each own named type of either side its counterpart, and
// makes the final hashers, for which paired definitions are the same.
func (r *run) pairNames() {
	a, b := r.sides[0].names, r.sides[1].names
	partner := make(map[btf.ID]uint64) // of B's types: the refined hash of what they are paired with
	var ids [2][]btf.ID
	for _, k := range a.keys {
		ids[0], ids[1] = a.all(k, ids[0][:0]), b.all(k, ids[1][:0])
		if len(ids[0]) == 1 && len(ids[1]) == 1 {
			r.pairs = append(r.pairs, pair{slices.Clone(ids[0]), slices.Clone(ids[1])})
			if r.ambiguous[k.name()] {
				partner[ids[1][0]] = r.refined[0].of(ids[0][0])
			}
			continue
		}
		r.pairClasses(r.classes(0, ids[0]), r.classes(1, ids[1]), partner)
	}
	for _, k := range b.keys {
		if !a.has(k) {
			r.addSingles(1, r.classes(1, b.all(k, ids[1][:0])))
		}
	}
	r.makeFinal(partner)
}

// classes groups definitions of one name by their refined hash.
func (r *run) classes(side int, ids []btf.ID) []class {
	var cs []class
	at := make(map[uint64]int, len(ids))
	for _, id := range ids {
		h := r.refined[side].of(id)
		i, ok := at[h]
		if !ok {
			i = len(cs)
			at[h] = i
			cs = append(cs, class{hash: h})
		}
		cs[i].ids = append(cs[i].ids, id)
	}
	return cs
}

// pairClasses pairs definitions that are alike, then the most similar of the rest.
func (r *run) pairClasses(as, bs []class, partner map[btf.ID]uint64) {
	at := make(map[uint64]int, len(bs))
	for i := range bs {
		at[bs[i].hash] = i
	}
	taken := make([]bool, len(bs))
	var restA, restB []class
	for _, c := range as {
		if i, ok := at[c.hash]; ok {
			taken[i] = true
			r.addPair(c, bs[i], partner)
			continue
		}
		restA = append(restA, c)
	}
	for i, c := range bs {
		if !taken[i] {
			restB = append(restB, c)
		}
	}
	byLikeness := len(restA)*len(restB) <= maxCombinations
	for len(restA) > 0 && len(restB) > 0 {
		ai, bi := 0, 0
		if byLikeness {
			ai, bi = r.mostAlike(restA, restB)
		}
		r.addPair(restA[ai], restB[bi], partner)
		restA = append(restA[:ai], restA[ai+1:]...)
		restB = append(restB[:bi], restB[bi+1:]...)
	}
	r.addSingles(0, restA)
	r.addSingles(1, restB)
}

func (r *run) addPair(a, b class, partner map[btf.ID]uint64) {
	r.pairs = append(r.pairs, pair{a.ids, b.ids})
	if a.hash != b.hash {
		for _, id := range b.ids {
			partner[id] = a.hash
		}
	}
}

func (r *run) addSingles(side int, cs []class) {
	for _, c := range cs {
		r.singles[side] = append(r.singles[side], single{c.ids[0], len(c.ids)})
	}
}

// mostAlike returns the places of the two definitions that have the most in common,
// the first ones of several.
func (r *run) mostAlike(as, bs []class) (ai, bi int) {
	best := -1
	for i := range as {
		for j := range bs {
			if n := r.likeness(as[i].ids[0], bs[j].ids[0]); n > best {
				best, ai, bi = n, i, j
			}
		}
	}
	return ai, bi
}

// likeness counts the elements that two types have in common at their beginning
// and end.
func (r *run) likeness(a, b btf.ID) int {
	ta, as := r.sides[0].at(a)
	tb, bs := r.sides[1].at(b)
	n := 0
	if ta.Size == tb.Size {
		n++
	}
	same := func(x, y *btf.Member) bool { return x.Name == y.Name && x.Off == y.Off && x.Bits == y.Bits }
	limit := min(len(as), len(bs))
	head := 0
	for head < limit && same(&as[head], &bs[head]) {
		head++
	}
	tail := 0
	for tail < limit-head && as[len(as)-1-tail].Name == bs[len(bs)-1-tail].Name {
		tail++
	}
	return n + 2*head + tail
}

// makeFinal makes the hashers by which contents are compared: paired definitions
// of ambiguous names count as the same one there.
func (r *run) makeFinal(partner map[btf.ID]uint64) {
	for i, s := range r.sides {
		content := r.refined[i]
		anchor := func(id btf.ID, t *btf.Type) uint64 {
			v := uint64(tagKey(t))
			if !r.ambiguous[t.Name] {
				return v
			}
			if i == 1 {
				if p, ok := partner[id]; ok {
					return mix(v, p)
				}
			}
			return mix(v, content.of(id))
		}
		r.final[i] = newHasher(s, anchor)
		r.strict[i] = newHasher(s, func(id btf.ID, t *btf.Type) uint64 {
			where := uint64(0)
			if s.isOwn(id) {
				where |= 1
			}
			if t.Kind == btf.Fwd {
				where |= 2
			}
			return mix(anchor(id, t), where)
		})
	}
}
