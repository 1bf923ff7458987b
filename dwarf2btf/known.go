package dwarf2btf

import (
	"slices"

	"mkbtf/btf"
)

// known holds the structs, unions and enums of earlier units, of which Learn has told
// what became of them. Units that include the same headers define the same types, and
// most DIEs are members of those. A definition that has the name, size and members of
// one that is known is taken for that: its members need only be compared, not written
// down. What their types are is not clear before the end of the unit, and so is claimed
// (Unit.Claims) and left to whoever tells types apart.
type known struct {
	defs    []knownDef
	byName  []uint32 // by btf.Str: index in defs, 0: none
	members []knownMember

	claims []btf.Claim // of the current unit; the ID is still the offset of a DIE
	fresh  []freshDef  // definitions of the current unit that can be learned
	off    bool        // nothing is taken for known in the current unit
	needed bool        // the members of a type that was taken for known
}

// knownDef is a definition.
type knownDef struct {
	node, ref  uint32 // what Learn was told
	first, len uint32 // in known.members
	size       uint32
	kind       btf.Kind
	tries      uint8 // how often the name was learned
}

// knownMember is a member or an enumerator.
type knownMember struct {
	key uint64 // nameKey, with the size of a bit-field from bit keyBits on
	off uint32 // in bytes, of a bit-field in bits; the value of an enumerator
	ref uint32 // the type of a member, as Learn was told
}

// freshDef is a definition of the current unit.
type freshDef struct {
	typ int32  // index in Worker.types
	off uint32 // of its DIE
}

// keyBits is where the size of a bit-field stands in a knownMember's key; no name's key
// uses the bits from there up to that of strpKey.
const (
	keyBits     = 56
	bitSizeMask = (1<<7 - 1) << keyBits
	// notQuick is the key of a member that is not quick after all: it has an empty name or
	// one that is too long, or no or too many bits.
	notQuick = uint64(1) << 62
)

// memberKey identifies the name of a member or enumerator and the size of a bit-field.
// shift is by how much the name moves what comes behind it.
func (q *quickDIE) memberKey(p *window) (key uint64, shift int) {
	if q.op == quickAnonymous {
		return 0, 0
	}
	if key, shift = q.nameKey(p); key == 0 {
		return notQuick, 0
	}
	if q.op == quickBitField {
		n := q.bitSize(p, shift)
		if n == 0 || n > 1<<7-1 {
			return notQuick, 0
		}
		key |= uint64(n) << keyBits
	}
	return key, shift
}

const (
	// maxKnown bounds the memory of what is known, in members: some 16 MB.
	maxKnown = 1 << 20
	// mostTries is how many definitions of a name are learned. A name that different
	// units use for different types would else be learned all the time.
	mostTries = 4
)

// reset forgets all definitions and keeps the memory.
func (k *known) reset() {
	clear(k.byName)
	k.defs, k.members = append(k.defs[:0], knownDef{}), k.members[:0]
}

// claim begins to take the definition that was just opened for a known one.
func (w *Worker) claim(f *frame, t *btf.Type) {
	k := &w.known
	if int(t.Name) >= len(k.byName) || t.Name == 0 || k.off || w.claimed >= 0 || f.flags&unsized != 0 {
		return
	}
	d := &k.defs[k.byName[t.Name]]
	if d.len == 0 || d.kind != t.Kind || d.size != t.Size {
		return
	}
	f.flags |= isClaimed
	w.claimed = len(w.frames) - 1
	f.known = k.byName[t.Name]
	f.next = d.first
	k.claims = slices.Grow(k.claims, int(d.len))
}

// runClaimed compares the members at pos of a claimed definition with those that are
// known, and returns the position of the first DIE that is not the one that should come
// next.
func (w *Worker) runClaimed(f *frame, quick []quickDIE, pos, safe int) int {
	data, k := w.data, &w.known
	d := &k.defs[f.known]
	want := k.members[f.next : d.first+d.len]
	claims := k.claims[len(k.claims) : len(k.claims)+len(want)] // claim made room
	base, end := w.cur.base, uint32(len(data))
	merged := !w.c.src.Relocatable
	enum := f.kind == frameEnum
	n, named := 0, 0
	for n < len(want) && pos < safe {
		code, at := uint32(data[pos]), pos+1
		if code >= 0x80 {
			next := data[at]
			if next >= 0x80 {
				break
			}
			code = code&0x7f | uint32(next)<<7
			at++
		}
		if code >= uint32(len(quick)) {
			break
		}
		q := &quick[code]
		p := (*window)(data[at:])
		if !q.op.isMember() || enum != (q.op == quickEnumerator) {
			break
		}
		key, shift := q.memberKey(p)
		m := &want[n]
		if q.number(p, shift) != m.off || key != m.key && (merged || !w.sameKey(key, m.key)) {
			break
		}
		if !enum {
			ref := q.ref(p, shift)
			if ref == 0 || ref >= end {
				break
			}
			claims[n] = btf.Claim{ID: btf.ID(base + ref), Ref: m.ref}
		}
		if q.op != quickAnonymous {
			named++
		}
		n++
		pos = at + int(q.total) + shift
	}
	if !enum {
		k.claims = k.claims[:len(k.claims)+n]
	}
	f.next += uint32(n)
	w.names.cursor += named
	return pos
}

// sameKey reports whether two members have names of the same text, and the same size as
// bit-fields. In a relocatable file the strings of units are not merged.
func (w *Worker) sameKey(a, b uint64) bool {
	if a&strpKey == 0 || (a^b)>>32 != 0 {
		return false
	}
	return sameText(w.c.str, uint64(uint32(a)), uint64(uint32(b)))
}

// unclaim writes down the members of a definition that turned out not to be the known
// one, as far as it went.
func (w *Worker) unclaim(f *frame) {
	k := &w.known
	d := &k.defs[f.known]
	f.flags &^= isClaimed
	w.claimed = -1
	var claims []btf.Claim
	if f.kind == frameComposite {
		n := len(k.claims) - int(f.next-d.first)
		claims, k.claims = k.claims[n:], k.claims[:n]
	}
	f.first = uint32(len(w.members))
	for i, m := range k.members[d.first:f.next] {
		out := btf.Member{Off: m.off}
		if key := m.key &^ bitSizeMask; key != 0 {
			out.Name = btf.Str(w.keyName(key))
		}
		if f.kind == frameComposite {
			out.Type = claims[i].ID
			if out.Bits = uint32(m.key & bitSizeMask >> keyBits); out.Bits == 0 {
				out.Off *= 8
			} else {
				f.flags |= bitFields
			}
			f.maxBit = out.Off // only what is in order is learned
		}
		w.members = append(w.members, out)
	}
}

// closeClaimed ends a definition that was claimed to its end, false if it has fewer
// members.
func (w *Worker) closeClaimed(f *frame, t *btf.Type) bool {
	d := &w.known.defs[f.known]
	if f.next != d.first+d.len {
		w.unclaim(f)
		return false
	}
	w.claimed = -1
	t.Ref, t.Extra = btf.ID(d.ref), d.node
	return true
}

// remember notes a definition whose members are as the DIEs have them, for Learn.
func (w *Worker) remember(f *frame, t *btf.Type) {
	k := &w.known
	if t.Name == 0 || t.Len == 0 || w.c.opts.DeclFiles || w.c.opts.Note != nil || len(k.members) > maxKnown {
		return
	}
	if int(t.Name) < len(k.byName) && k.defs[k.byName[t.Name]].tries >= mostTries {
		return
	}
	k.fresh = append(k.fresh, freshDef{f.typ, f.off})
}

// Learn tells the worker what became of the types of the unit that it has just converted:
// refs and nodes have, by id, how other types refer to a type, and the type itself, in
// the terms of Type.Ref and Type.Extra of what is known. It must be called before the
// next unit is converted, if at all.
func Learn[R ~uint32](w *Worker, refs []R, nodes []uint32) {
	k := &w.known
	for _, fresh := range k.fresh {
		t := &w.types[fresh.typ]
		id := fresh.typ + 1
		if t.Extra != 0 || nodes[id] == 0 {
			continue
		}
		for int(t.Name) >= len(k.byName) {
			k.byName = append(k.byName, make([]uint32, int(t.Name)-len(k.byName)+1024)...)
		}
		at := &k.byName[t.Name]
		if *at == 0 {
			*at = uint32(len(k.defs))
			k.defs = append(k.defs, knownDef{})
		}
		d := &k.defs[*at]
		first := len(k.members)
		if !w.readKnown(t, fresh.off) {
			k.members = k.members[:first]
			d.len, d.tries = 0, mostTries
			continue
		}
		if t.Kind.IsComposite() {
			for i, m := range w.members[t.First : t.First+t.Len] {
				k.members[first+i].ref = uint32(refs[m.Type])
			}
		}
		*d = knownDef{
			node: nodes[id], ref: uint32(refs[id]), first: uint32(first), len: t.Len,
			size: t.Size, kind: t.Kind, tries: d.tries + 1,
		}
	}
	k.fresh = k.fresh[:0]
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
	safe := len(w.data) - quickWindow - 10
	for _, m := range w.members[t.First : t.First+t.Len] {
		var q *quickDIE
		var at int
		for depth := 0; ; {
			if pos >= safe {
				return false
			}
			if code := w.data[pos]; code == 0 && depth > 0 {
				depth--
				pos++
				continue
			}
			code, next := w.uleb(pos)
			if next == tooFar || code == 0 || code >= uint64(len(quick)) {
				return false
			}
			if q, at = &quick[code], next; depth == 0 && q.op.isMember() {
				break
			}
			a := w.cur.tab.lookup(code)
			if a == nil || depth == 0 && (a.act == actMember || a.act == actEnumerator || a.act == actAnnotation) {
				return false
			}
			if pos = w.attrs(a, next); pos > len(w.data) {
				return false
			}
			if a.children {
				depth++
			}
		}
		p := (*window)(w.data[at:])
		key, shift := q.memberKey(p)
		if name := key &^ bitSizeMask; key == notQuick || name != 0 && btf.Str(w.keyName(name)) != m.Name || name == 0 && m.Name != 0 {
			return false
		}
		off := q.number(p, shift)
		bit := off
		if q.op == quickMember || q.op == quickAnonymous {
			bit *= 8
		}
		if bit != m.Off || uint32(key&bitSizeMask>>keyBits) != m.Bits {
			return false
		}
		k.members = append(k.members, knownMember{key: key, off: off})
		pos = at + int(q.total) + shift
	}
	return w.err == nil
}
