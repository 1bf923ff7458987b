package dwarf2btf

import (
	"math/bits"

	"mkbtf/btf"
)

// likeness hashes a prototype so that those which the reference encoder takes
// for the same are equal (Function.Likeness): number of parameters, return type
// and parameter types, where const does not count, a forward declaration is as
// good as the struct, and what has a name is compared by that alone. The hash does
// not depend on the worker or the run.
func (w *Worker) likeness(ret btf.ID, params []btf.Member) uint64 {
	l := likener{w: w, budget: likenessBudget}
	h := l.mix(uint64(len(params)), l.of(ret))
	for i := range params {
		h = l.mix(h, l.of(params[i].Type))
	}
	return h
}

// likenessBudget bounds the types that a prototype is compared by: hostile input
// nests prototypes in prototypes.
const likenessBudget = 4096

type likener struct {
	w      *Worker
	budget int
}

func (*likener) mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^0x9e3779b97f4a7c15, v^0xd6e8feb86659fd93)
	return hi ^ lo ^ bits.RotateLeft64(v, 29)
}

func (l *likener) text(s btf.Str) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for _, c := range l.w.result.Strings.Bytes(s) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

func (l *likener) of(id btf.ID) uint64 {
	h := uint64(1)
	for {
		if l.budget--; l.budget < 0 {
			return h
		}
		t := l.w.typeAt(id)
		if t == nil {
			return l.mix(h, 0)
		}
		kind := t.Kind
		switch kind {
		case btf.Const:
			id = t.Ref
			continue
		case btf.Fwd:
			kind = btf.Struct
			if t.Flag {
				kind = btf.Union
			}
		case btf.Enum64:
			kind = btf.Enum
		}
		h = l.mix(h, uint64(kind))
		switch kind {
		case btf.Struct, btf.Union, btf.Enum, btf.Typedef:
			return l.mix(h, l.text(t.Name))
		case btf.Int:
			return l.mix(l.mix(h, l.text(t.Name)), uint64(t.Size)<<32|uint64(t.Extra))
		case btf.Float:
			return l.mix(l.mix(h, l.text(t.Name)), uint64(t.Size))
		case btf.FuncProto:
			h = l.mix(h, uint64(t.Len))
			for _, m := range l.w.members[t.First : t.First+t.Len] {
				h = l.mix(h, l.of(m.Type))
			}
		case btf.Array:
			h = l.mix(h, uint64(t.Size))
		}
		id = t.Ref
	}
}
