package dedup

// unitList is what a unit holds, each thing once: nodes, and anchors of names that it
// declares. There are millions of them in all, mostly close to the one before, so that
// they are kept as differences.
type unitList struct {
	index int // the caller's number
	count int
	code  []uint16
}

// wide stands before a Ref in full, the low half first.
const wide = 0x8000

// newUnitList returns the list of refs, whose code is appended to arena.
func newUnitList(index int, refs []Ref, arena []uint16) (unitList, []uint16) {
	start := len(arena)
	var last [2]int64 // node and anchor
	for _, r := range refs {
		p := 0
		if r.isAnchor() {
			p = 1
		}
		n := int64(r &^ anchorBit)
		d := n - last[p]
		last[p] = n
		if -1<<14 < d && d < 1<<14 {
			arena = append(arena, uint16(d<<1)|uint16(p))
		} else {
			arena = append(arena, wide, uint16(r), uint16(r>>16))
		}
	}
	return unitList{index, len(refs), arena[start:len(arena):len(arena)]}, arena
}

// refs returns what the unit holds, in buf if that is large enough.
func (u *unitList) refs(buf []Ref) []Ref {
	if cap(buf) < u.count {
		buf = make([]Ref, 0, u.count+u.count/2)
	}
	buf = buf[:u.count]
	code := u.code
	node, anchor := int32(0), int32(0) // the last ones
	at := 0
	for i := range buf {
		c := code[at]
		at++
		switch {
		case c == wide:
			r := Ref(code[at]) | Ref(code[at+1])<<16
			at += 2
			if buf[i] = r; r.isAnchor() {
				anchor = int32(r &^ anchorBit)
			} else {
				node = int32(r)
			}
		case c&1 == 0:
			node += int32(int16(c) >> 1)
			buf[i] = Ref(node)
		default:
			anchor += int32(int16(c) >> 1)
			buf[i] = Ref(anchor) | anchorBit
		}
	}
	return buf
}

// remapped returns lists in the terms of another graph.
func remapped(units []unitList, m *Mapping) []unitList {
	out := make([]unitList, len(units))
	var refs []Ref
	var arena []uint16
	for i := range units {
		refs = units[i].refs(refs)
		for j, r := range refs {
			refs[j] = m.Ref(r)
		}
		arena = roomFor(arena, len(refs))
		out[i], arena = newUnitList(units[i].index, refs, arena)
	}
	return out
}

// roomFor returns an arena with room for the list of n refs.
func roomFor(arena []uint16, n int) []uint16 {
	if cap(arena)-len(arena) < 3*n {
		return make([]uint16, 0, max(3*n, 1<<17))
	}
	return arena
}
