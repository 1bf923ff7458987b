package dedup

import (
	"mkbtf/btf"
	"mkbtf/internal/grow"
)

// classByKind is tagClass for a type that has a name, plus 1; 0: others do not refer to
// it by name. A FWD can be of two classes.
var classByKind = [32]class{btf.Struct: classStruct + 1, btf.Union: classUnion + 1, btf.Enum: classEnum + 1, btf.Enum64: classEnum + 1, btf.Fwd: classStruct + 1}

// pass turns all types of a unit into nodes. With private not nil, private[id]
// replaces the ordinary anchor of a definition where it is not 0. It reports
// whether a name has definitions of different content.
func (w *Worker) pass(t *btf.Table, private []Ref) (clash bool) {
	w.defs, w.claimed = w.defs[:0], false
	refs, nodes := w.refs[1:][:len(t.Types)], w.nodes[1:][:len(t.Types)]
	for i := range t.Types {
		typ := &t.Types[i]
		c := classByKind[typ.Kind&31]
		known := w.known && typ.Extra != 0
		if c == 0 || typ.Name == 0 && !known {
			refs[i], nodes[i] = unresolved, 0
			continue
		}
		nodes[i] = 0
		if known {
			if !w.isNode(typ) {
				w.bad = true
				return false
			}
			refs[i], nodes[i], w.claimed = Ref(typ.Ref), typ.Extra, true
			if typ.Name != 0 {
				w.defs = append(w.defs, btf.ID(i+1))
			}
			continue
		}
		if c == classByKind[btf.Fwd] && typ.Kind == btf.Fwd && typ.Flag {
			c = classUnion + 1
		}
		if private != nil && private[i+1] != 0 {
			refs[i] = private[i+1]
		} else {
			refs[i] = w.g.anchorFor(c-1, typ.Name)
		}
		if !isDeclaration(typ) {
			w.defs = append(w.defs, btf.ID(i+1))
		}
	}
	if len(w.where) < len(w.g.anchors) {
		w.where = grow.Extend(w.where, len(w.g.anchors))
	}
	w.passUntagged(t)
	for _, id := range w.defs {
		n := w.nodes[id]
		if n == 0 {
			var ok bool
			if n, ok = w.build(t, id); !ok { // all else has a node by now
				panic("dedup: a definition refers to a type without a node")
			}
			w.nodes[id] = n
		}
		if d := &w.where[w.refs[id]&^anchorBit]; d.unit == w.unit && d.node != n {
			clash = true
		} else {
			*d = defIn{w.unit, n}
		}
	}
	return clash
}

// isNode reports whether there is a node that a type is said to be.
func (w *Worker) isNode(t *btf.Type) bool {
	r := Ref(t.Ref)
	if int(t.Extra) >= len(w.g.types) {
		return false
	}
	if r.isAnchor() {
		return t.Name != 0 && int(r&^anchorBit) < len(w.g.anchors)
	}
	return t.Name == 0 && r == Ref(t.Extra)
}

func tagged(t *btf.Type) bool { _, ok := tagClass(t); return ok }

// passUntagged makes the nodes of the types that others do not refer to by name. What
// leads to types behind it comes last, from the end on: much of what it leads to has a
// node then.
func (w *Worker) passUntagged(t *btf.Table) {
	w.late = w.late[:0]
	for i := range t.Types {
		id := btf.ID(i + 1)
		if w.refs[id] != unresolved {
			continue
		}
		if n, ok := w.foreseen(t, id); ok || w.ready(t, id) {
			if !ok {
				n, _ = w.make(t, id)
			}
			w.refs[id], w.nodes[id] = Ref(n), n
			continue
		}
		w.late = append(w.late, id)
	}
	for i := len(w.late) - 1; i >= 0; i-- {
		if id := w.late[i]; w.refs[id] == unresolved {
			w.resolve(t, id)
		}
	}
}

// resolve makes the node of an untagged type and of all untagged types below it. A
// type that lacks nodes of what it refers to waits on the stack below those. One
// that is waiting when it is met again closes a cycle without a tag, which C does
// not have: that reference becomes void, or a stand-in of the same size.
func (w *Worker) resolve(t *btf.Table, id btf.ID) {
	w.stack = append(w.stack[:0], id)
	for len(w.stack) > 0 {
		top := len(w.stack) - 1
		id := w.stack[top]
		if r := w.refs[id]; r != unresolved && r != inProgress {
			w.stack = w.stack[:top] // met twice by what waits for it
			continue
		}
		w.refs[id] = inProgress
		if n, ok := w.build(t, id); ok {
			w.refs[id], w.nodes[id] = Ref(n), n
			w.stack = w.stack[:top]
		}
	}
}

// build makes the node of a type, or puts on the stack what has to be made first.
func (w *Worker) build(t *btf.Table, id btf.ID) (node uint32, ok bool) {
	if n, ok := w.foreseen(t, id); ok {
		return n, true
	}
	return w.make(t, id)
}

// foreseen returns the node of a type if it is one of those that came next before, as
// most types are: units that include the same headers have the same types in much the
// same order.
func (w *Worker) foreseen(t *btf.Table, id btf.ID) (node uint32, ok bool) {
	typ := &t.Types[id-1]
	g := w.g
	next := &g.next[g.last]
	n := next[0]
	switch u := &g.types[n]; typ.Kind {
	case btf.Ptr, btf.Const, btf.Typedef, btf.Volatile, btf.Restrict: // half of all
		if int(typ.Ref) >= len(w.refs) {
			return 0, false
		}
		r := btf.ID(w.refs[typ.Ref])
		if u.Ref == r && u.Kind == typ.Kind && u.Name == typ.Name {
			g.last = n
			return n, true
		}
		n = next[1]
		u = &g.types[n]
		if u.Ref != r || u.Kind != typ.Kind || u.Name != typ.Name {
			return 0, false
		}
	default:
		ms := t.MembersOf(typ)
		if n != 0 && w.matches(typ, ms, n) {
			g.last = n
			return n, true
		}
		if n = next[1]; n == 0 || !w.matches(typ, ms, n) {
			return 0, false
		}
	}
	next[0], next[1] = n, next[0]
	g.last = n
	return n, true
}

// ready reports whether everything that a type refers to has a Ref.
func (w *Worker) ready(t *btf.Table, id btf.ID) bool {
	typ := &t.Types[id-1]
	refs := w.refs
	if typ.Kind.HasRef() && int(typ.Ref) < len(refs) && refs[typ.Ref] >= inProgress {
		return false
	}
	if typ.Kind == btf.Array && int(typ.Extra) < len(refs) && refs[typ.Extra] >= inProgress {
		return false
	}
	if typ.Kind.HasMemberTypes() {
		ms := t.MembersOf(typ)
		for i := range ms {
			if int(ms[i].Type) < len(refs) && refs[ms[i].Type] >= inProgress {
				return false
			}
		}
	}
	return true
}

// make is build for a type that was not foreseen.
func (w *Worker) make(t *btf.Table, id btf.ID) (node uint32, ok bool) {
	nt := t.Types[id-1]
	ms := t.MembersOf(&nt)
	missing := len(w.stack)
	if nt.Kind.HasRef() {
		nt.Ref = w.ref(t, nt.Ref, holdsValue(nt.Kind))
	}
	if nt.Kind == btf.Array {
		nt.Extra = uint32(w.ref(t, btf.ID(nt.Extra), true))
	}
	if nt.Kind.HasMemberTypes() {
		w.tmp = append(w.tmp[:0], ms...)
		ms = w.tmp
		for i := range ms {
			ms[i].Type = w.ref(t, ms[i].Type, true)
		}
	}
	if len(w.stack) > missing {
		return 0, false
	}
	if nt.Kind == btf.Var || nt.Kind == btf.DataSec {
		return w.g.add(&nt, ms), true // two variables of one name and type are two variables
	}
	return w.g.cons(&nt, ms), true
}

// matches reports whether a type of the unit is a certain node: what make and cons
// would find, without a copy of the members.
func (w *Worker) matches(t *btf.Type, ms []btf.Member, n uint32) bool {
	u := &w.g.types[n]
	if u.Kind != t.Kind || u.Name != t.Name || u.Size != t.Size || u.Len != t.Len || u.Flag != t.Flag {
		return false
	}
	refs := w.refs
	if t.Kind.HasRef() {
		if int(t.Ref) >= len(refs) || refs[t.Ref] != Ref(u.Ref) {
			return false
		}
	} else if u.Ref != t.Ref {
		return false
	}
	if t.Kind == btf.Array {
		if int(t.Extra) >= len(refs) || refs[t.Extra] != Ref(u.Extra) {
			return false
		}
	} else if u.Extra != t.Extra {
		return false
	}
	us := w.g.members[u.First:][:len(ms)]
	if !t.Kind.HasMemberTypes() {
		return sameMembers(us, ms)
	}
	for i := range ms {
		m, v := &ms[i], &us[i]
		if m.Name != v.Name || m.Off != v.Off || m.Bits != v.Bits || int(m.Type) >= len(refs) || refs[m.Type] != Ref(v.Type) {
			return false
		}
	}
	return true
}

// ref is what a reference becomes; if it has no node yet it goes on the stack. value
// says that a cut reference cannot become void.
func (w *Worker) ref(t *btf.Table, id btf.ID, value bool) btf.ID {
	if int(id) >= len(w.refs) {
		w.bad = true
		return 0
	}
	r := w.refs[id]
	if r < inProgress {
		return btf.ID(r)
	}
	if r == unresolved {
		w.stack = append(w.stack, id)
	} else if w.d.cycles.Add(1); value {
		return w.g.standIn(t, id)
	}
	return 0
}
