package dedup

import (
	"encoding/binary"

	"mkbtf/btf"
)

// Minimise merges equal types of a finished table whose content has been changed
// since: what Finish does, and untagged types are looked at in any case.
func Minimise(t *btf.Table) {
	minimise(t)
	m := &minimiser{t: t, memo: map[btf.ID]uint64{}, tokens: map[string]uint64{}}
	m.compact(map[btf.ID]btf.ID{})
}

// minimise merges own tagged types of one name that are equal after all, in what
// they hold and in all that they lead to. They arise where definitions were kept
// apart because of something that later turned out to be the same.
//
// It is partition refinement: types of one name start in one class; a round puts
// two apart if their content differs, references to classes standing for what they
// lead to; when a round changes nothing, what is still together is equal.
//
// The result translates old ids into new ones.
func minimise(t *btf.Table) func(btf.ID) btf.ID {
	same := func(id btf.ID) btf.ID { return id }
	groups := sameNames(t)
	if len(groups) == 0 {
		return same
	}
	m := &minimiser{t: t, class: map[btf.ID]btf.ID{}, memo: map[btf.ID]uint64{}, tokens: map[string]uint64{}}
	for _, ids := range groups {
		for _, id := range ids {
			m.class[id] = ids[0]
		}
	}
	for changed := true; changed; {
		changed = false
		clear(m.memo)
		next := map[btf.ID]btf.ID{}
		for _, ids := range groups {
			type key struct {
				class   btf.ID
				content uint64
			}
			first := map[key]btf.ID{}
			for _, id := range ids {
				k := key{m.class[id], m.content(id)}
				if _, ok := first[k]; !ok {
					first[k] = id
				}
				next[id] = first[k]
			}
		}
		for id, c := range next {
			changed = changed || m.class[id] != c
		}
		m.class = next
	}
	merged := map[btf.ID]btf.ID{}
	for id, c := range m.class {
		if id != c {
			merged[id] = c
		}
	}
	if len(merged) == 0 {
		return same
	}
	return m.compact(merged)
}

// sameNames groups own definitions by kind and name, those names that have several.
func sameNames(t *btf.Table) [][]btf.ID {
	type key struct {
		kind btf.Kind
		name btf.Str
	}
	byName := map[key]int{}
	var all [][]btf.ID
	for i := range t.Types {
		typ := &t.Types[i]
		if _, ok := tagClass(typ); !ok || isDeclaration(typ) {
			continue
		}
		k := key{typ.Kind, typ.Name}
		n, ok := byName[k]
		if !ok {
			n = len(all)
			byName[k] = n
			all = append(all, nil)
		}
		all[n] = append(all[n], t.Start+btf.ID(i))
	}
	var several [][]btf.ID
	for _, ids := range all {
		if len(ids) > 1 {
			several = append(several, ids)
		}
	}
	return several
}

type minimiser struct {
	t      *btf.Table
	class  map[btf.ID]btf.ID // of the types in question: the first of their class
	memo   map[btf.ID]uint64 // tokens of untagged types, for one round
	tokens map[string]uint64
}

// Tokens stand for what a reference leads to: an id as it is, a class, or the
// content of an untagged own type.
const (
	classToken   uint64 = 1 << 40
	contentToken uint64 = 1 << 41
)

// content is the token of what a type holds, references replaced by tokens.
func (m *minimiser) content(id btf.ID) uint64 {
	t := m.t.At(id)
	ms := m.t.MembersOf(t)
	words := make([]uint64, 0, 4+3*len(ms))
	ref, extra := uint64(t.Ref), uint64(t.Extra)
	if t.Kind.HasRef() {
		ref = m.target(t.Ref)
	}
	if t.Kind == btf.Array {
		extra = m.target(btf.ID(t.Extra))
	}
	kind := uint64(t.Kind)
	if t.Flag {
		kind |= 1 << 8
	}
	words = append(words, kind<<32|uint64(t.Name), ref, extra, uint64(t.Size))
	for i := range ms {
		to := uint64(ms[i].Type)
		if t.Kind.HasMemberTypes() {
			to = m.target(ms[i].Type)
		}
		words = append(words, uint64(ms[i].Name), to, uint64(ms[i].Off)<<32|uint64(ms[i].Bits))
	}
	key := make([]byte, 0, 8*len(words))
	for _, w := range words {
		key = binary.NativeEndian.AppendUint64(key, w)
	}
	n, ok := m.tokens[string(key)]
	if !ok {
		n = contentToken | uint64(len(m.tokens))
		m.tokens[string(key)] = n
	}
	return n
}

// target is the token of a reference.
func (m *minimiser) target(id btf.ID) uint64 {
	if !m.t.Own(id) {
		return uint64(id)
	}
	if c, ok := m.class[id]; ok {
		return classToken | uint64(c)
	}
	if t := m.t.At(id); tagged(t) || t.Kind == btf.Var || t.Kind == btf.DataSec {
		return uint64(id)
	}
	if n, ok := m.memo[id]; ok {
		return n
	}
	m.memo[id] = uint64(id) // a crafted base can bring in cycles without a tag
	n := m.content(id)
	m.memo[id] = n
	return n
}

// compact drops the merged types and then the untagged types that have become
// equal because of it.
func (m *minimiser) compact(merged map[btf.ID]btf.ID) func(btf.ID) btf.ID {
	t := m.t
	m.class = nil
	for again := true; again; {
		again = false
		for i := range t.Types {
			t.Refs(&t.Types[i], func(ref *btf.ID) {
				if to := merged[*ref]; to != 0 {
					*ref = to
				}
			})
		}
		clear(m.memo)
		first := map[uint64]btf.ID{}
		for i := range t.Types {
			id := t.Start + btf.ID(i)
			typ := &t.Types[i]
			if merged[id] != 0 || tagged(typ) || typ.Kind == btf.Var || typ.Kind == btf.DataSec {
				continue
			}
			n := m.target(id)
			if to, ok := first[n]; ok {
				merged[id] = to
				again = true
			} else {
				first[n] = id
			}
		}
	}
	ids := make(map[btf.ID]btf.ID, len(t.Types))
	for i := range t.Types {
		if id := t.Start + btf.ID(i); merged[id] == 0 {
			ids[id] = t.Start + btf.ID(len(ids))
		}
	}
	kept := t.Types[:0]
	for i := range t.Types {
		if merged[t.Start+btf.ID(i)] == 0 {
			typ := t.Types[i]
			t.Refs(&typ, func(ref *btf.ID) {
				if *ref >= t.Start {
					*ref = ids[*ref]
				}
			})
			kept = append(kept, typ)
		}
	}
	t.Types = kept
	start := t.Start
	return func(id btf.ID) btf.ID {
		for merged[id] != 0 {
			id = merged[id]
		}
		if id >= start {
			id = ids[id]
		}
		return id
	}
}
