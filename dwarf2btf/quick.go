package dwarf2btf

import (
	"encoding/binary"

	"mkbtf/btf"
)

// quickMember is where the attributes of a plain member lie if all have a fixed
// size, as in most members that GCC writes. Nearly half of all DIEs of a kernel
// are such members.
type quickMember struct {
	name    uint8 // positions from the first attribute
	typ     uint8
	at      uint8
	total   uint8  // bytes of all attributes, 0: not quick
	atMask  uint32 // 0: constant
	atConst uint32
}

// quickOf compiles a plain member. Only 32-bit little endian DWARF is quick.
func quickOf(a *abbrev, steps []step, h *unitHeader) (q quickMember) {
	if !a.plain || a.children || h.is64 {
		return q
	}
	pos := 0
	for i := range steps {
		s := &steps[i]
		pos += int(s.skip)
		switch {
		case s.op != opFixed || pos > 0xff || s.width > 4:
			return quickMember{}
		case s.slot == slotName && s.form == formStrp:
			q.name = uint8(pos)
		case s.slot == slotType && s.form == formRef4:
			q.typ = uint8(pos)
		case s.slot == slotMemberLocation && s.imm <= maxByteOffset:
			q.at, q.atMask, q.atConst = uint8(pos), uint32(s.mask), uint32(s.imm)
		case s.slot == slotByteSize:
		default:
			return quickMember{}
		}
		pos += int(s.width)
	}
	if pos += int(a.tail); pos > 0xff || !a.has.has(slotName) || !a.has.has(slotType) {
		return quickMember{}
	}
	q.total = uint8(pos)
	return q
}

// quickMember appends the member whose attributes begin at p[0] to the open
// composite. It does nothing and returns false if there is anything unusual.
func (w *Worker) quickMember(q *quickMember, f *frame, p []byte) bool {
	if len(p) < 0x100+4 {
		return false // so that no position can be out of range
	}
	p = p[: 0x100+4 : 0x100+4]
	typ := binary.LittleEndian.Uint32(p[q.typ:])
	at := binary.LittleEndian.Uint32(p[q.at:])&q.atMask | q.atConst
	n := w.name(formStrp, uint64(binary.LittleEndian.Uint32(p[q.name:])))
	if n&badName != 0 || typ == 0 || uint64(typ) >= uint64(len(w.data)) || at > maxByteOffset {
		return false
	}
	bit := at * 8
	if bit < f.maxBit {
		f.flags |= outOfOrder
	} else {
		f.maxBit = bit
	}
	w.addMember(f, btf.Member{Name: btf.Str(n), Type: btf.ID(w.cur.base + typ), Off: bit})
	return true
}
