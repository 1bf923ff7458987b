package dwarf2btf

import (
	"math"

	"mkbtf/btf"
)

// quick does what a quick DIE at off calls for that stands in f. rest begins with its
// attributes, and n is their length. It does nothing and returns false if there is
// anything unusual, which is left to the long way.
func (w *Worker) quick(q *quickDIE, f *frame, off uint32, rest []byte) (n int, ok bool) {
	p := (*window)(rest)
	n = int(q.total)
	name := uint32(0)
	if q.found&foundName != 0 {
		var key uint64
		if !q.inline {
			key = q.strp(p)
		} else {
			var shift int
			if key, shift = q.text(p); key == 0 {
				return 0, false
			}
			n += shift
			p = (*window)(rest[shift:])
		}
		switch q.op {
		case quickTypedef, quickComposite, quickDeclaration, quickEnum:
			if name = w.typeNamed(key); name&badName != 0 || name == 0 {
				return 0, false
			}
		}
	}
	ref := uint32(0)
	if q.found&foundType != 0 {
		if ref = p.u32(q.typ); ref-1 >= uint32(len(w.data))-1 {
			return 0, false
		}
		ref += w.cur.base
	}
	kind, typ := frameOther, int32(-1)
	switch q.op {
	default: // members are for run
		return 0, false
	case quickSkip:
	case quickParameter:
		if f.kind == frameFunction {
			w.params = append(w.params, rawParam{off: off, function: f.item, kind: rawNamed})
		}
		return n, f.kind != frameProto
	case quickVariable:
		return n, f.kind != frameUnit || !q.located
	case quickReference:
		t := w.newType(off, btf.Ptr)
		t.Ref = btf.ID(ref)
		if q.tag != tagPointerType {
			t.Kind = modifierKind(q.tag)
		}
		return n, true
	case quickTypedef:
		t := w.newType(off, btf.Typedef)
		t.Name, t.Ref = btf.Str(name), btf.ID(ref)
		return n, true
	case quickDeclaration:
		t := w.newType(off, btf.Fwd)
		t.Name, t.Flag = btf.Str(name), q.tag == tagUnionType
		return n, true
	case quickProto:
		w.newType(off, btf.FuncProto).Ref = btf.ID(ref)
		kind = frameProto
	case quickArray:
		t := w.newType(off, btf.Array)
		t.Ref, t.Size = btf.ID(ref), 1
		w.arrays = true
		kind = frameArray
	case quickSubrange:
		if f.kind != frameArray {
			return 0, false
		}
		bound := q.number(p)
		if q.found&foundAt != 0 && !q.located {
			bound++ // no elements: the upper bound is -1
			if bound == 0 && q.atMask != math.MaxUint32 {
				return 0, false
			}
		}
		f.dims++
		w.dims = append(w.dims, uint64(bound))
		return n, true
	case quickComposite:
		t := w.newType(off, btf.Struct)
		if q.tag == tagUnionType {
			t.Kind = btf.Union
		}
		t.Name, t.Size = btf.Str(name), q.number(p)
		kind = frameComposite
	case quickEnum:
		size := q.number(p)
		if size != 4 && size != 2 && size != 1 {
			return 0, false
		}
		t := w.newType(off, btf.Enum)
		t.Name, t.Size = btf.Str(name), size
		kind = frameEnum
	}
	if q.children {
		if kind != frameOther {
			typ = int32(len(w.types) - 1)
		}
		w.push(off, typ, -1, q.tag, kind)
	}
	return n, true
}
