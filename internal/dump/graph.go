package dump

import (
	"errors"
	"fmt"

	"mkbtf/btf"
)

// ErrTooDeep says that types nest or chain so deeply that no compiler would have
// made them.
var ErrTooDeep = errors.New("types are nested too deeply")

// ErrTooLarge says that the C text would be out of all proportion to the BTF, as
// when types without a name hold each other many times over.
var ErrTooLarge = errors.New("too much C for so little BTF")

// maxDepth bounds every recursion over types. The deepest chain of a whole kernel
// is about 60.
const maxDepth = 1000

// graph is a blob and its base, decoded. Names are string offsets, 0 for every empty
// string.
type graph struct {
	b       *btf.Blob
	types   []btf.Type // by id; [0] is void
	members []btf.Member
}

func newGraph(b *btf.Blob) *graph {
	g := &graph{b: b, types: make([]btf.Type, 1, b.End())}
	name := func(off uint32) btf.Str {
		if len(b.StringAt(off)) == 0 {
			return 0
		}
		return btf.Str(off)
	}
	for id := btf.ID(1); id < b.End(); id++ {
		var t btf.Type
		t, g.members = b.Decode(id, g.members, name)
		g.types = append(g.types, t)
	}
	return g
}

// at returns a type; ids out of range, which only a trusted base can have, are void.
func (g *graph) at(id btf.ID) *btf.Type {
	if int(id) >= len(g.types) {
		return &g.types[0]
	}
	return &g.types[id]
}

func (g *graph) membersOf(t *btf.Type) []btf.Member {
	return g.members[t.First : t.First+t.Len : t.First+t.Len]
}

func (g *graph) name(s btf.Str) []byte { return g.b.StringAt(uint32(s)) }

// strip follows qualifiers, type tags and, if typedefs is set, typedefs. Cycles end
// at void.
func (g *graph) strip(id btf.ID, typedefs bool) btf.ID {
	for range maxDepth {
		t := g.at(id)
		if !t.Kind.IsModifier() || t.Kind == btf.Typedef && !typedefs {
			return id
		}
		id = t.Ref
	}
	return 0
}

// isVaList reports whether a typedef is the compiler's own va_list, or another name
// for it.
func (g *graph) isVaList(id btf.ID) bool {
	for range maxDepth {
		t := g.at(id)
		if !t.Kind.IsModifier() {
			return false
		}
		if t.Kind == btf.Typedef && g.isBuiltinVaList(t) {
			return true
		}
		id = t.Ref
	}
	return false
}

// isBuiltinVaList reports whether a typedef is one that the compiler has itself and
// does not let anybody define.
func (g *graph) isBuiltinVaList(t *btf.Type) bool {
	return string(g.name(t.Name)) == "__builtin_va_list"
}

// errorAt names the type that an error is about.
func (g *graph) errorAt(id btf.ID, err error) error {
	t := g.at(id)
	return fmt.Errorf("type [%d] %s '%s': %w", id, t.Kind, clean(g.name(t.Name)), err)
}

// clean makes a name one line of printable text.
func clean(name []byte) []byte { return appendClean(nil, name) }

// appendClean appends a name, control characters as \xNN.
func appendClean(to, name []byte) []byte {
	const hex = "0123456789abcdef"
	for _, c := range name {
		if c < ' ' || c == 0x7f {
			to = append(to, '\\', 'x', hex[c>>4], hex[c&0xf])
			continue
		}
		to = append(to, c)
	}
	return to
}
