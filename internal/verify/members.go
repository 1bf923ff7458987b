package verify

import (
	"math"

	"mkbtf/btf"
)

const msgExceeds = "Member exceeds struct_size"

// composite resolves the types of the members and checks that each fits.
func (r *resolver) composite(f *frame) (Errno, *Error) {
	fail := func(m member, msg string) (Errno, *Error) {
		return 0, r.err(f.id, f.t, EINVAL, r.b.typeLine(f.id, f.t, "")+"\n"+r.b.memberLine(f.t, m, msg))
	}
	if f.next > 0 { // whose type was resolved in between
		m := f.t.member(f.next - 1)
		if logged, msg := r.member(f.t, m); msg != "" {
			return fail(logged, msg)
		}
	}
	for i := f.next; i < f.t.vlen(); i++ {
		m := f.t.member(i)
		mt, ok := r.b.at(m.typ)
		if !ok || noSize(mt.kind()) || sourceOnly(mt.kind()) {
			return fail(m, "Invalid member")
		}
		if r.open(m.typ, mt.kind()) {
			f.next = i + 1
			return r.push(m.typ), nil
		}
		if logged, msg := r.member(f.t, m); msg != "" {
			return fail(logged, msg)
		}
	}
	r.pop(0, 0)
	return 0, nil
}

// member checks one member whose type has been resolved. It returns the member as
// the log shows it, with the type behind its modifiers, and the complaint.
func (r *resolver) member(st typ, m member) (member, string) {
	mt, _ := r.b.at(m.typ)
	if mt.kind().IsModifier() {
		id, _, ok := r.size(m.typ)
		if !ok {
			return m, "Invalid member"
		}
		m.typ = id
		mt, _ = r.b.at(id)
	}
	switch mt.kind() {
	case btf.Int:
		if st.kflag() {
			return m, intBitField(st, m, mt)
		}
		return m, intMember(st, m, mt)
	case btf.Enum, btf.Enum64:
		if st.kflag() {
			return m, r.enumBitField(st, m, mt)
		}
		return m, byteMember(st, m, mt.word)
	}
	if st.kflag() && m.bits != 0 {
		return m, "Invalid member bitfield_size"
	}
	if mt.kind() == btf.Float {
		return m, r.floatMember(st, m, mt)
	}
	_, size, _ := r.size(m.typ)
	return m, byteMember(st, m, size)
}

// byteMember is the rule for what can only lie at a byte.
func byteMember(st typ, m member, size uint32) string {
	switch {
	case m.offs%8 != 0:
		return "Member is not byte aligned"
	case st.word-m.offs/8 < size:
		return msgExceeds
	}
	return ""
}

func intMember(st typ, m member, mt typ) string {
	d := mt.u(0)
	if math.MaxUint32-m.offs < d>>16&0xff {
		return "bits_offset exceeds U32_MAX"
	}
	return bitsFit(st, m.offs+d>>16&0xff, d&0xff)
}

// bitsFit checks that bits, read with the bytes that they share, lie in the struct.
func bitsFit(st typ, off, bits uint32) string {
	n := bits + off%8
	switch {
	case n > 128:
		return "nr_copy_bits exceeds 128"
	case st.word < off/8 || st.word-off/8 < bytesFor(n):
		return msgExceeds
	}
	return ""
}

func intBitField(st typ, m member, mt typ) string {
	bits := mt.u(0) & 0xff
	switch {
	case !regularInt(mt):
		return "Invalid member base type"
	case m.bits == 0 && m.offs%8 != 0:
		return "Invalid member offset"
	case m.bits > bits:
		return "Invalid member bitfield_size"
	case m.bits != 0:
		bits = m.bits
	}
	return bitsFit(st, m.offs, bits)
}

// enumBitField takes the width of an enum as 32 bits, as the kernel does, whatever
// its size.
func (r *resolver) enumBitField(st typ, m member, mt typ) string {
	bits, width := m.bits, uint32(32)
	if r.trueEnums {
		width = 8 * mt.word
	}
	switch {
	case bits == 0 && m.offs%8 != 0:
		return "Member is not byte aligned"
	case bits > width:
		return "Invalid member bitfield_size"
	case bits == 0:
		bits = width
	}
	if st.word < bytesFor(m.offs+bits) {
		return msgExceeds
	}
	return ""
}

func (r *resolver) floatMember(st typ, m member, mt typ) string {
	switch {
	case m.offs%(8*min(uint32(r.ab.PointerSize), mt.word)) != 0:
		return "Member is not properly aligned"
	case uint64(st.word) < uint64(m.offs/8)+uint64(mt.word):
		return msgExceeds
	}
	return ""
}
