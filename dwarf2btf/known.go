package dwarf2btf

import (
	"bytes"
	"slices"

	"mkbtf/btf"
)

// known holds the structs, unions and enums of earlier units, and of earlier files of a
// batch, of which Learn has told what became of them. Units that include the same headers
// define the same types, and most DIEs are members of those. A definition that has the
// name, size and members of one that is known is taken for that: its members need only be
// compared, not written down. What their types are is not clear before the end of the
// unit, and so is claimed, to be asked of Holds when types have been told apart.
type known struct {
	defs    []knownDef
	byName  []uint32          // by btf.Str: index in defs, 0: none
	byNode  map[uint32]uint32 // those without a name
	members []knownMember

	claims []claim    // of the current unit
	fresh  []freshDef // definitions of the current unit that can be learned
	last   defPlace   // the definition that was opened last
	off    bool       // nothing is taken for known in the current unit
	needed bool       // the members of a type that was taken for known
}

// claim says that a DIE is a type to which others refer as ref.
type claim struct {
	off uint32 // of the DIE in the piece
	ref uint32
}

// knownDef is a definition.
type knownDef struct {
	node, ref  uint32 // what Learn was told
	first, len uint32 // in known.members
	size       uint32
	then       [2]uint32 // the definitions without a name that came next, the last one first
	kind       btf.Kind
	tries      uint8 // how often the name was learned
	more       bool  // it has more than members that claimMembers takes in
}

// defPlace is where a definition stands: index in known.defs, or if it was not known,
// newPlace and index in Worker.types.
type defPlace uint32

const newPlace defPlace = 1 << 31

// knownMember is a member or an enumerator.
type knownMember struct {
	// key is that of memberKey. In a file whose units have strings of their own it has, of a
	// name in .debug_str, the offset in the pool instead.
	key uint64
	off uint32 // in bytes, of a bit-field in bits; the low half of an enumerator's value
	ref uint32 // the type of a member, as Learn was told
}

// freshDef is a definition of the current unit.
type freshDef struct {
	typ   int32    // index in Worker.types
	off   uint32   // of its DIE
	after defPlace // what came before it
	def   uint32   // index in known.defs, as soon as it is there
}

// keyBits is where the size of a bit-field stands in a knownMember's key; no name's key
// uses the bits from there up to that of strpKey.
const (
	keyBits     = 56
	bitSizeMask = (1<<7 - 1) << keyBits
	isNegative  = 1 << keyBits // of an enumerator, whose value has only 32 bits here
	// notQuick is the key of a member that is not quick after all: it has an empty name or
	// one that is too long, or no or too many bits.
	notQuick = uint64(1) << 62
)

// memberKey identifies the name of a member or enumerator and the size of a bit-field.
// shift is by how much the name moves what comes behind it, and rest begins with the
// attributes.
func (q *quickDIE) memberKey(rest []byte) (key uint64, shift int) {
	if q.op == quickAnonymous {
		return 0, 0
	}
	p := (*window)(rest)
	if !q.inline {
		key = q.strp(p)
	} else if key, shift = q.text(p); key == 0 {
		return notQuick, 0
	}
	if q.op == quickBitField {
		n := q.bitSize((*window)(rest[shift:]))
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

// keptKnown bounds what is kept for the next file, in members.
const keptKnown = 1 << 17

// reset forgets all definitions and keeps the memory.
func (k *known) reset() {
	clear(k.byName)
	clear(k.byNode)
	k.defs, k.members = append(k.defs[:0], knownDef{}), k.members[:0]
}

// find returns the known definition that a type may be: that of its name, or without a
// name one that came after the last definition before. Number 0 is none. ok is false if
// it is not to be taken for that.
func (k *known) find(t *btf.Type) (at uint32, ok bool) {
	switch {
	case k.off:
	case t.Name == 0:
		if k.last < newPlace {
			then := &k.defs[k.last].then
			at = then[0]
			if d := &k.defs[at]; d.kind != t.Kind || d.size != t.Size {
				at = then[1]
			}
		}
	case int(t.Name) < len(k.byName):
		at = k.byName[t.Name]
	}
	if d := &k.defs[at]; d.kind != t.Kind || d.size != t.Size {
		return 0, false
	}
	return at, k.defs[at].len != 0 && (t.Name != 0 || k.defs[at].len >= leastUnnamed)
}

// leastUnnamed is how many members a definition without a name must have: different ones
// with one member are all too similar (local_t and local64_t in the kernel).
const leastUnnamed = 2

// claimWhole takes a struct or union, whose members rest begins with, for the known one,
// and returns what is behind the null entry after them; nil, with nothing done, if it is
// not, or if there is anything but members that claimMembers takes in.
func (w *Worker) claimWhole(t *btf.Type, quick []quickDIE, rest []byte) []byte {
	k := &w.known
	at, ok := k.find(t)
	d := &k.defs[at]
	if !ok || d.more {
		return nil
	}
	k.claims = slices.Grow(k.claims, int(d.len))
	claims := k.claims[len(k.claims):][:d.len]
	n, left := w.claimMembers(rest, quick, k.members[d.first:d.first+d.len], claims)
	if n < len(claims) || len(left) < quickRoom || left[0] != 0 {
		d.more = true
		return nil
	}
	if w.open >= 0 {
		w.frames[w.open].flags |= claimsInside
	}
	k.claims = k.claims[:len(k.claims)+n]
	k.last = defPlace(at)
	t.Ref, t.Extra = btf.ID(d.ref), d.node
	return left[1:]
}

// claim begins to take the definition that was just opened for a known one.
func (w *Worker) claim(f *frame, t *btf.Type) {
	k := &w.known
	at, ok := k.find(t)
	f.after, f.known = k.last, at
	if k.last = defPlace(at); at == 0 {
		k.last = newPlace | defPlace(f.typ)
	}
	if !ok || f.flags&unsized != 0 {
		return
	}
	if f.parent >= 0 {
		if p := &w.frames[f.parent]; p.flags&isClaimed != 0 {
			p.flags |= claimsInside
		}
	}
	f.flags |= isClaimed
	f.next = k.defs[at].first
}

// runClaimed compares the members that rest begins with, which are children of a claimed
// definition, with those that are known, and returns what is left from the first DIE on
// that is not the one that should come next.
func (w *Worker) runClaimed(f *frame, quick []quickDIE, rest []byte) []byte {
	k := &w.known
	d := &k.defs[f.known]
	want := k.members[f.next : d.first+d.len]
	if f.kind == frameEnum {
		var n int
		n, rest = w.sameEnumerators(rest, quick, want)
		f.next += uint32(n)
		return rest
	}
	k.claims = slices.Grow(k.claims, len(want))
	claims := k.claims[len(k.claims):][:len(want)]
	n := 0
	for {
		var more int
		more, rest = w.claimMembers(rest, quick, want[n:], claims[n:])
		if n += more; n == len(want) || len(rest) < quickRoom {
			break
		}
		// What is left to this loop are bit-fields.
		q, at := quickAt(quick, rest)
		if q == nil || !q.op.isMember() || q.op == quickEnumerator {
			break
		}
		key, shift := q.memberKey(rest[at:])
		at += shift
		p := (*window)(rest[at:])
		m := &want[n]
		ref := p.u32(q.typ)
		if q.number(p) != m.off || ref-1 >= uint32(len(w.data))-1 || key != m.key && !w.sameKey(key, m.key) {
			break
		}
		claims[n] = claim{w.cur.base + ref, m.ref}
		rest = rest[at+int(q.total):]
		n++
	}
	k.claims = k.claims[:len(k.claims)+n]
	f.next += uint32(n)
	return rest
}

// quickAt returns the layout of the DIE that rest begins with, nil if it is not quick, and
// the size of its abbreviation code. There must be quickRoom bytes.
func quickAt(quick []quickDIE, rest []byte) (q *quickDIE, at int) {
	die := (*[quickRoom]byte)(rest)
	code, at := uint(die[0]), 1
	if code >= 0x80 {
		code, at = code&0x7f|uint(die[1])<<7, 2
	}
	if code >= uint(len(quick)) {
		return nil, 0
	}
	return &quick[code], at
}

// claimMembers is runClaimed for members that are no bit-fields. Half of all DIEs of a
// kernel are such, so that they have loops of their own.
func (w *Worker) claimMembers(rest []byte, quick []quickDIE, want []knownMember, claims []claim) (n int, left []byte) {
	base, last := w.cur.base, uint32(len(w.data))-1
	if w.mixed == nil {
		return claimNumbers(rest, quick, want, claims, base, last)
	}
	claims = claims[:len(want)]
	str, pool := w.mixed, w.names.pool.Data()
	for n < len(want) && len(rest) >= quickRoom {
		q, at := quickAt(quick, rest)
		if q == nil {
			break
		}
		p := (*window)(rest[at:])
		m := &want[n]
		switch q.op {
		case quickMember:
			if m.key>>32 != strpKey>>32 || !sameText(str, p.u32(q.name), pool, uint32(m.key)) {
				return n, rest
			}
		case quickShort:
			key, shift := q.text(p)
			if key == 0 || key != m.key {
				return n, rest
			}
			at += shift
			p = (*window)(rest[at:])
		case quickAnonymous:
			if m.key != 0 {
				return n, rest
			}
		default:
			return n, rest
		}
		ref := p.u32(q.typ)
		if q.number(p) != m.off || ref-1 >= last {
			break
		}
		claims[n] = claim{base + ref, m.ref}
		rest = rest[at+int(q.total):]
		n++
	}
	return n, rest
}

// claimNumbers is claimMembers for names that lie where those that are known do. All that
// the loop needs is in registers.
func claimNumbers(rest []byte, quick []quickDIE, want []knownMember, claims []claim, base, last uint32) (n int, left []byte) {
	claims = claims[:len(want)]
	for n = 0; n < len(want); n++ {
		if len(rest) < quickRoom {
			break
		}
		die := (*[quickRoom]byte)(rest)
		code, at := uint(die[0]), uint(1)
		if code >= 0x80 {
			code, at = code&0x7f|uint(die[1])<<7, 2
		}
		if code >= uint(len(quick)) {
			break
		}
		q := &quick[code]
		p := (*window)(die[at:])
		key := uint64(0)
		if q.op == quickMember {
			key = q.strp(p)
		} else if q.op == quickShort {
			var shift int
			if key, shift = q.text(p); key == 0 {
				break
			}
			at += uint(shift)
			p = (*window)(die[at:])
		} else if q.op != quickAnonymous {
			break
		}
		m := &want[n]
		if q.number(p) != m.off || key != m.key {
			break
		}
		ref := p.u32(q.typ)
		if ref-1 >= last {
			break
		}
		claims[n] = claim{base + ref, m.ref}
		rest = rest[at+uint(q.total):]
	}
	return n, rest
}

// sameEnumerators is runClaimed for an enum.
func (w *Worker) sameEnumerators(rest []byte, quick []quickDIE, want []knownMember) (n int, left []byte) {
	for n = 0; n < len(want) && len(rest) >= quickRoom; n++ {
		q, at := quickAt(quick, rest)
		if q == nil || q.op != quickEnumerator {
			break
		}
		key, shift := q.memberKey(rest[at:])
		at += shift
		v, ok := q.value((*window)(rest[at:]))
		if v < 0 {
			key |= isNegative
		}
		if m := &want[n]; !ok || uint32(v) != m.off || key != m.key && !w.sameKey(key, m.key) {
			break
		}
		rest = rest[at+int(q.total):]
	}
	return n, rest
}

// sameKey reports whether a member whose keys differ has the name, and the size of a
// bit-field, that a known one has.
func (w *Worker) sameKey(key, known uint64) bool {
	return w.mixed != nil && key&strpKey != 0 && (key^known)>>32 == 0 && sameText(w.mixed, uint32(key), w.names.pool.Data(), uint32(known))
}

// memberName returns the name of a known member or enumerator.
func (w *Worker) memberName(m *knownMember) btf.Str {
	key := m.key &^ bitSizeMask
	switch {
	case key == 0:
		return 0
	case key&strpKey == 0 || w.mixed == nil:
		return btf.Str(w.keyName(key))
	}
	text := w.names.pool.Data()[uint32(key):]
	return btf.Str(w.names.intern(text[:bytes.IndexByte(text, 0)]))
}

// Holds reports whether all is true that the unit that was converted last says of its
// known definitions. refs has, by id, how others refer to a type; part, if not nil, is set
// for the types of their members.
func Holds[R ~uint32](w *Worker, refs []R, part []bool) bool {
	claims := w.known.claims
	for len(claims) > 0 {
		n := holding(claims, w.offsets, refs)
		if n == len(claims) {
			break
		}
		id := w.resolve(claims[n].off)
		if int(id) >= len(refs) || uint32(refs[id]) != claims[n].ref {
			return false
		}
		claims = claims[n+1:]
	}
	if part != nil {
		for _, c := range w.known.claims {
			part[w.resolve(c.off)] = true
		}
	}
	return true
}

// holding returns how many claims from the first one on are about DIEs that are types,
// and true.
func holding[R ~uint32](claims []claim, offsets offsetSet, refs []R) int {
	refs = refs[1:] // of types only
	for i := range claims {
		c := &claims[i]
		k := c.off >> 6 // as in offsetSet.index
		if uint64(k) >= uint64(len(offsets)) {
			return i
		}
		word := &offsets[k]
		below := uint64(1)<<(c.off&63) - 1
		n := word.rank + ones(word.bits&below)
		if word.bits&(below+1) == 0 || uint64(n) >= uint64(len(refs)) || uint32(refs[n]) != c.ref {
			return i
		}
	}
	return len(claims)
}

// unclaim writes down the members of a definition that turned out not to be the known
// one, as far as it went.
func (w *Worker) unclaim(f *frame) {
	k := &w.known
	d := &k.defs[f.known]
	f.flags &^= isClaimed
	w.names.follow(w.types[f.typ].Name)
	f.first = uint32(len(w.members))
	if f.flags&claimsInside != 0 {
		k.needed = true // those of its members are not together
		return
	}
	var claims []claim
	if f.kind == frameComposite {
		n := len(k.claims) - int(f.next-d.first)
		claims, k.claims = k.claims[n:], k.claims[:n]
	}
	for i, m := range k.members[d.first:f.next] {
		out := btf.Member{Off: m.off}
		if out.Name = w.memberName(&m); out.Name != 0 {
			w.names.cursor++
		}
		if f.kind == frameComposite {
			out.Type = btf.ID(claims[i].off)
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
	t.Ref, t.Extra = btf.ID(d.ref), d.node
	return true
}

// remember notes a definition whose members are as the DIEs have them, for Learn.
func (w *Worker) remember(f *frame, t *btf.Type) {
	k := &w.known
	if t.Len == 0 || w.c.opts.DeclFiles || w.c.opts.Note != nil || len(k.members) > maxKnown {
		return
	}
	if f.known != 0 && k.defs[f.known].len == 0 {
		return // it was tried
	}
	if t.Name != 0 && int(t.Name) < len(k.byName) && k.defs[k.byName[t.Name]].tries >= mostTries {
		return
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
