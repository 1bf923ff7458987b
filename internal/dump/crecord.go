package dump

import (
	"strconv"

	"mkbtf/btf"
)

var padUnits = map[uint8]string{1: "char", 2: "short", 4: "int", 8: "long long"}

// recordDefinition writes the definition of a struct or union with a name.
func (h *header) recordDefinition(id btf.ID) {
	d := declarator{}
	if h.opts.Asserts {
		d.path = append([]byte(kindWord(h.g.at(id))+" "), h.n.of(id)...)
		h.checkSize(id, d.path)
	}
	h.putForwards(id)
	h.record(id, h.n.of(id), d, 0)
	h.put(";\n\n")
	h.endDefinition()
}

func (h *header) enumDefinition(id btf.ID) {
	t := h.g.at(id)
	guarded := false
	for _, m := range h.g.membersOf(t) {
		guarded = guarded || c23Words[string(h.g.name(m.Name))]
	}
	if guarded {
		h.put("#if __STDC_VERSION__ < 202311L && !defined(false)\n")
	}
	var name []byte
	if t.Name != 0 {
		name = h.n.of(id)
	}
	h.enum(id, name, 0)
	h.put(";\n")
	if guarded {
		h.put("#endif\n")
	}
	h.put("\n")
	h.flush()
}

func (h *header) typedef(id btf.ID) {
	t := h.g.at(id)
	name := h.n.of(id)
	h.putForwards(0)
	h.state[id] |= stInline
	guarded := c23Words[string(name)]
	if guarded {
		h.put("#if __STDC_VERSION__ < 202311L && !defined(", string(name), ")\n")
	}
	switch {
	case t.Ref == 0 && string(h.g.name(t.Name)) == "__gnuc_va_list":
		// Some versions of gcc lose what it stands for.
		h.put("typedef __builtin_va_list ")
		h.out = append(h.out, name...)
	default:
		d := declarator{name: name}
		if target := h.g.at(t.Ref); h.opts.Asserts && target.Kind.IsComposite() && target.Name == 0 {
			d.path = name
			h.checkSize(t.Ref, name)
		}
		h.put("typedef ")
		h.declare(t.Ref, d)
	}
	h.state[id] &^= stInline
	h.put(";")
	h.origin(name, h.g.name(t.Name))
	h.put("\n")
	if guarded {
		h.put("#endif\n")
	}
	h.put("\n")
	h.endDefinition()
}

// endDefinition writes the assertions on what has just been written.
func (h *header) endDefinition() {
	if len(h.checks) > 0 && !h.full(0) {
		h.out = append(append(h.out, h.checks...), '\n')
	}
	h.checks = h.checks[:0]
	h.flush()
}

// record writes the body of a struct or union, with name nil without one. dims is the
// number of array dimensions between it and the record around it, negative if it is
// behind a pointer.
func (h *header) record(id btf.ID, name []byte, d declarator, dims int) {
	t := h.g.at(id)
	lay := h.l.of(id)
	promoted := name == nil && d.member && len(d.name) == 0
	if outer := h.members; !promoted {
		h.openScope()
		defer h.closeScope(outer)
	}
	if dims < 0 || !d.member && name == nil && dims != 0 {
		d.path = nil
	}
	for range dims {
		if d.path != nil {
			d.path = append(d.path[:len(d.path):len(d.path)], "[0]"...)
		}
	}
	h.state[id] |= stInline
	h.put(kindWord(t), " ")
	if name != nil {
		h.out = append(h.out, name...)
		h.origin(name, h.g.name(t.Name))
		h.put(" ")
	}
	h.put("{\n")
	ms := h.g.membersOf(t)
	for i := lay.first; i < lay.first+lay.n && !h.full(id); i++ {
		f := h.l.fields[i]
		h.tabs(d.indent + 1)
		switch f.kind {
		case fieldBits:
			h.put(padUnits[f.unit], " : ")
			h.out = append(strconv.AppendUint(h.out, uint64(f.n), 10), ';', '\n')
		case fieldBytes:
			h.put("unsigned char ")
			h.out = append(h.out, h.members.take([]byte("__pad"))...)
			h.out = append(strconv.AppendUint(append(h.out, '['), uint64(f.n), 10), ']', ';', '\n')
		case fieldLeftOut:
			h.put("/* left out: '")
			h.out = appendComment(h.out, h.g.name(ms[f.member].Name))
			h.put("' at bit ", strconv.FormatUint(uint64(ms[f.member].Off), 10), ", type ", strconv.FormatUint(uint64(ms[f.member].Type), 10), ": ", reasons[f.n], " */\n")
		case fieldMember:
			h.member(t, &ms[f.member], f, d)
		}
	}
	h.tabs(d.indent)
	h.put("}")
	if lay.packed {
		h.put(" __attribute__((packed))")
	}
	h.aligned(lay.alignTo)
	h.state[id] &^= stInline
}

// openScope begins the names of a record's members.
func (h *header) openScope() {
	if n := len(h.scopes); n > 0 {
		h.members, h.scopes = h.scopes[n-1], h.scopes[:n-1]
		return
	}
	h.members = newScope()
}

// closeScope ends them, in favour of those of the record around it.
func (h *header) closeScope(outer *scope) {
	if len(h.members.taken) <= 64 { // a map is as slow to empty as it once was large
		h.members.reset()
		h.scopes = append(h.scopes, h.members)
	}
	h.members = outer
}

func (h *header) member(t *btf.Type, m *btf.Member, f field, d declarator) {
	inner := declarator{indent: d.indent + 1, byValue: true, member: true, path: d.path, bit: d.bit + uint64(m.Off)}
	orig := h.g.name(m.Name)
	if len(orig) > 0 {
		inner.name = h.members.take(identifier(orig))
		if d.path != nil {
			sep := byte('.')
			if !h.nested(d) {
				sep = ','
			}
			inner.path = append(append(d.path[:len(d.path):len(d.path)], sep), inner.name...)
			if f.bits == 0 {
				h.checkOffset(inner)
			}
		}
	}
	h.declare(m.Type, inner)
	if f.bits != 0 {
		h.put(" : ")
		h.out = strconv.AppendUint(h.out, uint64(f.bits), 10)
	}
	h.aligned(f.alignTo)
	h.put(";")
	h.origin(inner.name, orig)
	h.put("\n")
}

func (h *header) aligned(n uint32) {
	if n != 0 {
		h.put(" __attribute__((aligned(")
		h.out = append(strconv.AppendUint(h.out, uint64(n), 10), ")))"...)
	}
}

func (h *header) tabs(n int) {
	for range n {
		h.out = append(h.out, '\t')
	}
}

// enum writes the body of an enum, with name nil without one. An enumerator whose name
// is taken gets another one.
func (h *header) enum(id btf.ID, name []byte, indent int) {
	t := h.g.at(id)
	h.put("enum ")
	if name != nil {
		h.out = append(h.out, name...)
		h.origin(name, h.g.name(t.Name))
		h.put(" ")
	}
	h.put("{\n")
	for _, m := range h.g.membersOf(t) {
		if h.full(id) {
			return
		}
		h.tabs(indent + 1)
		orig := h.g.name(m.Name)
		name := h.n.idents.take(identifier(orig))
		h.out = append(h.out, name...)
		h.origin(name, orig)
		h.put(" = ")
		switch v := h.g.enumValue(t, &m); {
		case t.Kind == btf.Enum && t.Flag:
			h.out = strconv.AppendInt(h.out, v, 10)
		case t.Kind == btf.Enum:
			h.out = strconv.AppendUint(h.out, uint64(v), 10)
		case t.Flag && v == -1<<63:
			h.put("-9223372036854775807LL - 1")
		case t.Flag:
			h.out = append(strconv.AppendInt(h.out, v, 10), "LL"...)
		default:
			h.out = append(strconv.AppendUint(h.out, uint64(v), 10), "ULL"...)
		}
		h.put(",\n")
	}
	h.tabs(indent)
	h.put("}")
	if mode := h.g.enumMode(t); mode != enumPlain && mode != enumImpossible {
		h.put(" __attribute__((mode(", string(mode), ")))")
	}
}
