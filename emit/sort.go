package emit

import (
	"cmp"
	"encoding/binary"
	"slices"

	"mkbtf/btf"
)

// SortByName orders the own types of a table by name, bytewise, anonymous ones
// first: what kernels from 7.0 on and libbpf 1.7 search by bisection, and what
// older ones do not mind. The result translates old ids into new ones.
//
// The order follows from the types alone, not from the order in which they stand,
// so that equal sets of types give equal bytes wherever they come from: types of
// one name are ordered by kind and content, anonymous ones by where those with a
// name first lead to them.
func SortByName(t *btf.Table) func(btf.ID) btf.ID {
	o := &ordering{t: t, ids: make([]btf.ID, len(t.Types)), anonymous: make([]btf.ID, 0, len(t.Types))}
	named := o.named()
	for _, id := range named {
		o.walkRefs(id)
	}
	o.walkRest()
	sorted := make([]btf.Type, 0, len(t.Types))
	for _, id := range slices.Concat(o.anonymous, named) {
		o.ids[id-t.Start] = t.Start + btf.ID(len(sorted))
		sorted = append(sorted, *t.At(id))
	}
	start := t.Start
	renumber := func(id btf.ID) btf.ID {
		if id < start {
			return id
		}
		return o.ids[id-start]
	}
	t.Types = sorted
	for i := range t.Types {
		t.Refs(&t.Types[i], func(ref *btf.ID) { *ref = renumber(*ref) })
	}
	return renumber
}

// ordering is the work of one sort.
type ordering struct {
	t         *btf.Table
	ids       []btf.ID // by place in the table: not 0 once an anonymous type has been met, then the new id
	anonymous []btf.ID // in their order
}

// named returns the types with a name in order.
func (o *ordering) named() []btf.ID {
	type keyed struct {
		start, more uint64 // the first bytes of the name, which settle most comparisons
		id          btf.ID
	}
	list := make([]keyed, 0, len(o.t.Types))
	for i := range o.t.Types {
		if name := o.t.Types[i].Name; name != 0 {
			var start [16]byte
			copy(start[:], o.t.Strings.Bytes(name))
			list = append(list, keyed{binary.BigEndian.Uint64(start[:]), binary.BigEndian.Uint64(start[8:]), o.t.Start + btf.ID(i)})
		}
	}
	slices.SortFunc(list, func(a, b keyed) int {
		if a.start != b.start {
			return cmp.Compare(a.start, b.start)
		}
		if a.more != b.more {
			return cmp.Compare(a.more, b.more)
		}
		if d := newComparison(o.t).types(a.id, b.id, true); d != 0 {
			return d
		}
		return cmp.Compare(a.id, b.id)
	})
	ids := make([]btf.ID, len(list))
	for i := range list {
		ids[i] = list[i].id
	}
	return ids
}

// walkRefs enters the anonymous types that a type leads to.
func (o *ordering) walkRefs(id btf.ID) {
	t := o.t.At(id)
	if t.Kind.HasRef() {
		o.walk(t.Ref)
	}
	if t.Kind == btf.Array {
		o.walk(btf.ID(t.Extra))
	}
	if t.Kind.HasMemberTypes() {
		ms := o.t.MembersOf(t)
		for i := range ms {
			o.walk(ms[i].Type)
		}
	}
}

func (o *ordering) walk(id btf.ID) {
	if !o.t.Own(id) || o.ids[id-o.t.Start] != 0 || o.t.At(id).Name != 0 {
		return
	}
	o.ids[id-o.t.Start] = id
	o.anonymous = append(o.anonymous, id)
	o.walkRefs(id)
}

// walkRest enters the anonymous types that no type with a name leads to: by
// content those that nothing leads to, and then what they lead to.
func (o *ordering) walkRest() {
	var rest []btf.ID
	part := make([]bool, len(o.t.Types)) // others of them lead to it
	for i := range o.t.Types {
		id := o.t.Start + btf.ID(i)
		if o.ids[i] != 0 || o.t.Types[i].Name != 0 {
			continue
		}
		rest = append(rest, id)
		typ := o.t.Types[i]
		o.t.Refs(&typ, func(ref *btf.ID) {
			if o.t.Own(*ref) {
				part[*ref-o.t.Start] = true
			}
		})
	}
	o.walkAll(slices.DeleteFunc(slices.Clone(rest), func(id btf.ID) bool { return part[id-o.t.Start] }))
	// Cycles of anonymous types, which C does not have.
	o.walkAll(slices.DeleteFunc(rest, func(id btf.ID) bool { return o.ids[id-o.t.Start] != 0 }))
}

// walkAll enters types, which stand in the order of their numbers, in that of their content,
// and what they lead to.
func (o *ordering) walkAll(ids []btf.ID) {
	slices.SortFunc(ids, func(a, b btf.ID) int {
		if d := newComparison(o.t).types(a, b, true); d != 0 {
			return d
		}
		return cmp.Compare(a, b)
	})
	for _, id := range ids {
		o.walk(id)
	}
}
