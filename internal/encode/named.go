package encode

import (
	"slices"

	"mkbtf/btf"
	"mkbtf/internal/btfids"
)

// namedTypes are the structs, unions and typedefs whose ids .BTF_ids asks for: they
// have to be in the output though nothing may lead to them.
type namedTypes map[namedType]bool

type namedType struct {
	kind btf.Kind
	name string
}

func newNamed(s *btfids.Section) namedTypes {
	if s == nil {
		return nil
	}
	named := namedTypes{}
	for _, id := range s.Types() {
		named[namedType{id.Kind, id.Name}] = true
	}
	return named
}

func (n namedTypes) has(t *btf.Table, typ *btf.Type) bool {
	if len(n) == 0 || typ.Name == 0 {
		return false
	}
	return n[namedType{typ.Kind, string(t.Strings.Bytes(typ.Name))}]
}

// inBase returns the structs and unions among them that the base has and the table
// has not, ascending.
func (n namedTypes) inBase(t *btf.Table, base *Base) []btf.ID {
	if len(n) == 0 {
		return nil
	}
	own := namedTypes{}
	for i := range t.Types {
		if typ := &t.Types[i]; n.has(t, typ) {
			own[namedType{typ.Kind, t.Name(typ.Name)}] = true
		}
	}
	var found []btf.ID
	for typ := range n {
		if own[typ] || !typ.kind.IsComposite() {
			continue
		}
		if id := base.Index.Find(typ.kind, typ.name); id != 0 {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return found
}
