package dump

import (
	"errors"
	"fmt"
	"strings"

	"mkbtf/btf"
)

// Deps says which types a selection takes in besides those that were asked for.
type Deps uint8

const (
	// DepsNeeded takes in what C needs to compile: types held by value in full,
	// typedefs, and forward declarations of what is only pointed to.
	DepsNeeded Deps = iota
	// DepsNone leaves out all types of the base, which another header defines.
	DepsNone
	// DepsAll takes in everything that can be reached, also through pointers.
	DepsAll
)

// ErrNoSuchType says that no type has the name that was asked for.
var ErrNoSuchType = errors.New("no such type")

// How much of a type is needed.
const (
	notNeeded = iota
	declared  // named structs and unions: a forward declaration will do
	complete  // its size is needed
)

// selection is a set of types.
type selection struct {
	g    *graph
	deps Deps
	need []uint8 // by id: notNeeded, declared or complete
	work []btf.ID
}

// add takes in a type and all that it needs.
func (s *selection) add(id btf.ID, need uint8) {
	s.mark(id, need)
	for len(s.work) > 0 {
		id := s.work[len(s.work)-1]
		s.work = s.work[:len(s.work)-1]
		s.visit(id, s.need[id])
	}
}

func (s *selection) mark(id btf.ID, need uint8) {
	if id == 0 || int(id) >= len(s.need) || s.need[id] >= need || s.deps == DepsNone && id < s.g.b.Start() {
		return
	}
	s.need[id] = need
	s.work = append(s.work, id)
}

func (s *selection) visit(id btf.ID, need uint8) {
	t := s.g.at(id)
	pointee := uint8(declared)
	if s.deps == DepsAll {
		pointee = complete
	}
	switch t.Kind {
	case btf.Ptr, btf.Func, btf.Var, btf.DeclTag:
		s.mark(t.Ref, pointee)
	case btf.Array:
		s.mark(t.Ref, complete) // C wants to know the size of elements even behind pointers
	case btf.FuncProto:
		s.mark(t.Ref, pointee)
		for _, m := range s.g.membersOf(t) {
			s.mark(m.Type, pointee)
		}
	case btf.Struct, btf.Union:
		if need == declared && t.Name != 0 {
			return
		}
		for _, m := range s.g.membersOf(t) {
			s.mark(m.Type, complete)
		}
	case btf.DataSec:
		for _, m := range s.g.membersOf(t) {
			s.mark(m.Type, complete)
		}
	default:
		if t.Kind.HasRef() {
			s.mark(t.Ref, need)
		}
	}
}

// find returns the types that a name as on the command line means: "list_head",
// or with the kind in C's or BTF's words, "struct list_head", "typedef u32".
func (g *graph) find(name string) ([]btf.ID, error) {
	word, rest, ok := strings.Cut(strings.TrimSpace(name), " ")
	if rest = strings.TrimSpace(rest); !ok || !isKindWord(word) {
		word, rest = "", strings.TrimSpace(name)
	}
	var ids []btf.ID
	for id := btf.ID(1); int(id) < len(g.types); id++ {
		t := g.at(id)
		if rest == "" || t.Name == 0 || t.Kind == btf.DeclTag || t.Kind == btf.TypeTag || word != "" && word != kindWord(t) {
			continue
		}
		if string(g.name(t.Name)) == rest {
			ids = append(ids, id)
		}
	}
	if ids == nil {
		return nil, fmt.Errorf("%q: %w", name, ErrNoSuchType)
	}
	return ids, nil
}

// kindWord is the kind as one says it before a name.
func kindWord(t *btf.Type) string {
	switch {
	case t.Kind.IsEnum():
		return "enum"
	case t.Kind == btf.Fwd && t.Flag:
		return "union"
	case t.Kind == btf.Fwd:
		return "struct"
	}
	return strings.ToLower(t.Kind.String())
}

func isKindWord(word string) bool {
	for k := btf.Int; k < btf.NumKinds; k++ {
		if kindWord(&btf.Type{Kind: k}) == word {
			return true
		}
	}
	return false
}

// Select returns the ids, ascending, of the types with one of the names, in the
// blob or its base, and of those they need: for Text and JSON. A name may have the
// kind before it ("struct page"). A name that no type has is an error that
// wraps ErrNoSuchType.
func Select(b *btf.Blob, names []string) ([]btf.ID, error) {
	g := newGraph(b)
	s := selection{g: g, need: make([]uint8, len(g.types))}
	for _, name := range names {
		ids, err := g.find(name)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			s.add(id, complete)
		}
	}
	var out []btf.ID
	for id, need := range s.need {
		t := &g.types[id]
		if need == complete || need == declared && !(t.Kind.IsComposite() && t.Name != 0) {
			out = append(out, btf.ID(id))
		}
	}
	return out, nil
}
