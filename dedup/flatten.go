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
	same := func(s btf.Str) btf.Str { return s }
	m := from.copyTo(to, same, func(t *btf.Type) {
		if inner := Ref(t.Ref); t.Kind == btf.Array && !inner.isAnchor() && to.types[inner].Kind == btf.Array {
			t.Ref, t.Size = to.types[inner].Ref, elements(t.Size, to.types[inner].Size)
		}
	})
	flat := &Dedup{overBase: d.overBase, g: to, units: d.units.remapped(&m), tooDeep: d.tooDeep}
	flat.cycles.Store(d.cycles.Load())
	return flat, &m
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
