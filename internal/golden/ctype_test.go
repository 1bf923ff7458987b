package golden

import (
	"fmt"
	"strings"

	"mkbtf/btf"
)

// A renderer writes BTF types as C, so that a compiler can compare them with its own.
type renderer struct {
	tab *btf.Table
}

func (r renderer) at(id btf.ID) *btf.Type {
	if id == 0 {
		return &btf.Type{Kind: btf.Void}
	}
	return r.tab.At(id)
}

// declare writes a declaration of inner (a name, or what stands around one) with
// that type. It is false for what C has no words for: unnamed structs, and
// arrays inside other types, since BTF does not keep their dimensions.
func (r renderer) declare(id btf.ID, inner string) (string, bool) {
	typ := r.at(id)
	name := r.tab.Name(typ.Name)
	switch typ.Kind {
	case btf.Void:
		return "void " + inner, true
	case btf.Int, btf.Float:
		if rest, ok := strings.CutPrefix(name, "complex "); ok {
			name = "_Complex " + rest
		}
		return name + " " + inner, true
	case btf.Typedef:
		return name + " " + inner, true
	case btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Fwd:
		if name == "" || inPrototypeScope[name] {
			return "", false
		}
		return keyword(typ) + " " + name + " " + inner, true
	case btf.Const:
		return r.declare(typ.Ref, "const "+inner)
	case btf.Volatile:
		return r.declare(typ.Ref, "volatile "+inner)
	case btf.Restrict:
		return r.declare(typ.Ref, "__restrict__ "+inner)
	case btf.TypeTag:
		return r.declare(typ.Ref, inner)
	case btf.Ptr:
		if k := r.at(r.untagged(typ.Ref)).Kind; k == btf.FuncProto || k == btf.Array {
			return r.declare(typ.Ref, "(*"+inner+")")
		}
		return r.declare(typ.Ref, "*"+inner)
	case btf.Array:
		if typ.Size == 0 && !strings.HasSuffix(inner, "]") {
			return r.declare(typ.Ref, inner+"[]") // [] and [0] look the same in BTF
		}
		return r.declare(typ.Ref, fmt.Sprintf("%s[%d]", inner, typ.Size))
	case btf.FuncProto:
		parameters, ok := r.parameters(typ)
		if !ok {
			return "", false
		}
		return r.declare(typ.Ref, inner+"("+parameters+")")
	}
	return "", false
}

// inPrototypeScope are structs that a parameter list declares; the same words
// elsewhere mean another type.
var inPrototypeScope = map[string]bool{"fn_only_here": true}

func (r renderer) parameters(proto *btf.Type) (string, bool) {
	var list []string
	for _, m := range r.tab.MembersOf(proto) {
		p, ok := "...", true
		if m.Type != 0 {
			p, ok = r.declare(m.Type, "")
		}
		if !ok {
			return "", false
		}
		list = append(list, p)
	}
	switch {
	case len(list) == 0:
		return "void", true
	case len(list) == 1 && list[0] == "...":
		return "", true // a function without prototype
	}
	return strings.Join(list, ", "), true
}

func (r renderer) untagged(id btf.ID) btf.ID {
	for id != 0 && r.at(id).Kind == btf.TypeTag {
		id = r.at(id).Ref
	}
	return id
}

// unqualified skips everything that does not change a type's size.
func (r renderer) unqualified(id btf.ID) btf.ID {
	for id != 0 && r.at(id).Kind.IsModifier() {
		id = r.at(id).Ref
	}
	return id
}

func keyword(t *btf.Type) string {
	switch {
	case t.Kind == btf.Union, t.Kind == btf.Fwd && t.Flag:
		return "union"
	case t.Kind.IsEnum():
		return "enum"
	}
	return "struct"
}

// tagged is the name of a struct, union or enum with its keyword; "" for an unnamed one.
func (r renderer) tagged(t *btf.Type) string {
	if t.Name == 0 {
		return ""
	}
	return fmt.Sprintf("%s %s", keyword(t), r.tab.Name(t.Name))
}
