package btfids

import (
	"bytes"
	"cmp"
	"slices"

	"mkbtf/btf"
)

// Resolution is the content of .BTF_ids for one BTF.
type Resolution struct {
	Data []byte
	// Unresolved lists the ids that stay 0, since no type has the kind and name.
	Unresolved []ID
	// Ambiguous lists the ids of which there are several. The first one is taken.
	Ambiguous []ID
	// Foreign lists the kfuncs that are functions of the base: no BPF program finds
	// them in the module.
	Foreign []ID
}

// Resolve fills in the ids of a BTF's types, in its own numbering, which begins with
// the base. Of several types of one kind and name the lowest id is taken, as
// resolve_btfids does; but in a set8 a FUNC of the BTF itself goes before one of the
// base: a module registers its own functions. Sets are counted and sorted.
//
// It can be repeated: what the ids were before does not matter (but see Attribute).
func (s *Section) Resolve(b *btf.Blob) *Resolution {
	found := s.find(b)
	r := &Resolution{Data: bytes.Clone(s.data)}
	put := func(off, v uint32) { s.order.PutUint32(r.Data[off:], v) }
	ambiguous := map[key]bool{}
	id := func(x *ID, set *Set) btf.ID {
		k := key{x.Kind, x.Name}
		f := found[k]
		switch {
		case f.first == 0:
			r.Unresolved = append(r.Unresolved, *x)
		case set != nil && set.Pairs && f.own != 0:
			return f.own
		case set != nil && set.kfuncs():
			r.Foreign = append(r.Foreign, *x)
		case f.count > 1 && !ambiguous[k]:
			ambiguous[k] = true
			r.Ambiguous = append(r.Ambiguous, *x)
		}
		return f.first
	}
	for i := range s.singles {
		put(s.singles[i].Off, uint32(id(&s.singles[i], nil)))
	}
	type element struct {
		id    btf.ID
		flags uint32
	}
	for i := range s.sets {
		set := &s.sets[i]
		elements := make([]element, set.slots)
		for j := range set.Items {
			elements[j] = element{id(&set.Items[j].ID, set), set.Items[j].Flags}
		}
		slices.SortStableFunc(elements, func(a, b element) int { return cmp.Compare(a.id, b.id) })
		put(set.Off, uint32(set.slots))
		for j, e := range elements {
			put(set.slot(j), uint32(e.id))
			if set.Pairs {
				put(set.slot(j)+4, e.flags)
			}
		}
	}
	return r
}

type key struct {
	kind btf.Kind
	name string
}

// match is the types of one kind and name: the one with the lowest id, the first one
// that is not the base's, and how many there are.
type match struct {
	first, own btf.ID
	count      int
}

// find looks all wanted types up in one pass over a BTF and its base.
func (s *Section) find(b *btf.Blob) map[key]match {
	wanted := map[string]bool{}
	found := map[key]match{}
	s.each(func(id *ID) {
		wanted[id.Name] = true
		found[key{id.Kind, id.Name}] = match{}
	})
	for id := btf.ID(1); id < b.End(); id++ {
		r := b.Record(id)
		switch r.Kind() {
		case btf.Func, btf.Struct, btf.Union, btf.Typedef:
		default:
			continue
		}
		name := b.StringAt(r.NameOff)
		if !wanted[string(name)] {
			continue
		}
		k := key{r.Kind(), string(name)}
		m, ok := found[k]
		if !ok {
			continue
		}
		if m.count++; m.first == 0 {
			m.first = id
		}
		if m.own == 0 && id >= b.Start() {
			m.own = id
		}
		found[k] = m
	}
	return found
}

// each calls f for every id.
func (s *Section) each(f func(*ID)) {
	for i := range s.singles {
		f(&s.singles[i])
	}
	for i := range s.sets {
		for j := range s.sets[i].Items {
			f(&s.sets[i].Items[j].ID)
		}
	}
}
