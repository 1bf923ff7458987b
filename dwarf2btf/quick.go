package dwarf2btf

import (
	"math"

	"mkbtf/btf"
)

// walkQuick takes in the quick DIEs that rest begins with and returns what is left from
// the first other one on.
func (w *Worker) walkQuick(rest []byte) ([]byte, error) {
	quick := w.cur.tab.quick
	base, last := w.cur.base, uint32(len(w.data))-1
	top := &w.frames[len(w.frames)-1]
	for len(rest) >= quickRoom {
		q, at := quickAt(quick, rest)
		if q == nil {
			return rest, nil
		}
		if top.kind == frameOther && (q.idle || q.op == quickBlocks || top.depth > 0) {
			var left []byte
			if left, top.depth = skip(rest, quick, top.depth); len(left) < len(rest) {
				rest = left
				continue
			}
			if top.depth >= maxDepth {
				return nil, w.tooDeep(len(w.data)-len(rest), q.tag)
			}
		}
		off := base + last + 1 - uint32(len(rest))
		switch q.op {
		case quickNone, quickBlocks:
			return rest, nil
		case quickNull:
			w.null(top)
			if rest = rest[1:]; len(w.frames) == 0 {
				return rest, nil
			}
			top = &w.frames[len(w.frames)-1]
			continue
		case quickReference: // the most frequent one, here for that
			ref := uint32(0)
			if q.found&foundType != 0 {
				if ref = (*window)(rest[at:]).u32(q.typ); ref-1 >= last {
					return rest, nil
				}
				ref += base
			}
			t := w.newType(off, btf.Ptr)
			t.Ref = btf.ID(ref)
			if q.tag != tagPointerType {
				t.Kind = modifierKind(q.tag)
			}
			rest = rest[at+int(q.total):]
			continue
		case quickMember, quickShort, quickAnonymous, quickBitField, quickEnumerator, quickParameter:
			if !top.kind.takesMembers() {
				break
			}
			if top.flags&isClaimed != 0 {
				if left := w.runClaimed(top, quick, rest); len(left) < len(rest) {
					rest = left
					continue
				}
				w.unclaim(top)
			}
			if left := w.run(top, quick, rest); len(left) < len(rest) {
				rest = left
				continue
			}
			return rest, nil
		}
		left, ok := w.quick(q, top, off, quick, rest[at:])
		if !ok {
			return rest, nil
		}
		rest = left
		if !q.children {
			continue
		}
		if w.err != nil {
			return nil, w.err
		}
		if top = &w.frames[len(w.frames)-1]; len(w.frames) > maxDepth {
			return nil, w.tooDeep(len(w.data)-len(rest), q.tag)
		}
	}
	return rest, nil
}

// skip returns what is left behind the DIEs that rest begins with and that are of no
// interest, and how many of those are open, of which depth were before.
func skip(rest []byte, quick []quickDIE, depth uint32) ([]byte, uint32) {
	for len(rest) >= quickRoom {
		q, at := quickAt(quick, rest)
		if q == nil {
			break
		}
		if q.op == quickNull {
			if depth == 0 {
				break
			}
			depth--
			rest = rest[1:]
			continue
		}
		if q.children && depth >= maxDepth {
			break
		}
		if q.idle {
			rest = rest[at+int(q.total):]
		} else if q.op != quickBlocks {
			break
		} else if left := q.skipBlocks(rest[at:]); left != nil {
			rest = left
		} else {
			break
		}
		if q.children {
			depth++
		}
	}
	return rest, depth
}

// quick does what a quick DIE at off calls for that stands in f. rest begins with its
// attributes; what is left of it begins behind them, or behind its children if those
// were taken in with it. With ok false nothing was done since there is anything unusual,
// which is left to the long way.
func (w *Worker) quick(q *quickDIE, f *frame, off uint32, quick []quickDIE, rest []byte) (left []byte, ok bool) {
	p := (*window)(rest)
	name := uint32(0)
	if q.found&foundName != 0 {
		var key uint64
		if !q.inline {
			key = q.strp(p)
		} else {
			var shift int
			if key, shift = q.text(p); key == 0 {
				return nil, false
			}
			rest = rest[shift:]
			p = (*window)(rest)
		}
		switch q.op {
		case quickTypedef, quickComposite, quickDeclaration, quickEnum:
			if name = w.typeNamed(key); name&badName != 0 || name == 0 {
				return nil, false
			}
		}
	}
	ref := uint32(0)
	if q.found&foundType != 0 {
		if ref = p.u32(q.typ); ref-1 >= uint32(len(w.data))-1 {
			return nil, false
		}
		ref += w.cur.base
	}
	left = rest[q.total:]
	kind, typ := frameOther, int32(-1)
	switch q.op {
	default: // members are for run
		return nil, false
	case quickSkip:
	case quickParameter:
		if f.kind == frameFunction {
			w.params = append(w.params, rawParam{off: off, function: f.item, kind: rawNamed})
		}
		return left, f.kind != frameProto
	case quickVariable:
		return left, f.kind != frameUnit || !q.located
	case quickTypedef:
		t := w.newType(off, btf.Typedef)
		t.Name, t.Ref = btf.Str(name), btf.ID(ref)
		return left, true
	case quickDeclaration:
		t := w.newType(off, btf.Fwd)
		t.Name, t.Flag = btf.Str(name), q.tag == tagUnionType
		return left, true
	case quickProto:
		t := w.newType(off, btf.FuncProto)
		t.Ref = btf.ID(ref)
		kind = frameProto
		if q.children && w.open < 0 {
			if end := w.parameters(t, quick, left); end != nil {
				return end, true
			}
		}
	case quickArray:
		t := w.newType(off, btf.Array)
		t.Ref, t.Size = btf.ID(ref), 1
		w.arrays = true
		kind = frameArray
		if q.children {
			if end := oneDimension(t, quick, left); end != nil {
				return end, true
			}
		}
	case quickSubrange:
		if f.kind != frameArray {
			return nil, false
		}
		bound, ok := q.elements(p)
		if !ok {
			return nil, false
		}
		f.dims++
		w.dims = append(w.dims, uint64(bound))
		return left, true
	case quickComposite:
		t := w.newType(off, btf.Struct)
		if q.tag == tagUnionType {
			t.Kind = btf.Union
		}
		t.Name, t.Size = btf.Str(name), q.number(p)
		kind = frameComposite
		if q.children {
			if end := w.claimWhole(t, quick, left); end != nil {
				return end, true
			}
		}
	case quickEnum:
		size := q.number(p)
		if size != 4 && size != 2 && size != 1 {
			return nil, false
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
	return left, true
}

// parameters gives a subroutine type the parameters that rest begins with and returns
// what is behind the null entry after them; nil, with nothing done, if there is anything
// else among them.
func (w *Worker) parameters(t *btf.Type, quick []quickDIE, rest []byte) []byte {
	first := len(w.members)
	members := w.members
	base, last := w.cur.base, uint32(len(w.data))-1
	for len(rest) >= quickRoom && rest[0] != 0 {
		q, at := quickAt(quick, rest)
		if q == nil || q.op != quickParameter || q.inline || q.found&foundType == 0 {
			return nil
		}
		ref := (*window)(rest[at:]).u32(q.typ)
		if ref-1 >= last {
			return nil
		}
		members = append(members, btf.Member{Type: btf.ID(base + ref)})
		rest = rest[at+int(q.total):]
	}
	if len(rest) < quickRoom || len(members)-first > btf.MaxVlen {
		return nil
	}
	w.members = members
	t.First, t.Len = uint32(first), uint32(len(members)-first)
	return rest[1:]
}

// oneDimension gives an array the one dimension that rest begins with and returns what is
// behind the null entry after it; nil if there is anything else.
func oneDimension(t *btf.Type, quick []quickDIE, rest []byte) []byte {
	if len(rest) < 2*quickRoom {
		return nil
	}
	q, at := quickAt(quick, rest)
	if q == nil || q.op != quickSubrange || q.inline || q.children {
		return nil
	}
	n, ok := q.elements((*window)(rest[at:]))
	if rest = rest[at+int(q.total):]; !ok || rest[0] != 0 {
		return nil
	}
	t.Size = n
	return rest[1:]
}

// elements returns the number of elements in a dimension.
func (q *quickDIE) elements(p *window) (n uint32, ok bool) {
	n = q.number(p)
	if q.found&foundAt == 0 || q.located {
		return n, true
	}
	n++ // no elements: the upper bound is -1
	return n, n != 0 || q.atMask == math.MaxUint32
}
