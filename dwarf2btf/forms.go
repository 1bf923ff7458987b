package dwarf2btf

import (
	"encoding/binary"
	"math/bits"
)

// decoding says how an attribute value is decoded.
type decoding uint8

const (
	opFixed  decoding = iota // 0 to 8 bytes
	opULEB                   // unsigned LEB128
	opSLEB                   // signed LEB128
	opString                 // bytes up to a NUL: position | length<<32
	opBlock1                 // length in 1, 2, 4 bytes or a ULEB128, then bytes: position | length<<32
	opBlock2
	opBlock4
	opBlockULEB
	opData16   // low 64 bits
	opIndirect // the form stands before the value
	opUnknown
)

// formOp returns how a form is decoded; width is the number of bytes of an
// opFixed form.
func formOp(form uint16, h *unitHeader) (o decoding, width uint8) {
	switch form {
	case formFlagPresent, formImplicitConst:
		return opFixed, 0
	case formData1, formFlag, formRef1, formStrx1, formAddrx1:
		return opFixed, 1
	case formData2, formRef2, formStrx2, formAddrx2:
		return opFixed, 2
	case formStrx3, formAddrx3:
		return opFixed, 3
	case formData4, formRef4, formStrx4, formAddrx4, formRefSup4:
		return opFixed, 4
	case formData8, formRef8, formRefSig8, formRefSup8:
		return opFixed, 8
	case formStrp, formLineStrp, formSecOffset, formStrpSup, formGNURefAlt, formGNUStrpAlt:
		return opFixed, h.offsetSize()
	case formAddr:
		return opFixed, h.addrSize
	case formRefAddr:
		if h.version <= 2 {
			return opFixed, h.addrSize
		}
		return opFixed, h.offsetSize()
	case formUdata, formRefUdata, formStrx, formAddrx, formLoclistx, formRnglistx, formGNUAddrIndex, formGNUStrIndex:
		return opULEB, 0
	case formSdata:
		return opSLEB, 0
	case formString:
		return opString, 0
	case formBlock1:
		return opBlock1, 0
	case formBlock2:
		return opBlock2, 0
	case formBlock4:
		return opBlock4, 0
	case formBlock, formExprloc:
		return opBlockULEB, 0
	case formData16:
		return opData16, 0
	case formIndirect:
		return opIndirect, 0
	}
	return opUnknown, 0
}

// decoder reads DIEs from the bytes of one unit.
type decoder struct {
	data []byte // the unit from its header on
	big  bool
	head *unitHeader
	// val holds the attributes of the DIE that was read last, by slot. Only those in
	// abbrev.has are meaningful.
	val [64]uint64
	// actual holds the form behind DW_FORM_indirect, by slot.
	actual [64]uint16
}

// tooFar is the position that attrs and uleb return when the data ends too early.
const tooFar = 1<<31 - 1

// attrs decodes the attributes of a DIE, which start at pos, into val. It
// returns the position behind them, above len(data) if the unit ends before.
func (d *decoder) attrs(a *abbrev, pos int) int {
	for i := range a.steps {
		s := &a.steps[i]
		pos += int(s.skip)
		if s.op != opFixed {
			var v uint64
			if v, pos = d.unfixed(s.op, s.slot, pos); pos == tooFar {
				return pos
			}
			d.val[s.slot&63] = v
			continue
		}
		if pos+8 > len(d.data) {
			v, ok := d.fixed(pos, int(s.width))
			if !ok {
				return tooFar
			}
			d.val[s.slot&63] = v | s.imm
		} else if v := binary.LittleEndian.Uint64(d.data[pos:]); d.big {
			d.val[s.slot&63] = bits.ReverseBytes64(v)>>s.shift | s.imm
		} else {
			d.val[s.slot&63] = v&s.mask | s.imm
		}
		pos += int(s.width)
	}
	return pos + int(a.tail)
}

// fixed reads an unsigned number of up to 8 bytes.
func (d *decoder) fixed(pos, width int) (uint64, bool) {
	if pos+width > len(d.data) {
		return 0, false
	}
	var v uint64
	for i, b := range d.data[pos : pos+width] {
		if d.big {
			v = v<<8 | uint64(b)
		} else {
			v |= uint64(b) << (8 * i)
		}
	}
	return v, true
}

// unfixed decodes a value whose length is not fixed and returns the position
// behind it, tooFar if there is none.
func (d *decoder) unfixed(o decoding, to slot, pos int) (uint64, int) {
	width := 0
	switch o {
	case opULEB:
		return d.uleb(pos)
	case opSLEB:
		return d.sleb(pos)
	case opString:
		start := pos
		for ; pos < len(d.data); pos++ {
			if d.data[pos] == 0 {
				return uint64(start) | uint64(pos-start)<<32, pos + 1
			}
		}
		return 0, tooFar
	case opBlock1:
		width = 1
	case opBlock2:
		width = 2
	case opBlock4:
		width = 4
	case opBlockULEB:
		n, next := d.uleb(pos)
		return d.block(n, next)
	case opData16:
		if d.big {
			pos += 8
		}
		v, ok := d.fixed(pos, 8)
		if !d.big {
			pos += 8
		}
		if !ok || pos+8 > len(d.data) {
			return 0, tooFar
		}
		return v, pos + 8
	case opIndirect:
		form, next := d.uleb(pos)
		if next == tooFar || form > 0xffff || form == formIndirect || form == formImplicitConst {
			return 0, tooFar
		}
		d.actual[to] = uint16(form)
		o, w := formOp(uint16(form), d.head)
		if o == opFixed {
			if form == formFlagPresent {
				return 1, next
			}
			v, ok := d.fixed(next, int(w))
			if !ok {
				return 0, tooFar
			}
			return v, next + int(w)
		}
		return d.unfixed(o, to, next)
	default:
		return 0, tooFar
	}
	n, ok := d.fixed(pos, width)
	if !ok {
		return 0, tooFar
	}
	return d.block(n, pos+width)
}

func (d *decoder) block(n uint64, pos int) (uint64, int) {
	if pos > len(d.data) || n > uint64(len(d.data)-pos) {
		return 0, tooFar
	}
	return uint64(pos) | n<<32, pos + int(n)
}

// bytes returns the bytes that an opString or opBlock value stands for.
func (d *decoder) bytes(v uint64) []byte {
	start, n := int(uint32(v)), int(v>>32)
	return d.data[start : start+n : start+n]
}

func (d *decoder) uleb(pos int) (uint64, int) {
	if pos >= len(d.data) {
		return 0, tooFar
	}
	v, n := uleb128(d.data[pos:])
	if n == 0 {
		return 0, tooFar
	}
	return v, pos + n
}

func (d *decoder) sleb(pos int) (uint64, int) {
	if pos >= len(d.data) {
		return 0, tooFar
	}
	v, n := sleb128(d.data[pos:])
	if n == 0 {
		return 0, tooFar
	}
	return uint64(v), pos + n
}

// uleb128 decodes an unsigned LEB128 number and returns its length in bytes, 0
// if b ends too early. Bits above the 64th are dropped.
func uleb128(b []byte) (v uint64, n int) {
	for shift := uint(0); n < len(b); shift += 7 {
		c := b[n]
		n++
		if shift < 64 {
			v |= uint64(c&0x7f) << shift
		}
		if c < 0x80 {
			return v, n
		}
	}
	return 0, 0
}

// sleb128 is uleb128 for signed numbers.
func sleb128(b []byte) (v int64, n int) {
	for shift := uint(0); n < len(b); {
		c := b[n]
		n++
		if shift < 64 {
			v |= int64(c&0x7f) << shift
		}
		shift += 7
		if c < 0x80 {
			if shift < 64 && c&0x40 != 0 {
				v |= -1 << shift
			}
			return v, n
		}
	}
	return 0, 0
}
