package emit

import (
	"fmt"
	"slices"
	"strings"

	"mkbtf/btf"
)

// Condition is a type of .BTF.base with those who need it.
type Condition struct {
	Entry
	Needs []Need
}

// Need is why a type is needed: a named type, function or variable of the module, and
// where the way from it begins.
type Need struct {
	By      string // such as "struct own" or "function f"
	Through string // such as "member list" or "parameter 1 (t)"; "" if By is but another name for it
	ByValue bool   // no pointer on the way
}

func (n Need) String() string {
	if n.Through == "" {
		return n.By
	}
	return n.By + ", " + n.Through
}

// Text says what a kernel must have.
func (c *Condition) Text() string {
	name := fmt.Sprintf("%s %s", strings.ToLower(c.Kind.String()), c.Name)
	switch {
	case c.Kind == btf.Int:
		return name + ": is in every kernel"
	case c.Embedded:
		return fmt.Sprintf("%s: must have %d bytes, the module embeds it", name, c.Size)
	}
	return name + ": must be there, of any size"
}

// Explain lists the types of a .BTF.base in their order with those who need them. It
// lists nothing for an output without one.
func Explain(out *Output) ([]Condition, error) {
	if out.Base == nil {
		return nil, nil
	}
	base, err := btf.Parse(out.Base, nil)
	if err != nil {
		return nil, err
	}
	own, err := btf.Parse(out.BTF, base)
	if err != nil {
		return nil, err
	}
	e := explainer{t: own.Table(nil), conditions: make([]Condition, len(out.Entries))}
	for i, entry := range out.Entries {
		e.conditions[i].Entry = entry
	}
	for i := range e.t.Types {
		e.from(&e.t.Types[i])
	}
	return e.conditions, nil
}

type explainer struct {
	t          *btf.Table
	conditions []Condition // by id of the base, from 1
}

// from follows what a named type leads to, up to the next named one.
func (e *explainer) from(t *btf.Type) {
	if t.Name == 0 || t.Kind == btf.TypeTag || t.Kind == btf.DataSec {
		return
	}
	by := fmt.Sprintf("%s %s", describe(t.Kind), e.t.Name(t.Name))
	switch {
	case t.Kind == btf.Func && e.t.Own(t.Ref):
		p := e.t.At(t.Ref)
		e.follow(p.Ref, by, "result", true)
		for i, m := range e.t.MembersOf(p) {
			e.follow(m.Type, by, fmt.Sprintf("parameter %d (%s)", i+1, e.t.Name(m.Name)), true)
		}
	case t.Kind.HasMemberTypes():
		for _, m := range e.t.MembersOf(t) {
			through := "member " + e.t.Name(m.Name)
			if m.Name == 0 {
				through = "a member without a name"
			}
			e.follow(m.Type, by, through, true)
		}
	case t.Kind.HasRef():
		e.follow(t.Ref, by, "", true)
	}
}

func describe(k btf.Kind) string {
	switch k {
	case btf.Func:
		return "function"
	case btf.Var:
		return "variable"
	}
	return strings.ToLower(k.String())
}

// follow notes the conditions that lie behind a reference.
func (e *explainer) follow(id btf.ID, by, through string, byValue bool) {
	type step struct {
		id      btf.ID
		byValue bool
	}
	seen := map[btf.ID]bool{}
	for todo := []step{{id, byValue}}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if s.id == 0 || seen[s.id] {
			continue
		}
		seen[s.id] = true
		if !e.t.Own(s.id) {
			c := &e.conditions[s.id-1]
			n := Need{by, through, s.byValue}
			if c.Kind != btf.Int && !slices.Contains(c.Needs, n) {
				c.Needs = append(c.Needs, n)
			}
			continue
		}
		t := e.t.At(s.id)
		if t.Name != 0 && t.Kind != btf.TypeTag {
			continue // answers for itself
		}
		direct := s.byValue && t.Kind != btf.Ptr && t.Kind != btf.FuncProto
		e.t.Refs(t, func(ref *btf.ID) { todo = append(todo, step{*ref, direct}) })
	}
}
