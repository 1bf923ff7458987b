package diff

import (
	"strconv"

	"mkbtf/btf"
)

// align finds for each element of A the one of B with the same key, taking
// elements of equal keys in their order: places in bs, -1 for none. It also
// reports which elements of B are left, and whether those that were found stand in
// the same order.
func align[K comparable](as, bs []K) (match []int, left []int, ordered bool) {
	places := make(map[K][]int, len(bs))
	for i, k := range bs {
		places[k] = append(places[k], i)
	}
	match = make([]int, len(as))
	taken := make([]bool, len(bs))
	last := -1
	ordered = true
	for i, k := range as {
		match[i] = -1
		if p := places[k]; len(p) > 0 {
			match[i], places[k] = p[0], p[1:]
			taken[p[0]] = true
			ordered = ordered && p[0] > last
			last = p[0]
		}
	}
	for i := range bs {
		if !taken[i] {
			left = append(left, i)
		}
	}
	return match, left, ordered
}

func memberNames(ms []btf.Member) []btf.Str {
	names := make([]btf.Str, len(ms))
	for i := range ms {
		names[i] = ms[i].Name
	}
	return names
}

// members compares the members of structs and unions by name.
func (e *explainer) members(where string, as, bs []btf.Member, depth int) {
	match, left, ordered := align(memberNames(as), memberNames(bs))
	for i := range as {
		a := &as[i]
		at := e.member(where, a.Name)
		if match[i] < 0 {
			e.add(at, "member", e.memberText(0, a), "")
			continue
		}
		b := &bs[match[i]]
		e.num(at, "bit offset", a.Off, b.Off)
		e.num(at, "bit-field size", a.Bits, b.Bits)
		e.refs(at, "type", a.Type, b.Type, depth)
	}
	for _, i := range left {
		e.add(e.member(where, bs[i].Name), "member", "", e.memberText(1, &bs[i]))
	}
	if !ordered {
		e.add(where, "order of members", e.list(as), e.list(bs))
	}
}

func (e *explainer) member(where string, name btf.Str) string {
	if name == 0 {
		return where + ".(anon)"
	}
	return where + "." + e.r.name(name)
}

func (e *explainer) memberText(side int, m *btf.Member) string {
	s := e.r.typeText(side, m.Type)
	if m.Bits != 0 {
		s += ":" + strconv.FormatUint(uint64(m.Bits), 10)
	}
	return s + " at bit " + strconv.FormatUint(uint64(m.Off), 10)
}

// list is the names of elements in their order, cut at a length.
func (e *explainer) list(ms []btf.Member) string {
	s := ""
	for i := range ms {
		if len(s) > maxText {
			return s + " ..."
		}
		if i > 0 {
			s += " "
		}
		if ms[i].Name == 0 {
			s += "(anon)"
			continue
		}
		s += e.r.name(ms[i].Name)
	}
	return s
}

// enumerators compares the values of enums by name.
func (e *explainer) enumerators(where string, ta, tb *btf.Type, as, bs []btf.Member) {
	match, left, ordered := align(memberNames(as), memberNames(bs))
	for i := range as {
		at := e.member(where, as[i].Name)
		if match[i] < 0 {
			e.add(at, "enumerator", valueText(ta, &as[i]), "")
			continue
		}
		if b := &bs[match[i]]; as[i].Value() != b.Value() {
			e.add(at, "value", valueText(ta, &as[i]), valueText(tb, b))
		}
	}
	for _, i := range left {
		e.add(e.member(where, bs[i].Name), "enumerator", "", valueText(tb, &bs[i]))
	}
	if !ordered {
		e.add(where, "order of enumerators", e.list(as), e.list(bs))
	}
}

// parameters compares parameters by place.
func (e *explainer) parameters(where string, as, bs []btf.Member, depth int) {
	if len(as) != len(bs) {
		e.num(where, "parameters", uint32(len(as)), uint32(len(bs)))
	}
	at := func(i int) string { return where + "(parameter " + strconv.Itoa(i+1) + ")" }
	text := func(side int, m *btf.Member) string { return e.r.declText(side, m.Type, e.r.name(m.Name)) }
	for i := range min(len(as), len(bs)) {
		e.text(at(i), "name", e.r.name(as[i].Name), e.r.name(bs[i].Name))
		e.refs(at(i), "type", as[i].Type, bs[i].Type, depth)
	}
	for i := len(bs); i < len(as); i++ {
		e.add(at(i), "parameter", text(0, &as[i]), "")
	}
	for i := len(as); i < len(bs); i++ {
		e.add(at(i), "parameter", "", text(1, &bs[i]))
	}
}

// variables compares the entries of sections by the names of their variables.
func (e *explainer) variables(where string, as, bs []btf.Member) {
	names := func(side int, ms []btf.Member) []btf.Str {
		ns := make([]btf.Str, len(ms))
		for i := range ms {
			t, _ := e.r.sides[side].at(ms[i].Type)
			ns[i] = t.Name
		}
		return ns
	}
	na, nb := names(0, as), names(1, bs)
	match, left, ordered := align(na, nb)
	for i := range as {
		a := &as[i]
		at := e.member(where, na[i])
		if match[i] < 0 {
			e.add(at, "variable", variableText(a), "")
			continue
		}
		b := &bs[match[i]]
		e.num(at, "offset", a.Off, b.Off)
		e.num(at, "size", a.Bits, b.Bits)
		if !e.same(a.Type, b.Type) {
			e.add(at, "variable", e.r.typeText(0, a.Type), e.r.typeText(1, b.Type))
		}
	}
	for _, i := range left {
		e.add(e.member(where, nb[i]), "variable", "", variableText(&bs[i]))
	}
	if !ordered {
		e.add(where, "order of variables", "", "")
	}
}

func variableText(m *btf.Member) string {
	return "offset " + strconv.FormatUint(uint64(m.Off), 10) + ", size " + strconv.FormatUint(uint64(m.Bits), 10)
}
