package dump

import "mkbtf/btf"

// define writes a type that was selected, and before it what it needs.
func (h *header) define(id btf.ID) {
	t := h.g.at(id)
	if t.Kind.IsEnum() && t.Name == 0 {
		if t.Len > 0 {
			h.enumDefinition(id)
		}
		return
	}
	h.needs(id, complete)
}

// needs writes what must stand before a use of the type. In C only the size of what
// is held by value must be known; what is pointed to, returned or passed need only
// be declared.
func (h *header) needs(id btf.ID, level uint8) {
	if id == 0 || !h.own(id) || int(id) >= len(h.state) || h.full(id) {
		return
	}
	done, busy := uint8(stDeclared), uint8(stBusyDeclared)
	if level == complete {
		done, busy = stComplete, stBusyComplete
	}
	switch {
	case h.state[id]&done != 0:
		return
	case h.state[id]&busy != 0:
		if level == complete { // a record that leads back to itself: a declaration must do
			h.needs(id, declared)
		}
		return
	}
	if h.depth++; h.depth > maxDepth {
		h.fail(id, ErrTooDeep)
	}
	h.state[id] |= busy
	h.write(id, level)
	h.state[id] = h.state[id]&^busy | done
	h.depth--
}

func (h *header) write(id btf.ID, level uint8) {
	t := h.g.at(id)
	switch t.Kind {
	case btf.Int, btf.Float:
		if _, ok := h.g.baseType(t, h.l.ptr); !ok && h.once(id, stDefined) {
			h.out = append(h.g.opaqueTypedef(h.out, t, h.n.of(id), h.l.ptr), '\n')
			h.flush()
		}
	case btf.Ptr, btf.Func:
		h.needs(t.Ref, declared)
	case btf.Array:
		h.needs(t.Ref, complete)
	case btf.FuncProto:
		h.needs(t.Ref, declared)
		for _, m := range h.g.membersOf(t) {
			h.needs(m.Type, declared)
		}
	case btf.Fwd:
		h.tag(id)
	case btf.Enum, btf.Enum64:
		switch {
		case t.Name == 0:
		case t.Len == 0:
			h.tag(id)
		case h.once(id, stDefined):
			h.enumDefinition(id)
		}
	case btf.Struct, btf.Union:
		if t.Name != 0 && level == declared {
			h.tag(id)
			return
		}
		h.membersNeed(id)
		if t.Name != 0 && h.once(id, stDefined|stTag) {
			h.recordDefinition(id)
		}
	case btf.Typedef:
		h.needs(t.Ref, level)
		if t.Name != 0 && !h.g.isBuiltinVaList(t) && h.once(id, stDefined) {
			h.typedef(id)
		}
	default:
		if t.Kind.IsModifier() {
			h.needs(t.Ref, level)
		}
	}
}

// once sets bits of a type's state and reports whether one of them was not set.
func (h *header) once(id btf.ID, bits uint8) bool {
	was := h.state[id]
	h.state[id] |= bits
	return was&bits != bits
}

// tag declares the tag of a struct, a union or an enum without values.
func (h *header) tag(id btf.ID) {
	id = h.n.tag(id)
	if !h.own(id) || h.state[id]&(stTag|stDefined) != 0 || h.g.at(id).Name == 0 {
		return
	}
	h.state[id] |= stTag
	h.forwards = append(h.forwards, id)
}

// putForwards writes the declarations that have been asked for, but for that of a
// type whose definition follows.
func (h *header) putForwards(defined btf.ID) {
	some := false
	for _, id := range h.forwards {
		if id == defined {
			continue
		}
		some = true
		h.put(kindWord(h.g.at(id)), " ")
		h.typeName(id)
		h.put(";\n")
	}
	if some {
		h.put("\n")
	}
	h.forwards = h.forwards[:0]
}

// membersNeed writes what the members of a record need.
func (h *header) membersNeed(id btf.ID) {
	if !h.once(id, stMembers) {
		return
	}
	lay := h.l.of(id)
	ms := h.g.membersOf(h.g.at(id))
	for i := lay.first; i < lay.first+lay.n; i++ {
		if f := h.l.fields[i]; f.kind == fieldMember {
			m := &ms[f.member]
			if m.Name == 0 { // a named record without a name here is written out in place
				if target := h.g.strip(m.Type, true); h.g.at(target).Name != 0 {
					h.membersNeed(target)
					continue
				}
			}
			h.needs(m.Type, complete)
		}
	}
}
