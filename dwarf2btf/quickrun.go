package dwarf2btf

import "mkbtf/btf"

// run takes in the quick members, enumerators or parameters that rest begins with and
// that are children of f, and returns what is left from the first DIE on that is none or
// has anything unusual.
func (w *Worker) run(f *frame, quick []quickDIE, rest []byte) []byte {
	names := &w.names
	log, cursor := names.log, names.cursor
	list := &w.members
	if f.flags&inPending != 0 {
		list = &w.pending
	}
	members := *list
	base, last := w.cur.base, uint32(len(w.data))-1
	kind, maxBit := f.kind, f.maxBit
children:
	for len(rest) >= quickRoom {
		q, n := quickAt(quick, rest)
		if q == nil {
			break
		}
		p := (*window)(rest[n:])
		var m btf.Member
		switch q.op {
		case quickMember, quickShort, quickBitField, quickEnumerator:
			if (kind == frameEnum) != (q.op == quickEnumerator) || kind == frameProto {
				break children
			}
			key := q.strp(p)
			if q.inline {
				var shift int
				if key, shift = q.text(p); key == 0 {
					break children
				}
				n += shift
				p = (*window)(rest[n:])
			}
			if cursor < len(log) && log[cursor].key == key {
				m.Name = btf.Str(log[cursor].name)
				cursor++
				break
			}
			names.cursor = cursor
			name := w.logged(key)
			log, cursor = names.log, names.cursor
			if name&badName != 0 || name == 0 && kind == frameEnum {
				break children
			}
			m.Name = btf.Str(name)
		case quickAnonymous:
			if kind != frameComposite {
				break children
			}
		case quickParameter:
			if kind != frameProto {
				break children
			}
			if q.inline {
				key, shift := q.text(p)
				if key == 0 {
					break children
				}
				n += shift
				p = (*window)(rest[n:])
			}
		default:
			break children
		}
		switch kind {
		case frameComposite:
			m.Off = q.number(p)
		case frameEnum:
			v, ok := q.value(p)
			if !ok {
				break children
			}
			m.Off, m.Bits = uint32(v), uint32(v>>32)
		}
		if kind != frameEnum {
			ref := uint32(0)
			if q.found&foundType != 0 {
				ref = p.u32(q.typ)
			}
			if ref-1 >= last {
				break
			}
			m.Type = btf.ID(base + ref)
		}
		if kind == frameComposite {
			switch {
			case q.op == quickBitField:
				if m.Bits = q.bitSize(p); m.Bits == 0 {
					break children
				}
				f.flags |= bitFields
			case m.Off > maxByteOffset:
				break children
			default:
				m.Off *= 8
			}
			if m.Off < maxBit {
				f.flags |= outOfOrder
			} else {
				maxBit = m.Off
			}
		}
		members = append(members, m)
		rest = rest[n+int(q.total):]
	}
	*list = members
	names.cursor, f.maxBit = cursor, maxBit
	return rest
}
