package dwarf2btf

import (
	"bytes"
	"slices"

	"mkbtf/btf"
)

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
	w.claimInside(w.open)
	k.owners = append(k.owners, owner{uint32(len(k.claims)), at})
	k.claims = k.claims[:len(k.claims)+n]
	k.last = defPlace(at)
	t.Ref, t.Extra = btf.ID(d.ref), d.node
	return left[1:]
}

// claimInside notes that the open definitions, from the innermost on, have one inside that
// is claimed: their own claims do not lie together any more.
func (w *Worker) claimInside(open int) {
	for open >= 0 && w.frames[open].flags&claimsInside == 0 { // else those around it know
		w.frames[open].flags |= claimsInside
		open = int(w.frames[open].parent)
	}
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
	w.claimInside(int(f.parent))
	k.owners = append(k.owners, owner{uint32(len(k.claims)), at})
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
		if q.number(p) != m.off || ref-1 >= uint32(len(w.data))-1 || !w.sameKey(key, m.key) {
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

// claimMembers is runClaimed for members that are no bit-fields. Half of all DIEs of a
// kernel are such, so that they have loops of their own.
func (w *Worker) claimMembers(rest []byte, quick []quickDIE, want []knownMember, claims []claim) (n int, left []byte) {
	base, last := w.cur.base, uint32(len(w.data))-1
	if w.mixed == nil {
		if n, left = claimNumbers(rest, quick, want, claims, last); base != 0 {
			for i := range claims[:n] {
				claims[i].off += base
			}
		}
		return n, left
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

// claimNumbers is claimMembers for names that lie where those that are known do, with
// references as the DIEs have them. All that the loop needs is in registers.
func claimNumbers(rest []byte, quick []quickDIE, want []knownMember, claims []claim, last uint32) (n int, left []byte) {
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
		claims[n] = claim{ref, m.ref}
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
		if m := &want[n]; !ok || uint32(v) != m.off || !w.sameKey(key, m.key) {
			break
		}
		rest = rest[at+int(q.total):]
	}
	return n, rest
}

// sameKey reports whether a member has the name, and the size of a bit-field, that a known
// one has.
func (w *Worker) sameKey(key, known uint64) bool {
	if w.mixed == nil || key&strpKey == 0 {
		return key == known
	}
	return (key^known)>>32 == 0 && sameText(w.mixed, uint32(key), w.names.pool.Data(), uint32(known))
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
	offsets, bad := w.offsets, 0
	for i := range w.known.claims {
		c := &w.known.claims[i]
		n, ok := offsets.index(c.off)
		id := btf.ID(n + 1)
		if !ok {
			id = w.resolveAlias(c.off)
		}
		switch {
		case int(id) >= len(refs) || uint32(refs[id]) != c.ref:
			if bad++; bad <= mostBlamed {
				w.blame(i)
			}
		case part != nil:
			part[id] = true
		}
	}
	return bad == 0
}

// mostBlamed is how many claims of a unit are looked at for whom to blame.
const mostBlamed = 256

// blame makes a definition without a name unknown that was taken for another one, as a
// claim shows: it is what a member leads to, or what has the member. There are structs
// that differ by nothing but the types of their members, one beside the other in the same
// struct, and every unit would fail.
func (w *Worker) blame(i int) {
	k := &w.known
	if n, ok := w.offsets.index(k.claims[i].off); ok && w.types[n].Name == 0 && w.types[n].Extra != 0 {
		k.defs[k.byNode[w.types[n].Extra]].len = 0
		return
	}
	inside := uint32(0) // claims of definitions in between
	for j := len(k.owners) - 1; j >= 0; j-- {
		o := k.owners[j]
		d := &k.defs[o.def]
		switch {
		case o.first > uint32(i):
		case uint32(i)-o.first >= inside+d.len:
			inside += d.len
		default:
			if k.byNode[d.node] == o.def {
				d.len = 0
			}
			return
		}
	}
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
