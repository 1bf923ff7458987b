package diff

import "mkbtf/btf"

// Rounds in which definitions of one name are told apart, each one reference
// further away. It only decides which definition is held against which.
const maxRounds = 32

// findAmbiguous marks the names of which a kind has several definitions in the
// own part and base of one side. References to them must say which one they mean.
func (r *run) findAmbiguous() {
	r.ambiguous = make([]bool, r.pool.Len())
	for _, s := range r.sides {
		inBase := s.baseNames()
		for _, k := range s.names.keys {
			if inBase.has(k) {
				r.ambiguous[k.name()] = true
			}
		}
		for _, n := range []*names{s.names, inBase} {
			if n == nil {
				continue
			}
			for _, k := range n.dups {
				r.ambiguous[k.name()] = true
			}
		}
	}
}

// refine hashes with references to ambiguous names replaced by the hash of the
// round before, until no more definitions come apart.
func (r *run) refine() {
	for i, s := range r.sides {
		r.plain[i] = newHasher(s, plainAnchor)
	}
	r.refined = r.plain
	for round, classes := 0, -1; round < maxRounds; round++ {
		previous := r.refined
		for i, s := range r.sides {
			r.refined[i] = newHasher(s, r.contentAnchor(previous[i]))
		}
		n := r.countClasses()
		if n == classes {
			return
		}
		classes = n
	}
}

// contentAnchor makes references to ambiguous names count by the content of
// what they lead to.
func (r *run) contentAnchor(content *hasher) func(btf.ID, *btf.Type) uint64 {
	return func(id btf.ID, t *btf.Type) uint64 {
		v := uint64(tagKey(t))
		if r.ambiguous[t.Name] {
			v = mix(v, content.of(id))
		}
		return v
	}
}

// countClasses counts the different own definitions of ambiguous names.
func (r *run) countClasses() int {
	seen := make(map[uint64]bool)
	for i, s := range r.sides {
		for j := range s.own.Types {
			t := &s.own.Types[j]
			if isNamed(t) && r.ambiguous[t.Name] {
				seen[r.refined[i].of(s.own.Start+btf.ID(j))] = true
			}
		}
	}
	return len(seen)
}
