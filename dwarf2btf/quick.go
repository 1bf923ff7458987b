package dwarf2btf

import (
	"encoding/binary"
	"math"
	"math/bits"

	"mkbtf/btf"
)

// quickOp is what the walk does with a DIE whose attributes all have a known size,
// as nearly all have that GCC writes. Such a DIE needs no loop over its attributes:
// what is of interest lies at fixed places.
type quickOp uint8

const (
	quickNone quickOp = iota
	quickSkip
	quickMember      // named
	quickAnonymous   // a member without a name
	quickBitField    // offset in bits in at
	quickEnumerator  // value in at
	quickParameter   // of a subroutine type: type only; else as actParameter
	quickVariable    // skipped where it cannot be a VAR
	quickReference   // pointer or qualifier
	quickTypedef     //
	quickComposite   // size in at
	quickDeclaration // of a struct or union
	quickProto       //
)

// quickDIE is the layout of such a DIE. Positions count from the first attribute. A
// name that stands in the DIE itself (DW_FORM_string) must come before all else of
// interest, and positions behind it count as if it took no bytes.
type quickDIE struct {
	op       quickOp
	children bool
	inline   bool // the name is a DW_FORM_string
	located  bool // quickVariable: has a location
	total    uint8
	name     uint8
	typ      uint8
	at       uint8 // member: byte offset; composite: size; enumerator: value
	atWidth  uint8 // in bytes, 0: atConst alone
	bits     uint8 // quickBitField: its size, as for at
	bitWidth uint8
	bitConst uint8
	found    uint8 // what is there: foundName, foundType, foundAt
	tag      uint16
	atConst  uint32
}

const (
	foundName = 1 << iota
	foundType
	foundAt
	foundBits
)

// quickWindow is how many bytes must follow the abbreviation code of a quick DIE, so
// that no position can be out of range: the largest position, a short name, a value.
const quickWindow = math.MaxUint8 + 8 + 8 + 1

// quick does what a quick DIE at off calls for. p begins with its attributes, and n is
// their length. It does nothing and returns false if there is anything unusual, which
// is left to the long way.
func (w *Worker) quick(q *quickDIE, f *frame, off uint32, p *window) (n int, ok bool) {
	n = int(q.total)
	kind, typ := frameOther, int32(-1)
	switch q.op {
	case quickMember, quickAnonymous, quickBitField, quickEnumerator: // see run
		return 0, false
	case quickParameter, quickVariable, quickSkip:
		if q.inline {
			key, shift := q.nameKey(p)
			if key == 0 {
				return 0, false
			}
			n += shift
		}
		switch q.op {
		case quickParameter:
			if f.kind == frameFunction {
				w.params = append(w.params, rawParam{off: off, function: f.item, kind: rawNamed})
			}
			return n, f.kind != frameProto
		case quickVariable:
			return n, f.kind != frameUnit || !q.located
		}
		if q.children && f.kind == frameOther {
			f.depth++
			return n, true
		}
	case quickReference:
		ref, ok := w.quickRef(q, p, 0)
		if !ok {
			return 0, false
		}
		t := btf.Type{Kind: btf.Ptr, Ref: btf.ID(ref)}
		if q.tag != tagPointerType {
			t.Kind = modifierKind(q.tag)
		}
		w.addType(off, t)
		return n, true
	case quickProto:
		ref, ok := w.quickRef(q, p, 0)
		if !ok {
			return 0, false
		}
		typ = w.addType(off, btf.Type{Kind: btf.FuncProto, Ref: btf.ID(ref)})
		kind = frameProto
	case quickTypedef:
		name, shift := w.quickName(q, p)
		ref, ok := w.quickRef(q, p, shift)
		if name == 0 || !ok {
			return 0, false
		}
		w.addType(off, btf.Type{Kind: btf.Typedef, Name: btf.Str(name), Ref: btf.ID(ref)})
		return n + shift, true
	case quickDeclaration:
		name, shift := w.quickName(q, p)
		if name == 0 {
			return 0, false
		}
		w.addType(off, btf.Type{Kind: btf.Fwd, Name: btf.Str(name), Flag: q.tag == tagUnionType})
		return n + shift, true
	case quickComposite:
		t := btf.Type{Kind: btf.Struct}
		if q.tag == tagUnionType {
			t.Kind = btf.Union
		}
		shift := 0
		if q.found&foundName != 0 {
			var name uint32
			if name, shift = w.quickName(q, p); name == 0 {
				return 0, false
			}
			t.Name = btf.Str(name)
		}
		t.Size = q.number(p, shift)
		n += shift
		typ = w.addType(off, t)
		kind = frameComposite
	}
	if q.children {
		w.push(off, typ, -1, q.tag, kind)
	}
	return n, true
}

// run takes in the quick members, enumerators or parameters at pos that are children of
// f, and returns the position of the first DIE that is none or has anything unusual.
// Half of all DIEs of a kernel are members, so this is where most time goes.
func (w *Worker) run(f *frame, quick []quickDIE, pos, safe int) int {
	data, names := w.data, &w.names
	log, cursor := names.log, names.cursor
	list := &w.members
	if f.flags&inPending != 0 {
		list = &w.pending
	}
	members := *list
	base, end := w.cur.base, uint32(len(data))
	kind, maxBit := f.kind, f.maxBit
children:
	for pos < safe {
		code, at := uint32(data[pos]), pos+1
		if code >= 0x80 {
			next := data[at]
			if next >= 0x80 {
				break
			}
			code = code&0x7f | uint32(next)<<7
			at++
		}
		if code >= uint32(len(quick)) {
			break
		}
		q := &quick[code]
		p := (*window)(data[at:])
		var m btf.Member
		shift := 0
		switch q.op {
		case quickMember, quickBitField, quickEnumerator:
			var key uint64
			if key, shift = q.nameKey(p); key == 0 || (kind == frameEnum) != (q.op == quickEnumerator) || kind == frameProto {
				break children
			}
			if cursor < len(log) && log[cursor].key == key {
				m.Name = btf.Str(log[cursor].name)
				cursor++
				break
			}
			names.cursor = cursor
			name := w.logged(key)
			log, cursor = names.log, names.cursor
			if name&badName != 0 || name == 0 && kind == frameEnum {
				break children
			}
			m.Name = btf.Str(name)
		case quickAnonymous:
			if kind != frameComposite {
				break children
			}
		case quickParameter:
			if kind != frameProto {
				break children
			}
			if q.inline {
				var key uint64
				if key, shift = q.nameKey(p); key == 0 {
					break children
				}
			}
		default:
			break children
		}
		m.Off = q.number(p, shift)
		if q.op == quickBitField {
			if m.Bits = q.bitSize(p, shift); m.Bits == 0 {
				break
			}
			f.flags |= bitFields
		}
		if kind != frameEnum {
			ref := q.ref(p, shift)
			if ref == 0 || ref >= end {
				break
			}
			m.Type = btf.ID(base + ref)
			if kind == frameProto {
				m.Off = 0
			} else {
				if m.Bits == 0 {
					if m.Off > maxByteOffset {
						break
					}
					m.Off *= 8
				}
				if m.Off < maxBit {
					f.flags |= outOfOrder
				} else {
					maxBit = m.Off
				}
			}
		}
		members = append(members, m)
		pos = at + int(q.total) + shift
	}
	*list = members
	names.cursor, f.maxBit = cursor, maxBit
	return pos
}

// quickRef returns the offset in the piece of the type that a DIE refers to, 0 if it
// refers to none, and whether it lies in the unit.
func (w *Worker) quickRef(q *quickDIE, p *window, shift int) (uint32, bool) {
	if q.found&foundType == 0 {
		return 0, true
	}
	ref := q.ref(p, shift)
	return w.cur.base + ref, ref != 0 && uint64(ref) < uint64(len(w.data))
}

// quickName returns the name of a type, 0 if there is anything unusual about it.
func (w *Worker) quickName(q *quickDIE, p *window) (name uint32, shift int) {
	key, shift := q.nameKey(p)
	if key == 0 {
		return 0, 0
	}
	if name = w.typeNamed(key); name&badName != 0 {
		return 0, 0
	}
	return name, shift
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
		if s.op != opFixed || s.slot != slotNone && !q.place(s, uint8(pos)) {
			return quickDIE{}
		}
		pos += int(s.width)
	}
	if pos += int(a.tail); pos > math.MaxUint8 {
		return quickDIE{}
	}
	q.total = uint8(pos)
	switch q.op {
	case quickMember:
		if q.found&foundName == 0 {
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
	case quickDeclaration:
		if q.found&foundName == 0 || q.atConst != 1 {
			return quickDIE{}
		}
	case quickComposite:
		if q.found&foundAt == 0 {
			return quickDIE{}
		}
	}
	return q
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
	case quickSkip, quickVariable:
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
		if s.form == formRef4 && q.op != quickComposite && q.op != quickDeclaration {
			q.typ = pos
			q.found |= foundType
			return true
		}
	case slotDataBitOffset:
		return q.op == quickBitField && q.value(s, pos)
	case slotBitSize:
		return q.op == quickBitField && q.bitValue(s, pos)
	case slotByteSize:
		return q.op == quickMember || q.op == quickDeclaration || q.op == quickComposite && q.value(s, pos)
	case slotMemberLocation:
		return q.op == quickMember && q.value(s, pos)
	case slotConstValue:
		return q.op == quickEnumerator && q.value(s, pos)
	case slotDeclaration:
		if q.op == quickDeclaration && s.width == 0 {
			q.atConst = uint32(s.imm)
			return true
		}
	}
	return false
}

// value notes a number of up to 4 bytes.
func (q *quickDIE) value(s *step, pos uint8) bool {
	switch s.form {
	case formData1, formData2, formData4, formImplicitConst:
	default:
		return false
	}
	if s.imm > math.MaxUint32 {
		return false
	}
	q.at, q.atWidth, q.atConst = pos, s.width, uint32(s.imm)
	q.found |= foundAt
	return true
}

// bitValue notes the size of a bit-field.
func (q *quickDIE) bitValue(s *step, pos uint8) bool {
	if s.form != formData1 && s.form != formImplicitConst || s.imm > math.MaxUint8 {
		return false
	}
	q.bits, q.bitWidth, q.bitConst = pos, s.width, uint8(s.imm)
	q.found |= foundBits
	return true
}

// window is a part of a unit from the first attribute of a DIE on.
type window = [quickWindow]byte

// nameKey returns what identifies the name of a DIE without a look at the text, and
// by how much it moves what comes behind. 0: the name is empty or longer than 7 bytes
// and not in .debug_str.
func (q *quickDIE) nameKey(p *window) (key uint64, shift int) {
	if !q.inline {
		return strpKey | uint64(binary.LittleEndian.Uint32(p[q.name:])), 0
	}
	x := binary.LittleEndian.Uint64(p[q.name:])
	zero := (x - 0x0101010101010101) &^ x & 0x8080808080808080 // the lowest bit marks the first NUL
	if zero == 0 {
		return 0, 0
	}
	k := bits.TrailingZeros64(zero) &^ 7
	return x & (1<<k - 1), k/8 + 1
}

// ref returns the reference to a type, 0 if there is none.
func (q *quickDIE) ref(p *window, shift int) uint32 {
	if q.found&foundType == 0 {
		return 0
	}
	return binary.LittleEndian.Uint32(p[int(q.typ)+shift:])
}

// number returns the value in at.
func (q *quickDIE) number(p *window, shift int) uint32 {
	return binary.LittleEndian.Uint32(p[int(q.at)+shift:])&(1<<(8*q.atWidth)-1) | q.atConst
}

// bitSize returns the size of a bit-field.
func (q *quickDIE) bitSize(p *window, shift int) uint32 {
	return uint32(p[int(q.bits)+shift]&(1<<(8*q.bitWidth)-1) | q.bitConst)
}

// isMember reports whether a DIE is one that ends up in Type.Members of a struct, union
// or enum.
func (op quickOp) isMember() bool { return op >= quickMember && op <= quickEnumerator }
