package dwarf2btf

import (
	"slices"

	"mkbtf/btf"
)

// remember notes a definition whose members are as the DIEs have them, for Learn.
func (w *Worker) remember(f *frame, t *btf.Type) {
	k := &w.known
	if t.Len == 0 || w.c.opts.DeclFiles || w.c.opts.Note != nil || len(k.members) > maxKnown {
		return
	}
	if f.known != 0 && k.defs[f.known].len == 0 {
		return // it was tried
	}
	k.fresh = append(k.fresh, freshDef{typ: f.typ, off: f.off, after: f.after})
}

// Unlearn forgets what Learn has told: it does not hold any more.
func (w *Worker) Unlearn() { w.known.reset() }

// Learn tells the worker what became of the types of the unit that it has just converted:
// refs and nodes have, by id, how other types refer to a type, and the type itself, in
// the terms of Type.Ref and Type.Extra of what is known. It must be called before the
// next unit is converted, if at all, and with nodes that are nil if others do not refer to
// all types as they do in other units.
func Learn[R ~uint32](w *Worker, refs []R, nodes []uint32) {
	k := &w.known
	if nodes == nil {
		k.fresh = k.fresh[:0]
	}
	slices.SortFunc(k.fresh, func(a, b freshDef) int { return int(a.typ - b.typ) })
	for i := range k.fresh {
		f := &k.fresh[i]
		t := &w.types[f.typ]
		id := f.typ + 1
		if nodes[id] != 0 {
			f.def = w.learn(t, f.off, uint32(refs[id]), nodes[id], func(id btf.ID) uint32 { return uint32(refs[id]) })
		}
		if f.def == 0 || t.Name != 0 {
			continue
		}
		// What follows a definition mostly does so in other units, too.
		after := f.after
		if after >= newPlace {
			typ := int32(after &^ newPlace)
			n, ok := slices.BinarySearchFunc(k.fresh[:i], typ, func(f freshDef, typ int32) int { return int(f.typ - typ) })
			if !ok || k.fresh[n].def == 0 {
				continue
			}
			after = defPlace(k.fresh[n].def)
		}
		if then := &k.defs[after].then; then[0] != f.def {
			then[0], then[1] = f.def, then[0]
		}
	}
	k.fresh = k.fresh[:0]
}

// learn returns the known definition that t is, whose DIE is at off.
func (w *Worker) learn(t *btf.Type, off, ref, node uint32, refOf func(btf.ID) uint32) uint32 {
	k := &w.known
	n := uint32(0)
	if t.Name == 0 {
		n = k.byNode[node]
	} else {
		for int(t.Name) >= len(k.byName) {
			k.byName = append(k.byName, make([]uint32, int(t.Name)-len(k.byName)+1024)...)
		}
		n = k.byName[t.Name]
	}
	if n != 0 && k.defs[n].node == node {
		return n
	}
	if n != 0 && k.defs[n].tries >= mostTries {
		k.defs[n].len = 0
		return n
	}
	first := len(k.members)
	if !w.readKnown(t, off) {
		k.members = k.members[:first] // it is there, so as not to be tried again, and equals none
	} else if t.Kind.IsComposite() {
		for i, m := range w.members[t.First : t.First+t.Len] {
			k.members[first+i].ref = refOf(m.Type)
		}
	}
	if n == 0 {
		n = uint32(len(k.defs))
		k.defs = append(k.defs, knownDef{})
		if t.Name != 0 {
			k.byName[t.Name] = n
		} else {
			k.byNode[node] = n
		}
	}
	d := &k.defs[n]
	d.node, d.ref, d.first, d.len, d.size, d.kind = node, ref, uint32(first), uint32(len(k.members)-first), t.Size, t.Kind
	d.tries++
	return n
}

// readKnown appends the members of the definition at off, which has become t, to those
// that are known; false if anything about them is unusual.
func (w *Worker) readKnown(t *btf.Type, off uint32) bool {
	_, pos, err := w.dieEnd(off)
	if err != nil {
		return false
	}
	k := &w.known
	quick := w.cur.tab.quick
	for _, m := range w.members[t.First : t.First+t.Len] {
		q, rest := w.nextMember(quick, pos)
		if q == nil {
			return false
		}
		key, shift := q.memberKey(rest)
		if name := key &^ bitSizeMask; key == notQuick || name != 0 && btf.Str(w.keyName(name)) != m.Name || name == 0 && m.Name != 0 {
			return false
		}
		off := q.number((*window)(rest[shift:]))
		bit := off
		negative := uint64(0)
		switch q.op {
		case quickMember, quickShort, quickAnonymous:
			bit *= 8
		case quickEnumerator:
			v, ok := q.value((*window)(rest[shift:]))
			if !ok {
				return false
			}
			if off, bit = uint32(v), uint32(v); v < 0 {
				negative = isNegative
			}
		}
		if bit != m.Off || uint32(key&bitSizeMask>>keyBits) != m.Bits {
			return false
		}
		if w.mixed != nil && key&strpKey != 0 {
			key = key&^(1<<32-1) | uint64(w.names.pool.Offset(m.Name))
		}
		k.members = append(k.members, knownMember{key: key | negative, off: off})
		pos = len(w.data) - len(rest) + int(q.total) + shift
	}
	return w.err == nil
}

// nextMember returns the next quick member or enumerator at pos, and what follows its
// abbreviation code; nil if there is another one before it. What is defined among the
// members is left out.
func (w *Worker) nextMember(quick []quickDIE, pos int) (q *quickDIE, rest []byte) {
	for depth := 0; len(w.data)-pos >= quickRoom; {
		code, next := w.uleb(pos)
		switch {
		case next == tooFar || code >= uint64(len(quick)) || code == 0 && depth == 0:
			return nil, nil
		case code == 0:
			depth--
			pos = next
			continue
		}
		if q := &quick[code]; depth == 0 && q.op.isMember() && next-pos <= 2 {
			return q, w.data[next:]
		}
		a := w.cur.tab.lookup(code)
		if a == nil || depth == 0 && a.act.isPart() {
			return nil, nil
		}
		if pos = w.attrs(a, next); a.children {
			depth++
		}
	}
	return nil, nil
}
