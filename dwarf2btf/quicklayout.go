package dwarf2btf

import (
	"math"
	"math/bits"
)

// quickOp is what the walk does with a DIE whose attributes all have a known size,
// as nearly all have that GCC writes. Such a DIE needs no loop over its attributes:
// what is of interest lies at fixed places.
type quickOp uint8

const (
	quickNone        quickOp = iota
	quickNull                // ends the children of a DIE
	quickSkip                //
	quickMember              // with a name in .debug_str
	quickShort               // a member with its name in the DIE
	quickAnonymous           // a member without a name
	quickBitField            // offset in bits in at
	quickEnumerator          // value in at
	quickParameter           // of a subroutine type: type only; else as actParameter
	quickVariable            // skipped where it cannot be a VAR
	quickReference           // pointer or qualifier
	quickTypedef             //
	quickComposite           // size in at
	quickDeclaration         // of a struct or union
	quickProto               //
	quickArray               //
	quickSubrange            // of an array: bound in at
	quickEnum                // size in at
	quickBlocks              // of no interest, with blocks of bytes in it: see skipBlocks
)

// isMember reports whether a DIE is one that ends up in Type.Members of a struct, union
// or enum.
func (op quickOp) isMember() bool { return op >= quickMember && op <= quickEnumerator }

// quickDIE is the layout of such a DIE. Positions count from the first attribute. A
// name that stands in the DIE itself (DW_FORM_string) must come before all else of
// interest, and positions behind it count as if it took no bytes.
type quickDIE struct {
	op       quickOp
	children bool
	inline   bool // the name is a DW_FORM_string
	signed   bool // quickEnumerator: at is a DW_FORM_sdata
	idle     bool // of no interest outside of what takes variables and parameters
	located  bool // quickVariable: has a location; quickSubrange: at is the number of elements
	total    uint8
	name     uint8
	typ      uint8
	at       uint8 // member: byte offset; composite: size; enumerator: value
	bits     uint8 // quickBitField: its size
	found    uint8 // what is there: foundName, foundType, foundAt, foundBits
	tag      uint16
	atMask   uint32 // of the bytes of at that count; 0: atConst is the value
	atConst  uint32
	bitMask  uint8
	bitConst uint8
}

const (
	foundName = 1 << iota
	foundType
	foundAt
	foundBits
)

// window is a part of a unit from the first attribute of a DIE on. It is as long as the
// largest position and a value there, so that no position is out of range.
type window [math.MaxUint8 + 8 + 1]byte

// quickRoom is how many bytes there must be from the beginning of a quick DIE on: an
// abbreviation code of two bytes, a name of 7 in the DIE, and a window.
const quickRoom = 2 + 8 + len(window{})

// u32 and u64 are written so that the compiler makes one load of them, without a check.
func (p *window) u32(at uint8) uint32 {
	i := int(at)
	return uint32(p[i]) | uint32(p[i+1])<<8 | uint32(p[i+2])<<16 | uint32(p[i+3])<<24
}

func (p *window) u64(at uint8) uint64 {
	i := int(at)
	return uint64(p[i]) | uint64(p[i+1])<<8 | uint64(p[i+2])<<16 | uint64(p[i+3])<<24 |
		uint64(p[i+4])<<32 | uint64(p[i+5])<<40 | uint64(p[i+6])<<48 | uint64(p[i+7])<<56
}

// number returns the value in at.
func (q *quickDIE) number(p *window) uint32 { return p.u32(q.at)&q.atMask | q.atConst }

// value returns that of an enumerator; false if it takes more bytes than usual.
func (q *quickDIE) value(p *window) (v int64, ok bool) {
	if !q.signed {
		return int64(q.number(p)), true
	}
	b := p[q.at]
	return int64(int8(b<<1) >> 1), b < 0x80
}

// bitSize returns the size of a bit-field.
func (q *quickDIE) bitSize(p *window) uint32 { return uint32(p[q.bits]&q.bitMask | q.bitConst) }

// strp returns what identifies a name in .debug_str.
func (q *quickDIE) strp(p *window) uint64 { return strpKey | uint64(p.u32(q.name)) }

// text returns a name that stands in the DIE, and by how much it moves what comes behind
// it; 0 if it is empty or longer than 7 bytes.
func (q *quickDIE) text(p *window) (key uint64, shift int) {
	x := p.u64(q.name)
	zero := zeros(x)
	if zero == 0 {
		return 0, 0
	}
	k := bits.TrailingZeros64(zero) &^ 7
	return x & (1<<k - 1), k/8 + 1
}

// quickAt returns the layout of the DIE that rest begins with, nil if it is not quick, and
// the size of its abbreviation code. There must be quickRoom bytes.
func quickAt(quick []quickDIE, rest []byte) (q *quickDIE, at int) {
	die := (*[quickRoom]byte)(rest)
	code, at := uint(die[0]), 1
	if code >= 0x80 {
		code, at = code&0x7f|uint(die[1])<<7, 2
	}
	if code >= uint(len(quick)) {
		return nil, 0
	}
	return &quick[code], at
}

// quickOf compiles an abbreviation. Only 32-bit DWARF is quick, and the walk takes
// quick ways in little endian files only.
func quickOf(a *abbrev, is64 bool) quickDIE {
	q := quickDIE{op: quickOpOf(a), children: a.children, tag: a.tag, located: a.has.has(slotLocation)}
	if q.op == quickNone || is64 {
		return quickDIE{}
	}
	pos := 0
	for i := range a.steps {
		s := &a.steps[i]
		if pos += int(s.skip); pos > math.MaxUint8 {
			return quickDIE{}
		}
		if s.slot == slotName && s.op == opString && q.found == 0 {
			q.found, q.inline, q.name = foundName, true, uint8(pos)
			continue
		}
		if s.op == opSLEB && q.op == quickEnumerator && s.slot == slotConstValue {
			q.at, q.signed, q.found = uint8(pos), true, q.found|foundAt
			pos++ // most values are that short
			continue
		}
		if s.op != opFixed || s.slot != slotNone && !q.place(s, uint8(pos)) {
			return blocksOf(a, q.op)
		}
		pos += int(s.width)
	}
	if pos += int(a.tail); pos > math.MaxUint8 {
		return quickDIE{}
	}
	q.total = uint8(pos)
	switch q.op {
	case quickSkip, quickVariable, quickParameter:
		q.idle = !q.inline
	}
	switch q.op {
	case quickMember:
		switch {
		case q.inline:
			q.op = quickShort
		case q.found&foundName == 0:
			q.op = quickAnonymous
		}
		if q.found&foundType == 0 {
			return quickDIE{}
		}
	case quickBitField:
		if q.found != foundName|foundType|foundAt|foundBits {
			return quickDIE{}
		}
	case quickEnumerator:
		if q.found != foundName|foundAt {
			return quickDIE{}
		}
	case quickTypedef:
		if q.found&foundName == 0 {
			return quickDIE{}
		}
	case quickArray:
		if q.found&foundType == 0 {
			return quickDIE{}
		}
	case quickSubrange:
		if a.has.has(slotCount) {
			q.located = true
		}
	case quickDeclaration:
		if q.found&foundName == 0 || q.atConst != 1 {
			return quickDIE{}
		}
	case quickComposite, quickEnum:
		if q.found&foundAt == 0 {
			return quickDIE{}
		}
	}
	return q
}

// blocksOf is the layout of a DIE of no interest with one block of bytes or two, as
// expressions are.
func blocksOf(a *abbrev, op quickOp) quickDIE {
	q := quickDIE{op: quickBlocks, children: a.children, tag: a.tag}
	if op != quickSkip && op != quickVariable && op != quickParameter || a.act == actSubprogram {
		return quickDIE{}
	}
	gap := [3]uint32{}
	for i := range a.steps {
		s := &a.steps[i]
		gap[q.found] += s.skip
		switch {
		case s.op == opFixed:
			gap[q.found] += uint32(s.width)
		case (s.op == opBlockULEB || s.op == opBlock1) && q.found < 2:
			q.found++
		default:
			return quickDIE{}
		}
	}
	gap[q.found] += a.tail
	if q.found == 0 || max(gap[0], gap[1], gap[2]) > math.MaxUint8 {
		return quickDIE{}
	}
	q.total, q.at, q.bits = uint8(gap[0]), uint8(gap[1]), uint8(gap[2])
	return q
}

// skipBlocks returns what is left behind a DIE whose attributes rest begins with: bytes, a
// block with its length before it, bytes, and maybe that again. nil: a block is longer
// than 127 bytes.
func (q *quickDIE) skipBlocks(rest []byte) []byte {
	gaps := [...]uint8{q.total, q.at, q.bits}
	pos := int(gaps[0])
	for _, gap := range gaps[1 : 1+q.found&3] {
		if pos >= len(rest) || rest[pos] >= 0x80 {
			return nil
		}
		pos += 1 + int(rest[pos]) + int(gap)
	}
	if pos > len(rest) {
		return nil
	}
	return rest[pos:]
}

// quickOpOf is the operation for a DIE, if its attributes are as it needs them.
func quickOpOf(a *abbrev) quickOp {
	switch a.act {
	case actSkip:
		return quickSkip
	case actParameter:
		if !a.children {
			return quickParameter
		}
	case actVariable:
		if !a.children {
			return quickVariable
		}
	case actMember:
		switch {
		case a.children:
		case a.plain:
			return quickMember
		case a.has.has(slotBitSize) && a.has.has(slotDataBitOffset):
			return quickBitField
		}
	case actEnumerator:
		if !a.children {
			return quickEnumerator
		}
	case actPointer, actModifier:
		if !a.children {
			return quickReference
		}
	case actTypedef:
		if !a.children {
			return quickTypedef
		}
	case actProto:
		return quickProto
	case actArray:
		return quickArray
	case actSubrange:
		if !a.children && !a.has.has(slotLowerBound) && !(a.has.has(slotCount) && a.has.has(slotUpperBound)) {
			return quickSubrange
		}
	case actEnum:
		if !a.has.has(slotDeclaration) {
			return quickEnum
		}
	case actSubprogram:
		if a.has.has(slotDeclaration) {
			return quickSkip
		}
	case actComposite:
		switch {
		case !a.has.has(slotDeclaration):
			return quickComposite
		case !a.children:
			return quickDeclaration
		}
	}
	return quickNone
}

// place notes where an attribute of interest lies; false if the operation cannot do
// with it.
func (q *quickDIE) place(s *step, pos uint8) bool {
	switch q.op {
	case quickSkip:
		return s.slot != slotDeclaration || s.width == 0 && s.imm == 1
	case quickVariable:
		return true
	case quickParameter:
		if s.slot != slotType {
			return true
		}
	}
	switch s.slot {
	case slotName:
		if s.form == formStrp {
			q.name = pos
			q.found |= foundName
			return true
		}
	case slotType:
		switch q.op {
		case quickSubrange, quickEnum: // of no interest
			return true
		case quickComposite, quickDeclaration:
			return false
		}
		if s.form == formRef4 {
			q.typ = pos
			q.found |= foundType
			return true
		}
	case slotDataBitOffset:
		return q.op == quickBitField && q.placeNumber(s, pos)
	case slotBitSize:
		return q.op == quickBitField && q.placeBits(s, pos)
	case slotByteSize:
		switch q.op {
		case quickMember, quickDeclaration, quickArray, quickSubrange:
			return true
		case quickComposite, quickEnum:
			return q.placeNumber(s, pos)
		}
	case slotEncoding:
		return q.op == quickEnum
	case slotUpperBound, slotCount:
		return q.op == quickSubrange && q.placeNumber(s, pos)
	case slotMemberLocation:
		return q.op == quickMember && q.placeNumber(s, pos)
	case slotConstValue:
		return q.op == quickEnumerator && q.placeNumber(s, pos)
	case slotDeclaration:
		if q.op == quickDeclaration && s.width == 0 {
			q.atConst = uint32(s.imm)
			return true
		}
	}
	return false
}

// placeNumber notes a number of up to 4 bytes.
func (q *quickDIE) placeNumber(s *step, pos uint8) bool {
	switch s.form {
	case formData1, formData2, formData4, formImplicitConst:
	default:
		return false
	}
	if s.imm > math.MaxUint32 {
		return false
	}
	q.at, q.atMask, q.atConst = pos, uint32(s.mask), uint32(s.imm)
	q.found |= foundAt
	return true
}

// placeBits notes the size of a bit-field.
func (q *quickDIE) placeBits(s *step, pos uint8) bool {
	if s.form != formData1 && s.form != formImplicitConst || s.imm > math.MaxUint8 {
		return false
	}
	q.bits, q.bitMask, q.bitConst = pos, uint8(s.mask), uint8(s.imm)
	q.found |= foundBits
	return true
}
