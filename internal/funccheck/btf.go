package funccheck

import (
	"fmt"
	"strings"

	"mkbtf/btf"
)

// btfTexts writes types of BTF as typeTexts writes those of DWARF.
type btfTexts struct {
	own, base *btf.Table // base: nil if there is none
	depth     int
}

func (t *btfTexts) at(id btf.ID) (*btf.Table, *btf.Type) {
	if t.base != nil && id < t.own.Start {
		return t.base, t.base.At(id)
	}
	return t.own, t.own.At(id)
}

func (t *btfTexts) text(id btf.ID) string {
	if id == 0 {
		return "void"
	}
	if t.depth++; t.depth > 64 {
		return "..."
	}
	defer func() { t.depth-- }()
	tab, typ := t.at(id)
	name := tab.Name(typ.Name)
	switch typ.Kind {
	case btf.Int, btf.Float:
		return name
	case btf.Ptr:
		return "*" + t.text(typ.Ref)
	case btf.Const:
		return "const " + t.text(typ.Ref)
	case btf.Volatile:
		return "volatile " + t.text(typ.Ref)
	case btf.Restrict:
		return "restrict " + t.text(typ.Ref)
	case btf.TypeTag:
		return t.text(typ.Ref)
	case btf.Typedef:
		return "typedef " + name
	case btf.Array:
		return fmt.Sprintf("[%d]%s", typ.Size, t.text(typ.Ref))
	case btf.FuncProto:
		return t.function(tab, typ)
	}
	word := map[btf.Kind]string{btf.Struct: "struct ", btf.Union: "union ", btf.Enum: "enum ", btf.Enum64: "enum ", btf.Fwd: "struct "}[typ.Kind]
	if typ.Kind == btf.Fwd && typ.Flag {
		word = "union "
	}
	if name != "" {
		return word + name
	}
	var names []string
	for _, m := range tab.MembersOf(typ) {
		names = append(names, tab.Name(m.Name))
	}
	return word + "{" + strings.Join(names, " ") + "}"
}

// flexible reports whether a type ends in an array without a size: an initializer
// can make the variable larger than the type.
func (t *btfTexts) flexible(id btf.ID) bool {
	for range 16 {
		tab, typ := t.at(id)
		switch {
		case typ.Kind == btf.Array:
			return typ.Size == 0
		case typ.Kind.IsModifier():
			id = typ.Ref
		case typ.Kind == btf.Struct && typ.Len > 0:
			members := tab.MembersOf(typ)
			id = members[len(members)-1].Type
		default:
			return false
		}
		if id == 0 {
			return false
		}
	}
	return false
}

func (t *btfTexts) function(tab *btf.Table, proto *btf.Type) string {
	var params []string
	for _, m := range tab.MembersOf(proto) {
		s := "..."
		if m.Type != 0 {
			s = tab.Name(m.Name) + " " + t.text(m.Type)
		}
		params = append(params, s)
	}
	return functionText(params, t.text(proto.Ref))
}

// Functions returns the prototypes of a blob's own FUNCs by name. base is the table
// of its base, nil if there is none.
func Functions(b *btf.Blob, base *btf.Table) map[string]string {
	t := &btfTexts{own: b.Table(nil), base: base}
	m := map[string]string{}
	for i := range t.own.Types {
		if typ := &t.own.Types[i]; typ.Kind == btf.Func {
			tab, proto := t.at(typ.Ref)
			m[t.own.Name(typ.Name)] = t.function(tab, proto)
		}
	}
	return m
}

// Variables returns, by section and name, type, offset and size of what a blob's own
// DATASECs hold.
func Variables(b *btf.Blob, base *btf.Table) map[string]string {
	t := &btfTexts{own: b.Table(nil), base: base}
	m := map[string]string{}
	for i := range t.own.Types {
		typ := &t.own.Types[i]
		if typ.Kind != btf.DataSec {
			continue
		}
		for _, e := range t.own.MembersOf(typ) {
			v := t.own.At(e.Type)
			m[t.own.Name(typ.Name)+" "+t.own.Name(v.Name)] = fmt.Sprintf("%s, %d bytes at %#x, linkage %d", t.text(v.Ref), e.Bits, e.Off, v.Extra)
		}
	}
	return m
}
