package encode

import (
	"fmt"
	"math"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
)

// contradictions reports what types say about each other that cannot be true: structs
// that contain themselves, members that do not fit their struct, arrays and parameters of what has no size, bit-fields of
// what is no number. A compiler for C makes none of that, and BPF_BTF_LOAD refuses it.
// base may be nil.
func contradictions(t *btf.Table, base *btf.Blob, wordSize int) error {
	s := sizes{t: t, base: base, word: uint64(wordSize), memo: make([]size, len(t.Types))}
	wrong := func(typ *btf.Type, what string) error {
		name := typ.Kind.String()
		if n := t.Name(typ.Name); n != "" {
			name += " '" + n + "'"
		}
		return fmt.Errorf("the DWARF contradicts itself: %s: %s: %w", name, what, dwarf2btf.ErrMalformed)
	}
	for i := range t.Types {
		typ := &t.Types[i]
		if what := s.check(typ); what != "" {
			return wrong(typ, what)
		}
	}
	if id := s.loop(); id != 0 {
		return wrong(t.At(id), "contains itself")
	}
	return nil
}

// sizes works out what types measure.
type sizes struct {
	t    *btf.Table
	base *btf.Blob
	word uint64
	memo []size // of own types
	path []btf.ID
	// seen are types of the base, by the end of their id.
	seen [1 << 8]struct {
		id   btf.ID
		size size
	}
}

// maxChain bounds the modifiers of a base that are looked through. Those of own types
// come to an end, as package dedup makes sure.
const maxChain = 256

// size is that of a type; kind that which it has behind modifiers, and holds the own
// struct or union that it is or that it is an array of, 0 if there is none.
type size struct {
	bytes uint64
	holds btf.ID
	kind  btf.Kind
	known bool // bytes and kind hold
	sized bool // it has a size
}

// at returns a type; nil for void.
func (s *sizes) at(id btf.ID) *btf.Type {
	switch {
	case id == 0:
		return nil
	case id >= s.t.Start:
		return s.t.At(id)
	}
	t := s.base.Head(id)
	return &t
}

// of returns the size of a type.
func (s *sizes) of(id btf.ID) size {
	switch {
	case id == 0:
		return size{known: true}
	case id >= s.t.Start:
		if m := s.memo[id-s.t.Start]; m.known {
			return m
		}
		return s.find(id)
	}
	e := &s.seen[id%btf.ID(len(s.seen))]
	if e.id != id {
		e.id, e.size = id, s.find(id)
	}
	return e.size
}

// find is of for a type that is not known. Chains of modifiers and arrays may be long.
func (s *sizes) find(id btf.ID) size {
	s.path = s.path[:0]
	var z size
	inBase := 0
	for {
		own := id >= s.t.Start
		if own {
			if m := s.memo[id-s.t.Start]; m.known {
				z = m
				break
			}
		}
		if inBase++; own {
			inBase = 0
		}
		if inBase > maxChain {
			z = size{known: true}
			break
		}
		typ := s.at(id)
		if typ == nil || !typ.Kind.IsModifier() && typ.Kind != btf.Array {
			z = s.plain(typ)
			if own && z.kind.IsComposite() {
				z.holds = id
			}
			if own {
				s.memo[id-s.t.Start] = z
			}
			break
		}
		s.path = append(s.path, id)
		id = typ.Ref
	}
	for i := len(s.path) - 1; i >= 0; i-- {
		id := s.path[i]
		if typ := s.at(id); typ.Kind == btf.Array {
			z.kind = btf.Array
			if z.bytes *= uint64(typ.Size); z.bytes > math.MaxUint32 {
				z = size{known: true}
			}
		}
		if id >= s.t.Start {
			s.memo[id-s.t.Start] = z
		}
	}
	return z
}

func (s *sizes) plain(typ *btf.Type) size {
	if typ == nil {
		return size{known: true}
	}
	z := size{kind: typ.Kind, known: true, sized: true}
	switch typ.Kind {
	case btf.Int, btf.Float, btf.Struct, btf.Union, btf.Enum, btf.Enum64:
		z.bytes = uint64(typ.Size)
	case btf.Ptr:
		z.bytes = s.word
	default:
		z.sized = false
	}
	return z
}

// check says what is wrong with a type, "" if nothing is.
func (s *sizes) check(typ *btf.Type) string {
	switch typ.Kind {
	case btf.Struct, btf.Union:
		for _, m := range s.t.MembersOf(typ) {
			if what := s.member(typ, m); what != "" {
				return fmt.Sprintf("member '%s' %s", s.t.Name(m.Name), what)
			}
		}
	case btf.Array:
		if z := s.of(typ.Ref); !z.sized || z.bytes*uint64(typ.Size) > math.MaxUint32 {
			return "its elements have no size, or too many bytes in all"
		}
	case btf.FuncProto:
		if typ.Ref != 0 && !s.of(typ.Ref).sized {
			return "returns what has no size"
		}
		ms := s.t.MembersOf(typ)
		for i, m := range ms {
			if m.Type == 0 && i == len(ms)-1 {
				break // the dots of a variadic function
			}
			if !s.of(m.Type).sized {
				return fmt.Sprintf("parameter %d '%s' has no size", i, s.t.Name(m.Name))
			}
		}
	case btf.Var:
		if !s.of(typ.Ref).sized {
			return "has no size"
		}
	}
	return ""
}

func (s *sizes) member(typ *btf.Type, m btf.Member) string {
	z := s.of(m.Type)
	bits, end := uint64(m.Bits), uint64(typ.Size)*8
	switch {
	case !z.sized:
		return "has no size"
	case bits == 0 && m.Off%8 != 0:
		return "does not begin at a byte"
	case bits > 0 && z.kind != btf.Int && !z.kind.IsEnum():
		return "is a bit-field of what is no number"
	case bits > z.bytes*8:
		return fmt.Sprintf("has %d bits of %d bytes", bits, z.bytes)
	case bits == 0:
		bits = z.bytes * 8
	}
	if uint64(m.Off)+bits > end {
		return fmt.Sprintf("ends at bit %d of %d", uint64(m.Off)+bits, end)
	}
	return ""
}

// loop finds a struct or union that contains itself by value; 0 if there is none.
func (s *sizes) loop() btf.ID {
	const (
		open = 1 + iota
		done
	)
	type level struct {
		id   btf.ID
		next int // member
	}
	state := make([]uint8, len(s.t.Types))
	var stack []level
	for i := range s.t.Types {
		if !s.t.Types[i].Kind.IsComposite() || state[i] != 0 {
			continue
		}
		state[i] = open
		stack = append(stack, level{id: s.t.Start + btf.ID(i)})
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			ms := s.t.MembersOf(s.t.At(top.id))
			if top.next == len(ms) {
				state[top.id-s.t.Start] = done
				stack = stack[:len(stack)-1]
				continue
			}
			id := s.of(ms[top.next].Type).holds
			top.next++
			if id == 0 {
				continue
			}
			switch state[id-s.t.Start] {
			case open:
				return id
			case 0:
				state[id-s.t.Start] = open
				stack = append(stack, level{id: id})
			}
		}
	}
	return 0
}
