package verify

import (
	"bytes"

	"mkbtf/btf"
)

// Miss is a type of a .BTF.base that the kernel cannot map, and why.
type Miss struct {
	ID       uint32 // in .BTF.base
	Name     string
	Kind     btf.Kind
	Size     uint32 // in bytes; 0 for FWD
	Embedded bool   // a type of the module holds it by value, so that its size counts
	Reason   MissReason
	// TargetSize is the size in the kernel, for MissSize; TargetKind the kind, for
	// MissKind.
	TargetSize uint32
	TargetKind btf.Kind
}

// MissReason says why a type cannot be mapped.
type MissReason uint8

// The reasons.
const (
	MissAbsent    MissReason = iota + 1 // the kernel has no type of that name
	MissSize                            // it has another size there
	MissKind                            // it is of another kind there
	MissEncoding                        // an INT of another encoding
	MissFwd                             // a FWD, which the kernel compares with the bit-field flag of the definition
	MissAmbiguous                       // the kernel has several of that name and size
)

var missNames = [...]string{"", "absent", "size differs", "kind differs", "encoding differs", "forward declaration", "ambiguous"}

func (r MissReason) String() string {
	if int(r) < len(missNames) {
		return missNames[r]
	}
	return "unknown"
}

// maxCompared bounds the pairs of same-named types that are compared. Real input
// stays a thousand times below.
const maxCompared = 1 << 24

// relocation maps the BTF of a module from its .BTF.base to the kernel
// (kernel/bpf/btf_relocate.c).
type relocation struct {
	t           *Target
	base, split *blob
	ids         []uint32          // old id to new; of base types 0 until they are mapped
	embedded    []bool            // base types that types of the module hold by value
	names       map[uint32]uint32 // string offset in the base to that in the kernel
	misses      []Miss
	compared    int
}

// relocate maps all base types. The error is the first that the kernel would meet.
// ab tells whether the kernel finds all embedded types.
func (t *Target) relocate(base, split *blob, ab *Abilities) (*relocation, *Error) {
	r := &relocation{t: t, base: base, split: split, names: map[uint32]uint32{}}
	if err := r.validate(); err != nil {
		return r, err
	}
	nb, nv := base.nrTypes(), t.b.nrTypes()
	r.ids = make([]uint32, split.nrTypes())
	for id := nb; id < split.nrTypes(); id++ {
		r.ids[id] = id + nv - nb
	}
	if err := r.markEmbedded(ab.EmbeddedFix); err != nil {
		return r, err
	}
	return r, r.mapBase()
}

func (r *relocation) fail(id uint32, no Errno, msg string) *Error {
	t, _ := r.base.at(id)
	return &Error{Pass: PassRelocate, Errno: no, Msg: msg, TypeID: id, Section: r.base.section, Offset: r.base.pos(t.off)}
}

// validate makes sure that the base holds named types of the kinds that make sense.
func (r *relocation) validate() *Error {
	for id := uint32(1); id < r.base.nrTypes(); id++ {
		t, _ := r.base.at(id)
		switch k := t.kind(); k {
		case btf.Int, btf.Float, btf.Enum, btf.Struct, btf.Union, btf.Fwd:
			if t.name == 0 {
				return r.fail(id, EINVAL, fragment("type [%d], kind [%d] is invalid for distilled base BTF; it is anonymous", id, uint8(k)))
			}
		default:
			return r.fail(id, EINVAL, fragment("type [%d] in distilled based BTF has unexpected kind [%d]", id, uint8(k)))
		}
	}
	return nil
}

// markEmbedded finds the base types that a STRUCT or UNION of the module holds by
// value, behind modifiers and arrays. The kernel follows arrays of themselves for
// ever, which is an error here. Unless all is set some are missed, as before
// Linux 6.14.
func (r *relocation) markEmbedded(all bool) *Error {
	nb, n := r.base.nrTypes(), r.split.nrTypes()
	r.embedded = make([]bool, nb)
	last := n
	if !all {
		last = min(last, n-nb) // the kernel took the number of types for the last id
	}
	var err *Error
	ends := make([]uint32, n-nb) // where the chain from an own type ends, +1
	for id := nb; id < last; id++ {
		t, _ := r.split.at(id)
		if !t.kind().IsComposite() {
			continue
		}
		t.refs(func(pos uint32) {
			end, ok := r.chainEnd(r.split.u32(pos), ends)
			if !ok && err == nil {
				err = ownError(r.split, id, t, "array or typedef that is its own element: the kernel follows it for ever")
			}
			if ok && end < nb {
				if et, _ := r.base.at(end); et.kind().IsComposite() {
					r.embedded[end] = true
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// chainEnd follows modifiers and array elements from a type to the first of
// another kind. What was found before is kept in ends, so that the work stays
// linear. ok is false if the chain has no end.
func (r *relocation) chainEnd(id uint32, ends []uint32) (end uint32, ok bool) {
	nb := r.base.nrTypes()
	end = id
	for steps := 0; end >= nb && end-nb < uint32(len(ends)); steps++ {
		if steps > len(ends) {
			return 0, false
		}
		if known := ends[end-nb]; known != 0 {
			end = known - 1
			break
		}
		t, _ := r.split.at(end)
		if next := t.inner(); next != noInner {
			end = next
			continue
		}
		break
	}
	for id != end && id >= nb && id-nb < uint32(len(ends)) && ends[id-nb] == 0 {
		t, _ := r.split.at(id)
		ends[id-nb] = end + 1
		id = t.inner()
	}
	return end, true
}

const noInner = ^uint32(0)

// inner is the type that a modifier or array is made of, noInner for other kinds.
func (t typ) inner() uint32 {
	switch k := t.kind(); {
	case k.IsModifier():
		return t.word
	case k == btf.Array:
		return t.u(0)
	}
	return noInner
}

// mapBase finds the kernel's type for every base type. The kernel goes through its
// own types and complains about the first that is a second match; after that, about
// the first base type without any.
func (r *relocation) mapBase() *Error {
	second, oldID := uint32(0), uint32(0) // smallest kernel id that is a second match, and the base type
	unmapped := uint32(0)
	for id := uint32(1); id < r.base.nrTypes(); id++ {
		t, _ := r.base.at(id)
		name, _ := r.base.str(t.name)
		matches, other := r.match(id, t, name)
		switch {
		case r.compared > maxCompared:
			return ownError(r.base, id, t, "too many types of the same name")
		case matches[0] == 0:
			r.miss(id, t, other)
			if unmapped == 0 {
				unmapped = id
			}
			continue
		case matches[1] != 0:
			r.miss(id, t, matches[1])
			if second == 0 || matches[1] < second {
				second, oldID = matches[1], id
			}
		}
		r.ids[id] = matches[0]
		kt, _ := r.t.b.at(matches[0])
		r.names[t.name] = kt.name
	}
	if second != 0 {
		t, _ := r.base.at(oldID)
		kt, _ := r.t.b.at(second)
		return r.fail(oldID, EINVAL, fragment("distilled base BTF type '%s' [%d], size %d has multiple candidates of the same size (ids [%d, %d]) in base BTF",
			r.base.name(t.name), oldID, kt.word, second, r.ids[oldID]))
	}
	if unmapped != 0 {
		t, _ := r.base.at(unmapped)
		return r.fail(unmapped, EINVAL, fragment("distilled base BTF type '%s' [%d] is not mapped to base BTF id", r.base.name(t.name), unmapped))
	}
	return nil
}

// match returns the first two types of the kernel that a base type maps to, 0 if
// there are none; and the first of the same name that does not match.
func (r *relocation) match(id uint32, t typ, name []byte) (matches [2]uint32, other uint32) {
	k := r.t.b
	for c := r.t.first[string(name)]; c != 0; c = r.t.next[c] {
		r.compared++
		kt, _ := k.at(c)
		switch {
		case r.sizeCounts(kt) && kt.word != t.word, !r.compatible(id, t, kt):
			if other == 0 {
				other = c
			}
		case matches[0] == 0:
			matches[0] = c
		default:
			matches[1] = c
			return matches, other
		}
		if r.compared > maxCompared {
			break
		}
	}
	return matches, other
}

// sizeCounts reports whether a type of the kernel is compared by size: all but
// forward declarations, and of structs and unions those whose name another one has.
func (r *relocation) sizeCounts(t typ) bool {
	switch t.kind() {
	case btf.Fwd:
		return false
	case btf.Struct, btf.Union:
		return r.t.composites[t.name] > 1
	}
	return true
}

// compatible is the kernel's comparison of a base type and one of its own, quirks
// included: a FWD is held against the bit-field flag of a definition, and a STRUCT
// or UNION against the size alone.
func (r *relocation) compatible(id uint32, t, kt typ) bool {
	k := kt.kind()
	switch t.kind() {
	case btf.Fwd:
		return k == btf.Fwd && t.kflag() == kt.kflag() || k == btf.Struct && !kt.kflag() || k == btf.Union && kt.kflag()
	case btf.Int:
		return k == btf.Int && t.u(0)>>24&0xf == kt.u(0)>>24&0xf
	case btf.Float:
		return k == btf.Float
	case btf.Enum:
		return k.IsEnum()
	}
	return !r.embedded[id] || t.word == kt.word
}

// miss notes why a base type has no place. other is a type of the kernel with the
// same name, 0 if there is none.
func (r *relocation) miss(id uint32, t typ, other uint32) {
	kt, _ := r.t.b.at(other)
	m := Miss{
		ID: id, Name: r.base.name(t.name), Kind: t.kind(), Size: t.word, Embedded: r.embedded[id],
		TargetSize: kt.word, TargetKind: kt.kind(),
	}
	same := m.Kind == m.TargetKind || m.Kind.IsComposite() && m.TargetKind.IsComposite() || m.Kind == btf.Enum && m.TargetKind.IsEnum()
	switch {
	case other == 0:
		m.Reason = MissAbsent
	case m.Kind == btf.Fwd:
		m.Reason = MissFwd
	case !same:
		m.Reason = MissKind
	case kt.word != t.word:
		m.Reason = MissSize
	case m.Kind == btf.Int && t.u(0)>>24 != kt.u(0)>>24:
		m.Reason = MissEncoding
	default:
		m.Reason = MissAmbiguous
	}
	r.misses = append(r.misses, m)
}

// rewrite returns the module's BTF with all ids and string offsets in the terms of
// the kernel. All ids must be in range.
func (r *relocation) rewrite() ([]byte, *Error) {
	s := r.split
	out := bytes.Clone(s.data)
	types := out[s.pos(0):]
	order := s.order()
	put := func(pos, v uint32) { order.PutUint32(types[pos:], v) }
	id := func(pos uint32) { put(pos, r.ids[s.u32(pos)]) }
	shift := r.t.b.hdr.strLen - r.base.hdr.strLen
	lost := noInner // string of the base that is not the name of a mapped type
	name := func(pos uint32) {
		switch off := s.u32(pos); {
		case off == 0:
		case off >= r.base.hdr.strLen:
			put(pos, off+shift)
		case r.names[off] != 0:
			put(pos, r.names[off])
		case lost == noInner:
			lost = off
		}
	}
	for i := range s.offs {
		t := s.record(s.offs[i])
		t.refs(id)
	}
	for i := range s.offs {
		t := s.record(s.offs[i])
		t.names(name)
		if lost != noInner {
			return nil, &Error{
				Pass: PassRelocate, Errno: ENOENT, TypeID: s.start + uint32(i), Section: s.section, Offset: s.pos(t.off),
				Msg: fragment("string '' [offset %d] is not mapped to base BTF", lost),
			}
		}
	}
	return out, nil
}
