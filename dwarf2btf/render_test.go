package dwarf2btf

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"mkbtf/btf"
)

// renderer describes types in words that do not depend on ids, so that tables
// from different encoders and encodings can be compared. References to what has a
// tag or a typedef name are that name; a forward declaration reads as its struct.
type renderer struct {
	t    *btf.Table
	memo map[btf.ID]string
}

func (r *renderer) ref(id btf.ID) string {
	if id == 0 {
		return "void"
	}
	t := r.t.At(id)
	name := r.t.Name(t.Name)
	switch t.Kind {
	case btf.Struct, btf.Union, btf.Enum, btf.Enum64:
		if name != "" {
			return strings.TrimSuffix(strings.ToLower(t.Kind.String()), "64") + " " + name
		}
		s, ok := r.memo[id]
		if !ok {
			s = r.body(id)
			r.memo[id] = s
		}
		return s
	case btf.Fwd:
		if t.Flag {
			return "union " + name
		}
		return "struct " + name
	case btf.Typedef:
		return "typedef " + name
	case btf.Int:
		return fmt.Sprintf("%s/%d/%#x", name, t.Size, t.Extra)
	case btf.Float:
		return fmt.Sprintf("float %s/%d", name, t.Size)
	case btf.Array:
		return fmt.Sprintf("[%d by %s]%s", t.Size, r.ref(btf.ID(t.Extra)), r.ref(t.Ref))
	case btf.TypeTag:
		return "tag(" + name + ") " + r.ref(t.Ref)
	case btf.FuncProto:
		var list []string
		for _, m := range r.t.MembersOf(t) {
			list = append(list, r.t.Name(m.Name)+" "+r.ref(m.Type))
		}
		return "func(" + strings.Join(list, ", ") + ") " + r.ref(t.Ref)
	}
	return strings.ToLower(t.Kind.String()) + " " + r.ref(t.Ref)
}

func (r *renderer) body(id btf.ID) string {
	t := r.t.At(id)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s size %d signed %v {", strings.ToLower(t.Kind.String()), r.t.Name(t.Name), t.Size, t.Flag)
	for _, m := range r.t.MembersOf(t) {
		if t.Kind.IsEnum() {
			fmt.Fprintf(&b, " %s=%d", r.t.Name(m.Name), m.Value())
		} else {
			fmt.Fprintf(&b, " %d:%d %s %s;", m.Off, m.Bits, r.t.Name(m.Name), r.ref(m.Type))
		}
	}
	return b.String() + " }"
}

// renderTypes adds what the types with ids below end say to set. Forward
// declarations are left out.
func renderTypes(t *btf.Table, end btf.ID, set map[string]bool) {
	r := &renderer{t: t, memo: map[btf.ID]string{}}
	for id := t.Start; id < end; id++ {
		typ := t.At(id)
		switch typ.Kind {
		case btf.Struct, btf.Union, btf.Enum, btf.Enum64:
			set[r.body(id)] = true
		case btf.Typedef:
			set["typedef "+t.Name(typ.Name)+" = "+r.ref(typ.Ref)] = true
		case btf.DeclTag:
			set[fmt.Sprintf("decl_tag %s on %s, component %d", t.Name(typ.Name), r.ref(typ.Ref), int32(typ.Extra))] = true
		case btf.Fwd, btf.Func, btf.Var, btf.DataSec:
		default:
			set[r.ref(id)] = true
		}
	}
}

// renderUnit adds the types, functions and variables of a unit to set.
func renderUnit(u *Unit, set map[string]bool) {
	t := u.Table
	renderTypes(t, t.Start+btf.ID(u.Roots), set)
	r := &renderer{t: t, memo: map[btf.ID]string{}}
	tags := func(what string, list []Tag) {
		for _, tag := range list {
			set[fmt.Sprintf("decl_tag %s on %s, component %d", t.Name(tag.Text), what, tag.Component)] = true
		}
	}
	for _, f := range u.Functions {
		set["FUNC "+t.Name(f.Name)+" "+r.ref(f.Proto)] = true
		tags("FUNC "+t.Name(f.Name), f.Tags)
	}
	for _, v := range u.Variables {
		set[fmt.Sprintf("VAR %s %s external %v", t.Name(v.Name), r.ref(v.Type), v.External)] = true
		tags("VAR "+t.Name(v.Name), v.Tags)
	}
}

// missing lists, sorted, what a has and b has not.
func missing(a, b map[string]bool) []string {
	var list []string
	for _, s := range slices.Sorted(maps.Keys(a)) {
		if !b[s] {
			list = append(list, s)
		}
	}
	return list
}
