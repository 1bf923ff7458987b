package dwarf2btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// declarations are the abbreviations of all tables so far. Nearly all have come before,
// under another code, and are known again by their bytes, which end where they say.
type declarations struct {
	declKind
	declFiles bool
	widths    [formAddrx4 + 1]uint8 // by form
	quick     []quickDIE            // by number, from 1 on
	long      []abbrev              // by number
	cross     []bool                // by number: an attribute of interest may lead to another unit
	text      []byte
	slots     []declSlot // by hash
	slab      []step     // memory for steps
}

// declKind is what the meaning of an abbreviation depends on.
type declKind struct {
	version  uint8
	addrSize uint8
	is64     bool
}

// declSlot is an abbreviation without its code.
type declSlot struct {
	hash uint32
	n    uint32 // number, 0: free
	text uint32 // where its bytes begin in declarations.text
	size uint32
}

// newDeclarations expects tables of so many bytes. The more there are, the more often the same
// abbreviations come again: a kernel has one for each 600 bytes.
func newDeclarations(k declKind, declFiles bool, total int) *declarations {
	n := max(256, min(total/512, 1<<14))
	d := &declarations{
		declKind: k, declFiles: declFiles,
		quick: make([]quickDIE, 1, n), long: make([]abbrev, 1, n), cross: make([]bool, 1, n), text: make([]byte, 0, 16*n),
		slots: make([]declSlot, 1<<bits.Len(uint(2*n))),
	}
	h := k.header()
	for form := range d.widths {
		d.widths[form] = notFixed
		if o, n := formOp(uint16(form), h); o == opFixed && form != formImplicitConst {
			d.widths[form] = n
		}
	}
	return d
}

// header is a unit of the kind.
func (k declKind) header() *unitHeader {
	return &unitHeader{version: k.version, addrSize: k.addrSize, is64: k.is64}
}

// notFixed marks forms that declarations.widths does not tell the size of.
const notFixed = 0xff

// number returns the number of the abbreviation that p begins with, behind its code,
// and its size in bytes; with an error, how far it was read.
func (d *declarations) number(p []byte) (n uint32, size int, err error) {
	h, size := declHash(p)
	mask := uint32(len(d.slots) - 1)
	i := h & mask
	for range maxProbes {
		s := &d.slots[i]
		if s.n == 0 {
			break
		}
		if s.hash == h {
			// Where size is right, and need not come from the slot, the processor can begin
			// with the next abbreviation while it waits for this one.
			if int(s.size) != size {
				size = int(s.size)
			}
			if len(p) >= size && string(d.text[s.text:][:size]) == string(p[:size]) {
				return s.n, size, nil
			}
		}
		i = (i + 1) & mask
	}
	return d.add(p, h, i)
}

// add is number for what is not known yet, whose place is slot i if that is free.
func (d *declarations) add(p []byte, h, i uint32) (n uint32, size int, err error) {
	var a abbrev
	if size, err = d.compile(&a, p); err != nil {
		return 0, size, err
	}
	n = uint32(len(d.long))
	d.quick, d.long, d.cross = append(d.quick, quickOf(&a, d.is64)), append(d.long, a), append(d.cross, a.crosses())
	if s := &d.slots[i]; s.n == 0 {
		*s = declSlot{h, n, uint32(len(d.text)), uint32(size)}
		d.text = append(d.text, p[:size]...)
		if len(d.long)*2 > len(d.slots) {
			d.grow()
		}
	}
	return n, size, nil
}

// grow makes room for twice as many.
func (d *declarations) grow() {
	old := d.slots
	d.slots = make([]declSlot, 2*len(old))
	mask := uint32(len(d.slots) - 1)
	for _, s := range old {
		i := s.hash & mask
		for s.n != 0 && d.slots[i].n != 0 {
			i = (i + 1) & mask
		}
		if s.n != 0 {
			d.slots[i] = s
		}
	}
}

// longestHashed bounds what is hashed of an abbreviation, in words of 8 bytes.
const longestHashed = 8

// declHash hashes the bytes of the abbreviation that p begins with up to two zeros. These
// are nearly always its end, and size is what it has then.
func declHash(p []byte) (hash uint32, size int) {
	h := uint64(0x9e3779b97f4a7c15)
	from := uint64(0xffff) // the zero that says that there are no children is none of them
	for range longestHashed {
		var x uint64
		if len(p)-size >= 8 {
			x = binary.LittleEndian.Uint64(p[size:])
		} else {
			var b [8]byte
			copy(b[:], p[min(size, len(p)):])
			x = binary.LittleEndian.Uint64(b[:])
		}
		zero := zeros(x)
		end := zero & (zero >> 8) &^ from
		from = 0
		if end != 0 {
			k := bits.TrailingZeros64(end) &^ 7
			hi, lo := bits.Mul64(h^x&(1<<k-1), 0xd6e8feb86659fd93)
			return uint32(hi ^ lo), size + k/8 + 2
		}
		hi, lo := bits.Mul64(h^x, 0xa0761d6478bd642f)
		h = hi ^ lo
		if size += 8; zero>>63 != 0 && size < len(p) && p[size] == 0 {
			return uint32(h), size + 1
		}
	}
	return uint32(h), size
}

// maxSkip bounds the fixed bytes of one DIE: far above anything real, and small
// enough that positions cannot overflow.
const maxSkip = 1 << 24

var errTruncated = errors.New("truncated")

// compile reads the abbreviation that p begins with, behind its code, and returns how far it
// has read.
func (d *declarations) compile(a *abbrev, p []byte) (pos int, err error) {
	next := func() (uint64, bool) {
		if pos < len(p) && p[pos] < 0x80 {
			pos++
			return uint64(p[pos-1]), true
		}
		v, n := uleb128(p[pos:])
		pos += n
		return v, n > 0
	}
	tag, ok := next()
	if !ok || pos >= len(p) {
		return pos, errTruncated
	}
	if tag == 0 || tag > 0xffff {
		return pos, fmt.Errorf("tag %#x", tag)
	}
	a.tag, a.children, a.act = uint16(tag), p[pos] != 0, actionOf(uint16(tag))
	pos++
	want := wantedOf(a.tag)
	if !d.declFiles {
		want &^= 1 << slotDeclFile
	}
	head := d.header()
	if cap(d.slab)-len(d.slab) < 64 {
		d.slab = make([]step, 0, 1<<10)
	}
	steps := d.slab[len(d.slab):]
	skip := uint32(0)
	for {
		at, ok1 := next()
		form, ok2 := next()
		if !ok1 || !ok2 {
			return pos, errTruncated
		}
		sl := slotOf(at)
		if form < uint64(len(d.widths)) && want>>sl&1 == 0 && d.widths[form] != notFixed {
			// Most attributes: of no interest and of a known size.
			if skip += uint32(d.widths[form]); skip > maxSkip {
				return pos, tooWide()
			}
			continue
		}
		s := step{form: uint16(form), slot: slotNone}
		if form == formImplicitConst {
			v, n := sleb128(p[pos:])
			if n == 0 {
				return pos, errTruncated
			}
			pos += n
			s.imm = uint64(v)
		} else if at == 0 && form == 0 {
			break
		}
		if form > 0xffff {
			return pos, fmt.Errorf("unknown form %#x", form)
		}
		if s.op, s.width = formOp(s.form, head); s.op == opUnknown {
			return pos, fmt.Errorf("unknown form %#x", form)
		}
		if form == formFlagPresent {
			s.imm = 1
		}
		if want>>sl&1 != 0 && !a.has.has(sl) {
			s.slot = sl
		}
		if s.slot == slotNone && s.op == opFixed {
			if skip += uint32(s.width); skip > maxSkip {
				return pos, tooWide()
			}
			continue
		}
		s.skip, skip = skip, 0
		s.shift = 64 - 8*s.width
		s.mask = ^uint64(0) >> s.shift
		if s.width == 0 {
			s.mask = 0
		}
		if s.slot != slotNone {
			a.has |= 1 << s.slot
			switch s.slot {
			case slotName:
				a.nameForm = s.form
			case slotType:
				a.typeForm = s.form
			}
		}
		steps = append(steps, s)
	}
	a.tail = skip
	a.steps = steps[:len(steps):len(steps)]
	if n := len(d.slab) + len(steps); n <= cap(d.slab) {
		d.slab = d.slab[:n]
	}
	a.plain = a.tag == tagMember && isPlainMember(a.steps)
	return pos, nil
}

func tooWide() error { return fmt.Errorf("it describes more than %d bytes", maxSkip) }

// references are the slots of attributes that refer to DIEs.
var references = attrMask(slots(slotType, slotSpecification, slotAbstractOrigin, slotSignature, slotAnnotation, slotImport))

// crosses reports whether an attribute leads, or may lead, out of its unit.
func crosses(form uint16, s slot) bool {
	switch form {
	case formRefAddr, formRefSig8, formIndirect, formRefSup4, formRefSup8, formGNURefAlt:
		return references.has(s)
	}
	return false
}

// crosses reports whether an attribute of the DIE leads, or may lead, out of its unit.
func (a *abbrev) crosses() bool {
	if a.tag == tagImportedUnit {
		return true
	}
	for i := range a.steps {
		if crosses(a.steps[i].form, a.steps[i].slot) {
			return true
		}
	}
	return false
}

// isPlainMember reports whether a member needs nothing but its name, type and a
// constant byte offset (or none, in a union).
func isPlainMember(steps []step) bool {
	for i := range steps {
		s := &steps[i]
		switch s.slot {
		case slotName, slotType, slotNone, slotByteSize:
		case slotMemberLocation:
			switch s.form {
			case formData1, formData2, formData4, formData8, formUdata, formImplicitConst:
			default:
				return false
			}
		default:
			return false
		}
	}
	return true
}
