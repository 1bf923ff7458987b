package dump

import (
	"bytes"
	"slices"
	"strconv"

	"mkbtf/btf"
)

// link is one step from a name to the base of its declaration.
type link struct {
	kind       btf.Kind // PTR, ARRAY or FUNC_PROTO
	quals      uint8    // of a pointer
	tags, ntag uint32   // type tags on it, in header.tags
	id         btf.ID
}

const (
	qualConst = 1 << iota
	qualVolatile
	qualRestrict
)

// declarator is what is declared with a type.
type declarator struct {
	name    []byte
	indent  int    // of the line
	byValue bool   // in a record: all sizes must be those of the BTF
	path    []byte // how to reach it from the outermost record, for assertions
	bit     uint64 // where it is in that record
	member  bool   // a member; without a name: its members count as those of the record around it
	param   bool   // a parameter, whose size need not be known
}

// declare writes a declaration without what may follow it (a bit-field's width,
// attributes, the semicolon).
func (h *header) declare(id btf.ID, d declarator) {
	if h.depth++; h.depth > maxDepth {
		h.fail(id, ErrTooDeep)
	}
	first, firstTag := len(h.chain), len(h.tags)
	base, quals, tags := h.links(id, d.byValue)
	last := len(h.chain)
	if !h.full(id) {
		dims := 0
		for _, l := range h.chain[first:last] {
			if l.kind != btf.Array {
				dims = -1
				break
			}
			dims++
		}
		h.base(base, quals, tags, d, dims)
		h.around(first, last, d.name)
	}
	h.chain, h.tags = h.chain[:first], h.tags[:firstTag]
	h.depth--
}

// links pushes the steps of a type's declaration on h.chain and returns what they
// end at, with its qualifiers and tags. What C cannot declare ends at void.
func (h *header) links(id btf.ID, byValue bool) (base btf.ID, quals uint8, tags []btf.Str) {
	firstTag := len(h.tags)
	outer := btf.Void // kind of the last step
	for steps := 0; ; steps++ {
		if steps > maxDepth {
			h.fail(id, ErrTooDeep)
			return 0, 0, nil
		}
		t := h.g.at(id)
		switch t.Kind {
		case btf.Const:
			quals |= qualConst
		case btf.Volatile:
			quals |= qualVolatile
		case btf.Restrict:
			quals |= qualRestrict
		case btf.TypeTag:
			if outer == btf.Ptr && !t.Flag {
				h.tags = append(h.tags, t.Name)
			}
		case btf.Ptr:
			if h.g.at(h.g.strip(t.Ref, true)).Kind == btf.FuncProto {
				quals &^= qualRestrict
			}
			h.chain = append(h.chain, link{kind: btf.Ptr, quals: quals, tags: uint32(firstTag), ntag: uint32(len(h.tags) - firstTag), id: id})
			quals, firstTag, byValue, outer = 0, len(h.tags), false, btf.Ptr
		case btf.Array:
			if outer == btf.FuncProto || !h.sized(id) {
				return 0, 0, nil
			}
			h.chain = append(h.chain, link{kind: btf.Array, tags: uint32(firstTag), ntag: uint32(len(h.tags) - firstTag), id: id})
			firstTag, outer = len(h.tags), btf.Array // qualifiers are those of the elements
		case btf.FuncProto:
			if outer == btf.FuncProto {
				return 0, 0, nil
			}
			h.chain = append(h.chain, link{kind: btf.FuncProto, tags: uint32(firstTag), ntag: uint32(len(h.tags) - firstTag), id: id})
			quals, firstTag, outer = 0, len(h.tags), btf.FuncProto
		case btf.Typedef:
			if t.Name == 0 || byValue && h.g.isVaList(id) {
				break // the compiler's va_list need not be the one of the BTF's machine
			}
			kind := h.g.at(h.g.strip(id, true)).Kind
			switch {
			case outer == btf.FuncProto && !h.returnable(id):
				return 0, 0, nil
			case kind == btf.FuncProto:
				quals = 0
			case kind != btf.Ptr:
				quals &^= qualRestrict
			}
			return id, quals, h.tags[firstTag:]
		default:
			if outer == btf.FuncProto && !h.returnable(id) {
				return 0, 0, nil
			}
			return id, quals &^ qualRestrict, h.tags[firstTag:]
		}
		if t.Kind == btf.Array || t.Kind == btf.FuncProto || t.Kind.HasRef() {
			id = t.Ref
		}
	}
}

// returnable reports whether C has functions that return the type: no arrays, no
// functions.
func (h *header) returnable(id btf.ID) bool {
	if h.g.isVaList(id) {
		return false
	}
	switch t := h.g.at(h.g.strip(id, true)); t.Kind {
	case btf.Array, btf.FuncProto:
		return false
	case btf.Int, btf.Float:
		return h.g.isScalar(t, h.l.ptr)
	}
	return true
}

// sized reports whether the size of a type is known at this place of the header.
func (h *header) sized(id btf.ID) bool {
	if h.l.of(id).state != layoutGood {
		return false
	}
	for range maxDepth {
		id = h.g.strip(id, true)
		switch t := h.g.at(id); t.Kind {
		case btf.Array:
			id = t.Ref
			continue
		case btf.Struct, btf.Union:
			if t.Name == 0 {
				return h.state[id]&stInline == 0
			}
			return !h.own(id) || h.state[id]&stDefined != 0 && h.state[id]&stInline == 0
		}
		return true
	}
	return false
}

// base writes the type that a declaration begins with.
func (h *header) base(id btf.ID, quals uint8, tags []btf.Str, d declarator, dims int) {
	h.quals(quals)
	t := h.g.at(id)
	switch t.Kind {
	case btf.Int, btf.Float:
		if c, ok := h.g.baseType(t, h.l.ptr); ok {
			h.put(c.spelling)
		} else {
			h.typeName(id)
		}
	case btf.Struct, btf.Union:
		switch {
		case t.Name != 0 && (!d.member || len(d.name) > 0):
			h.put(kindWord(t), " ")
			h.typeName(id)
		case h.state[id]&stInline != 0:
			h.void(" /* record that leads back to itself */", d, dims)
		default:
			h.record(id, nil, d, dims)
		}
	case btf.Fwd:
		if t.Name == 0 {
			h.void("", d, dims)
			break
		}
		h.put(kindWord(t), " ")
		h.typeName(id)
	case btf.Enum, btf.Enum64:
		switch {
		case t.Len == 0 && (t.Name == 0 || dims >= 0 && !d.param):
			// C cannot define an enum without values, only declare it.
			size, _ := opaqueElement(t.Size, h.l.ptr)
			h.put(integer(size, t.Flag), " /* enum ")
			h.out = appendComment(h.out, h.g.name(t.Name))
			h.put(" */")
		case t.Name != 0:
			h.put("enum ")
			h.typeName(id)
		default:
			h.enum(id, nil, d.indent)
		}
	case btf.Typedef:
		if h.own(id) && !h.g.isBuiltinVaList(t) && (h.state[id]&stDefined == 0 || h.state[id]&stInline != 0) {
			h.void(" /* typedef that leads back to itself */", d, dims)
		} else {
			h.typeName(id)
		}
	default:
		h.void("", d, dims)
	}
	h.typeTags(tags, true)
}

// void stands for what C cannot declare, but for a parameter.
func (h *header) void(comment string, d declarator, dims int) {
	if d.param && dims == 0 {
		h.put("int /* void */")
		return
	}
	h.put("void", comment)
}

func (h *header) quals(quals uint8) {
	if quals&qualConst != 0 {
		h.put("const ")
	}
	if quals&qualVolatile != 0 {
		h.put("volatile ")
	}
	if quals&qualRestrict != 0 {
		h.put("restrict ")
	}
}

func (h *header) tagsOf(l link) []btf.Str { return h.tags[l.tags : l.tags+l.ntag] }

// typeTags writes type tags, with a space before or after each, those first that are
// nearest to the type. A tag must be printable: compilers take no numbers of characters
// there.
func (h *header) typeTags(tags []btf.Str, before bool) {
	for _, tag := range slices.Backward(tags) {
		name := h.g.name(tag)
		if bytes.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
			continue
		}
		if before {
			h.put(" ")
		}
		h.put(`__BTF_TYPE_TAG("`)
		for _, c := range name {
			if c == '"' || c == '\\' || c == '?' {
				h.out = append(h.out, '\\')
			}
			h.out = append(h.out, c)
		}
		h.put(`")`)
		if !before {
			h.put(" ")
		}
	}
}

// around writes the declarator around a name: stars on its left, dimensions and
// parameters on its right, parentheses where a star comes between.
func (h *header) around(first, last int, name []byte) {
	if last > first && h.chain[last-1].kind == btf.Ptr || len(name) > 0 {
		h.put(" ")
	}
	grouped := func(i int) bool {
		return h.chain[i].kind == btf.Ptr && i+1 < last && h.chain[i+1].kind != btf.Ptr
	}
	for i := last - 1; i >= first; i-- {
		l := h.chain[i]
		if l.kind != btf.Ptr {
			continue
		}
		if grouped(i) {
			if h.out[len(h.out)-1] != ' ' && h.out[len(h.out)-1] != '*' && h.out[len(h.out)-1] != '(' {
				h.put(" ")
			}
			h.put("(")
			h.typeTags(h.tagsOf(h.chain[i+1]), false)
		}
		h.put("*")
		h.quals(l.quals)
		h.typeTags(h.tagsOf(l), false)
	}
	h.out = append(h.out, name...)
	if len(name) == 0 {
		h.out = bytes.TrimRight(h.out, " ")
	}
	for i := first; i < last; i++ {
		switch l := h.chain[i]; l.kind {
		case btf.Array:
			h.out = strconv.AppendUint(append(h.out, '['), uint64(h.g.at(l.id).Size), 10)
			h.put("]")
		case btf.FuncProto:
			h.params(l.id)
		default:
			if grouped(i) {
				h.put(")")
			}
		}
	}
}

// params writes a parameter list. Names stand only where they cannot be taken for
// something else.
func (h *header) params(id btf.ID) {
	ms := h.g.membersOf(h.g.at(id))
	h.put("(")
	if len(ms) == 0 {
		h.put("void")
	}
	var used map[string]bool
	for i := range ms {
		if h.full(id) {
			return
		}
		m := &ms[i]
		if i == len(ms)-1 && m.Type == 0 && m.Name == 0 {
			if i > 0 { // alone it is what compilers say of "()"
				h.put(", ...")
			}
			break
		}
		if i > 0 {
			h.put(", ")
		}
		name := h.g.name(m.Name)
		switch {
		case len(name) == 0:
		case string(identifier(name)) != string(name) || h.n.idents.taken[string(name)] || used[string(name)] || c23Words[string(name)]:
			name = nil
		case used == nil:
			used = map[string]bool{string(name): true}
		default:
			used[string(name)] = true
		}
		h.declare(m.Type, declarator{name: name, param: true})
	}
	h.put(")")
}

// typeName writes the name of a type.
func (h *header) typeName(id btf.ID) { h.out = append(h.out, h.n.of(id)...) }

// origin says in a comment what the name is in the BTF, if it had to be changed by
// more than a suffix.
func (h *header) origin(name, orig []byte) {
	if len(orig) > 0 && !bytes.HasPrefix(name, orig) {
		h.put(" /* ")
		h.out = appendComment(h.out, orig)
		h.put(" */")
	}
}
