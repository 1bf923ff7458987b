package dump

import (
	"bytes"
	"strconv"

	"mkbtf/btf"
)

// maxName is the longest identifier that is written; the kernel takes 512 bytes.
const maxName = 512

// keywords can never be identifiers. Those of C23 that C11 lacks are missing here on
// purpose: kernels have types and enumerators called bool, true and false.
var keywords = wordSet(
	"auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "extern", "float", "for",
	"goto", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed", "sizeof", "static", "struct",
	"switch", "typedef", "union", "unsigned", "void", "volatile", "while", "asm", "typeof",
	"_Alignas", "_Alignof", "_Atomic", "_Bool", "_Complex", "_Generic", "_Imaginary", "_Noreturn", "_Static_assert", "_Thread_local",
	"_Decimal32", "_Decimal64", "_Decimal128", "_Float16", "_Float32", "_Float64", "_Float128", "_Float32x", "_Float64x", "_Float128x", "_BitInt", "_Accum", "_Fract", "_Sat",
	"__int128", "__int128_t", "__uint128_t", "__float128", "__float80", "__ibm128", "__ieee128", "__fp16", "__bf16", "__auto_type", "__builtin_va_list",
	"__const", "__const__", "__volatile", "__volatile__", "__restrict", "__restrict__", "__inline", "__inline__", "__signed", "__signed__", "__asm", "__asm__",
	"__attribute", "__attribute__", "__typeof", "__typeof__", "__extension__", "__alignof", "__alignof__", "__complex", "__complex__", "__real", "__real__", "__imag", "__imag__", "__label__", "__thread",
	"linux", "unix", "__BTF_TYPE_TAG", "__ksym", "__weak",
)

// c23Words are identifiers in C11 and keywords in C23.
var c23Words = wordSet("bool", "false", "true")

func wordSet(words ...string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}

// scope is a set of names that must differ.
type scope struct {
	taken map[string]bool
	next  map[string]int // by name: the number that the next one of the name gets
}

func newScope() *scope { return &scope{make(map[string]bool), make(map[string]int)} }

func (s *scope) reset() { clear(s.taken); clear(s.next) }

// take returns name, or name___2, name___3 and so on, whichever is free; relocation
// by libbpf ignores what follows three underscores.
func (s *scope) take(name []byte) []byte {
	if !s.taken[string(name)] {
		s.taken[string(name)] = true
		return name
	}
	n := max(s.next[string(name)], 2)
	for ; ; n++ {
		other := strconv.AppendInt(append(bytes.Clone(name), "___"...), int64(n), 10)
		if !s.taken[string(other)] {
			s.taken[string(other)] = true
			s.next[string(name)] = n + 1
			return other
		}
	}
}

// identifier makes a name an identifier of C. It is the name itself where that is one.
func identifier(name []byte) []byte {
	ok := len(name) > 0 && len(name) <= maxName && (name[0] < '0' || name[0] > '9')
	for _, c := range name {
		ok = ok && isIdent(c)
	}
	if ok && !keywords[string(name)] {
		return name
	}
	out := make([]byte, 0, len(name)+1)
	if len(name) == 0 || name[0] >= '0' && name[0] <= '9' {
		out = append(out, '_')
	}
	for _, c := range name[:min(len(name), maxName)] {
		if !isIdent(c) {
			c = '_'
		}
		out = append(out, c)
	}
	if keywords[string(out)] {
		out = append(out, '_')
	}
	return out
}

func isIdent(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// names gives types their names in C, where they differ from those in the BTF.
type names struct {
	g      *graph
	tags   *scope
	idents *scope
	other  map[btf.ID][]byte // names of types that cannot keep theirs
	fwds   map[string]btf.ID // "struct x": the first definition or declaration of that name
}

// nameTypes names the types with want, in the order of their ids: structs, unions and
// enums in one space of names, typedefs and base types that C does not have in
// another, which they share with enumerators.
func nameTypes(g *graph, ptr uint32, want func(btf.ID) bool) *names {
	n := &names{g: g, tags: newScope(), idents: newScope(), other: make(map[btf.ID][]byte), fwds: make(map[string]btf.ID)}
	for id := btf.ID(1); int(id) < len(g.types); id++ {
		t := g.at(id)
		if t.Name == 0 && t.Kind != btf.Int && t.Kind != btf.Float || !want(id) {
			continue
		}
		switch t.Kind {
		case btf.Struct, btf.Union, btf.Enum, btf.Enum64:
			n.set(id, n.tags.take(n.identifier(t)))
			key := kindWord(t) + " " + string(g.name(t.Name))
			if _, ok := n.fwds[key]; !ok {
				n.fwds[key] = id
			}
		case btf.Typedef:
			if !g.isBuiltinVaList(t) {
				n.set(id, n.idents.take(n.identifier(t)))
			}
		case btf.Int, btf.Float:
			if _, ok := g.baseType(t, ptr); !ok {
				n.set(id, n.idents.take(n.identifier(t)))
			}
		}
	}
	// A declaration is one of the first definition of its name.
	for id := btf.ID(1); int(id) < len(g.types); id++ {
		t := g.at(id)
		if t.Kind != btf.Fwd || !want(id) {
			continue
		}
		key := kindWord(t) + " " + string(g.name(t.Name))
		if first, ok := n.fwds[key]; ok {
			n.set(id, n.of(first))
			continue
		}
		n.fwds[key] = id
		n.set(id, n.tags.take(n.identifier(t)))
	}
	return n
}

func (n *names) identifier(t *btf.Type) []byte { return identifier(n.g.name(t.Name)) }

func (n *names) set(id btf.ID, name []byte) {
	if !bytes.Equal(name, n.g.name(n.g.at(id).Name)) {
		n.other[id] = name
	}
}

// of returns the name of a type in C.
func (n *names) of(id btf.ID) []byte {
	if name, ok := n.other[id]; ok {
		return name
	}
	return n.g.name(n.g.at(id).Name)
}

// tag returns the type that the tag of a struct, union or declaration stands for in
// C: declarations stand for the first definition of their name.
func (n *names) tag(id btf.ID) btf.ID {
	t := n.g.at(id)
	if t.Kind != btf.Fwd {
		return id
	}
	if first, ok := n.fwds[kindWord(t)+" "+string(n.g.name(t.Name))]; ok {
		return first
	}
	return id
}

// reserveEnumerators keeps the enumerators of a base, which its header defines, from
// being defined again.
func (n *names) reserveEnumerators(end btf.ID) {
	for id := btf.ID(1); id < end; id++ {
		if t := n.g.at(id); t.Kind.IsEnum() {
			for _, m := range n.g.membersOf(t) {
				n.idents.take(identifier(n.g.name(m.Name)))
			}
		}
	}
}
