package btfids

import (
	"bytes"
	"slices"

	"mkbtf/btf"
)

// setProto gives a FUNC another prototype.
func (x *decorator) setProto(id btf.ID, ret btf.ID, params []btf.Member) {
	x.left = append(x.left, x.t.At(id).Ref)
	proto := x.enter(btf.Type{Kind: btf.FuncProto, Ref: ret}, params)
	x.t.At(id).Ref = proto
}

// enter returns the id of a PTR, TYPE_TAG or FUNC_PROTO: of one that is equal, in the
// base or in the table, else of a new one.
func (x *decorator) enter(typ btf.Type, members []btf.Member) btf.ID {
	if x.base != nil {
		if id := x.findInBase(&typ, members); id != 0 {
			return id
		}
	}
	for i := range x.t.Types {
		u := &x.t.Types[i]
		if u.Kind == typ.Kind && u.Ref == typ.Ref && u.Name == typ.Name && u.Flag == typ.Flag && slices.Equal(x.t.MembersOf(u), members) {
			return x.t.Start + btf.ID(i)
		}
	}
	return x.t.AddWith(typ, members)
}

func (x *decorator) findInBase(typ *btf.Type, members []btf.Member) btf.ID {
	if typ.Ref >= x.t.Start || slices.ContainsFunc(members, func(m btf.Member) bool { return m.Type >= x.t.Start }) {
		return 0
	}
	same := func(off uint32, name btf.Str) bool { return bytes.Equal(x.base.StringAt(off), x.t.Strings.Bytes(name)) }
	for id := btf.ID(1); id < x.base.End(); id++ {
		r := x.base.Record(id)
		if r.Kind() != typ.Kind || btf.ID(r.SizeType) != typ.Ref || r.Vlen() != len(members) || r.Flag() != typ.Flag || !same(r.NameOff, typ.Name) {
			continue
		}
		_, ms := x.base.Decode(id, nil, func(off uint32) btf.Str { return btf.Str(off) })
		if slices.EqualFunc(ms, members, func(a, b btf.Member) bool { return a.Type == b.Type && same(uint32(a.Name), b.Name) }) {
			return id
		}
	}
	return 0
}

// removeUnused removes those of the prototypes left behind that nothing refers to,
// and returns what became of the ids.
func (x *decorator) removeUnused() func(btf.ID) btf.ID {
	start, end := x.t.Start, x.t.End()
	var unused []bool // own types
	for _, id := range x.left {
		if x.t.Own(id) {
			if unused == nil {
				unused = make([]bool, len(x.t.Types))
			}
			unused[id-start] = true
		}
	}
	if unused != nil {
		for i := range x.t.Types {
			typ := x.t.Types[i] // a copy: Refs writes back
			x.t.Refs(&typ, func(ref *btf.ID) {
				if x.t.Own(*ref) {
					unused[*ref-start] = false
				}
			})
		}
	}
	if !slices.Contains(unused, true) {
		return func(id btf.ID) btf.ID { return id }
	}
	ids := make([]btf.ID, 0, len(x.t.Types))
	kept := x.t.Types[:0]
	for i := range x.t.Types {
		ids = append(ids, start+btf.ID(len(kept)))
		if unused[i] {
			ids[i] = 0
			continue
		}
		kept = append(kept, x.t.Types[i])
	}
	x.t.Types = kept
	newID := func(id btf.ID) btf.ID {
		if id < start || id >= end {
			return id
		}
		return ids[id-start]
	}
	for i := range x.t.Types {
		x.t.Refs(&x.t.Types[i], func(ref *btf.ID) { *ref = newID(*ref) })
	}
	return newID
}
