package dedup

import (
	"math"

	"mkbtf/btf"
)

// FlatArrays returns a copy in which an ARRAY of ARRAYs is one ARRAY of all elements, as
// encoders wrote it before pahole 1.32, and what became of Refs. It is d itself if there
// are no such arrays. It must come after Merge; both share the pool of strings.
func (d *Dedup) FlatArrays() (*Dedup, *Mapping) {
	from := d.g
	if !from.nests() {
		return d, &Mapping{}
	}
	to := newGraph(from.strings)
	m := &Mapping{nodes: make([]uint32, len(from.types)), anchors: make([]Ref, len(from.anchors))}
	for i, a := range from.anchors {
		if a.serial == 0 {
			m.anchors[i] = to.anchorFor(a.class, a.name)
		} else {
			m.anchors[i] = to.privateAnchor(a.class, a.name)
		}
	}
	var tmp []btf.Member
	for n := 1; n < len(from.types); n++ {
		t := from.types[n]
		if t.Kind.HasRef() {
			t.Ref = btf.ID(m.Ref(Ref(t.Ref)))
		}
		if t.Kind == btf.Array {
			t.Extra = uint32(m.Ref(Ref(t.Extra)))
			if inner := Ref(t.Ref); !inner.isAnchor() && to.types[inner].Kind == btf.Array {
				t.Ref, t.Size = to.types[inner].Ref, elements(t.Size, to.types[inner].Size)
			}
		}
		tmp = append(tmp[:0], from.membersOf(uint32(n))...)
		if t.Kind.HasMemberTypes() {
			for i := range tmp {
				tmp[i].Type = btf.ID(m.Ref(Ref(tmp[i].Type)))
			}
		}
		if t.Kind == btf.Var || t.Kind == btf.DataSec {
			m.nodes[n] = to.add(&t, tmp)
		} else {
			m.nodes[n] = to.cons(&t, tmp)
		}
	}
	for i, a := range from.anchors {
		if a.serial != 0 {
			b := &to.anchors[m.anchors[i]&^anchorBit]
			b.def, b.unit = m.nodes[a.def], a.unit
		}
	}
	flat := &Dedup{overBase: d.overBase, g: to, units: make([]unitList, len(d.units)), tooDeep: d.tooDeep}
	flat.cycles.Store(d.cycles.Load())
	for i, u := range d.units {
		refs := make([]Ref, len(u.refs))
		for j, r := range u.refs {
			refs[j] = m.Ref(r)
		}
		flat.units[i] = unitList{u.index, refs}
	}
	return flat, m
}

// nests reports whether there is an ARRAY of ARRAYs.
func (g *graph) nests() bool {
	for n := range g.types {
		if t := &g.types[n]; t.Kind == btf.Array && !Ref(t.Ref).isAnchor() && g.types[t.Ref].Kind == btf.Array {
			return true
		}
	}
	return false
}

// elements is the number of elements of an array of arrays; 0 if there are too many
// for BTF.
func elements(n, each uint32) uint32 {
	if all := uint64(n) * uint64(each); all <= math.MaxUint32 {
		return uint32(all)
	}
	return 0
}
