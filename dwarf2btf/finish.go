package dwarf2btf

import (
	"mkbtf/btf"
)

// finish turns what the walk collected into the Unit: references become ids,
// what had to wait for the size or kind of another type is decided, and types
// without DIEs and prototypes find their places behind the others.
func (w *Worker) finish() error {
	w.offsets.count()
	w.finishNames()
	if err := w.readAnnotations(); err != nil {
		return err
	}
	if err := w.readFunctions(); err != nil {
		return err
	}
	if err := w.readVariables(); err != nil {
		return err
	}
	w.resolveAll()
	if w.err != nil {
		return w.err
	}
	if err := w.checkChains(); err != nil {
		return err
	}
	w.finishFields()
	w.finishEnums()
	w.emitDeclTags()
	w.emitVariables()
	protos := len(w.types) + len(w.extra)
	if err := w.emitFunctions(protos); err != nil {
		return err
	}
	if w.err != nil {
		return w.err
	}
	w.out.Roots = protos
	w.emitDeclFiles(protos + len(w.protos))
	w.types = append(append(w.types, w.extra...), w.protos...)
	w.result.Types, w.result.Members = w.types, w.members
	w.out.Table = w.result
	return nil
}

// resolveAll turns every reference into an id.
func (w *Worker) resolveAll() {
	index := btf.ID(0)
	if w.arrays {
		index = w.resolve(w.arrayIndex())
	}
	offsets := w.offsets
	for i := range w.types {
		t := &w.types[i]
		if t.Ref == 0 || t.Extra != 0 { // a known definition's are there already
			continue
		}
		id := w.resolve(uint32(t.Ref))
		t.Ref = id
		if t.Kind == btf.Array {
			t.Extra = uint32(index)
			if id == 0 {
				t.Ref = w.resolve(w.byteType())
			}
		} else if id > btf.ID(i) && t.Kind.IsModifier() {
			w.forward = append(w.forward, btf.ID(i+1))
		}
	}
	for i := range w.members {
		m := &w.members[i]
		if m.Type == 0 {
			continue
		}
		if n, ok := offsets.index(uint32(m.Type)); ok {
			m.Type = btf.ID(n + 1)
			continue
		}
		if m.Type = w.resolve(uint32(m.Type)); m.Type == 0 {
			m.Type = w.resolve(w.byteType())
		}
	}
	for i := range w.protos {
		t := &w.protos[i]
		t.Ref = w.resolve(uint32(t.Ref))
	}
	for i := 0; i < len(w.extra); i++ {
		t := &w.extra[i]
		if t.Ref == 0 {
			continue
		}
		t.Ref = w.resolve(uint32(t.Ref))
		if t.Kind == btf.Array {
			t.Extra = uint32(index)
			if t.Ref == 0 {
				t.Ref = w.resolve(w.byteType())
			}
		}
		w.forward = append(w.forward, btf.ID(len(w.types)+i+1))
	}
}

// maxChain bounds chains of modifiers. The kernel follows 32 of them
// (MAX_RESOLVE_DEPTH); no compiler makes more than a few.
const maxChain = 32

// checkChains makes sure that no chain of typedefs and qualifiers leads back to
// itself: every such cycle has a link to a type behind it.
func (w *Worker) checkChains() error {
	for _, first := range w.forward {
		id := first
		n := 0
		for t := w.typeAt(id); t != nil && t.Kind.IsModifier(); t = w.typeAt(id) {
			if n++; n > maxChain && id == first || n > 1<<16 {
				h := w.units[0]
				return malformed(w.c.sections[h.section].Name(), h.off, "%s '%s' leads to itself", w.typeAt(first).Kind, w.result.Name(w.typeAt(first).Name))
			}
			id = t.Ref
		}
	}
	return nil
}

// dieAt decodes the DIE at an offset of the piece; its unit becomes the current one.
func (w *Worker) dieAt(off uint32) (*abbrev, error) {
	a, _, err := w.dieEnd(off)
	return a, err
}

// dieEnd is dieAt, and tells where in its unit the DIE ends.
func (w *Worker) dieEnd(off uint32) (*abbrev, int, error) {
	if w.cur == nil || off < w.cur.base || off >= w.cur.base+w.cur.size {
		w.use(w.unitOf(off))
	}
	u := w.cur
	pos := int(off - u.base)
	if pos < int(u.firstDIE) || pos >= len(w.data) {
		return nil, 0, w.malformed(pos, 0, "reference to a place without a DIE")
	}
	code, next := w.uleb(pos)
	if next == tooFar || code == 0 {
		return nil, 0, w.malformed(pos, 0, "reference to a place without a DIE")
	}
	a := u.tab.lookup(code)
	if a == nil {
		return nil, 0, w.malformed(pos, 0, "abbreviation %d is not in the table at %#x", code, u.abbrevOff)
	}
	if next = w.attrs(a, next); next > len(w.data) {
		return nil, 0, w.malformed(pos, a.tag, "attributes run past the end of the unit")
	}
	return a, next, nil
}
