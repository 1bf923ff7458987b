package diff

import (
	"math/bits"
	"math/rand/v2"

	"mkbtf/btf"
)

// Keys of the hash, other ones in each process: no input can be made to collide.
var secret = [2]uint64{rand.Uint64() | 1, rand.Uint64() | 1}

func mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^secret[0], v^secret[1])
	return hi ^ lo
}

// Values of a hash that is not there yet.
const (
	unknown = 0
	open    = 1 // being computed: the reference closes a cycle
)

// hasher hashes the contents of one side's types. Types without a name are part of
// the content of what leads to them; a reference to a named type counts as what
// anchor makes of it. Each hash is computed once.
type hasher struct {
	s      *side
	anchor func(id btf.ID, t *btf.Type) uint64
	own    []uint64
	base   map[btf.ID]uint64 // few of the base's types are asked for
	stack  []frame
}

type frame struct {
	id   btf.ID
	next int // number of the reference to look at next
}

func newHasher(s *side, anchor func(btf.ID, *btf.Type) uint64) *hasher {
	return &hasher{s: s, anchor: anchor, own: make([]uint64, len(s.own.Types)), base: make(map[btf.ID]uint64)}
}

func (h *hasher) load(id btf.ID) uint64 {
	if i := int(id) - int(h.s.own.Start); i >= 0 {
		if i < len(h.own) {
			return h.own[i]
		}
		return open
	}
	return h.base[id]
}

func (h *hasher) store(id btf.ID, v uint64) {
	if i := int(id) - int(h.s.own.Start); i >= 0 {
		h.own[i] = v
		return
	}
	h.base[id] = v
}

// of is the hash of the content of a type. It keeps its own stack, since input may
// nest as deep as it likes.
func (h *hasher) of(id btf.ID) uint64 {
	if v := h.load(id); v > open {
		return v
	}
	stack := append(h.stack[:0], frame{id: id})
	h.store(id, open)
walk:
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		t, ms := h.s.at(f.id)
		for {
			ref, ok := edge(t, ms, f.next)
			if !ok {
				break
			}
			f.next++
			if ref == 0 || h.load(ref) != unknown {
				continue
			}
			if rt, _ := h.s.at(ref); rt.Kind == btf.Void || isNamed(rt) {
				continue
			}
			h.store(ref, open)
			stack = append(stack, frame{id: ref})
			continue walk
		}
		v := h.content(t, ms, false)
		if v <= open {
			v = open + 1
		}
		h.store(f.id, v)
		stack = stack[:len(stack)-1]
	}
	h.stack = stack
	return h.load(id)
}

// ref is what a reference counts as in the content of what holds it.
func (h *hasher) ref(id btf.ID) uint64 {
	if id == 0 {
		return 0
	}
	t, ms := h.s.at(id)
	switch {
	case t.Kind == btf.Void:
		return 0
	case isNamed(t):
		return h.anchor(id, t)
	}
	v := h.load(id)
	if v == open {
		return h.content(t, ms, true)
	}
	return v
}

// content hashes what stands in a type and, unless shallow, what it leads to.
func (h *hasher) content(t *btf.Type, ms []btf.Member, shallow bool) uint64 {
	head := uint64(t.Kind) << 1
	if t.Flag {
		head |= 1
	}
	v := mix(mix(head, uint64(t.Name)), uint64(t.Size)<<32|uint64(t.Len))
	if t.Kind != btf.Array { // there it is a reference
		v = mix(v, uint64(t.Extra))
	} else if !shallow {
		v = mix(v, h.ref(btf.ID(t.Extra)))
	}
	if t.Kind.HasRef() && !shallow {
		v = mix(v, h.ref(t.Ref))
	}
	refs := t.Kind.HasMemberTypes() && !shallow
	for i := range ms {
		m := &ms[i]
		v = mix(mix(v, uint64(m.Name)), uint64(m.Bits)<<32|uint64(m.Off))
		if refs {
			v = mix(v, h.ref(m.Type))
		}
	}
	return v
}

// tagKey is the key of a type in references: a forward declaration counts as what
// it declares.
func tagKey(t *btf.Type) key {
	k := t.Kind
	if k == btf.Fwd {
		k = btf.Struct
		if t.Flag {
			k = btf.Union
		}
	}
	return keyOf(k, t.Name)
}

func plainAnchor(_ btf.ID, t *btf.Type) uint64 { return uint64(tagKey(t)) }
