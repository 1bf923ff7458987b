package dwarf2btf

import (
	"fmt"
)

// step decodes one attribute of interest. Fixed-size attributes of no interest
// before it are part of skip; those of variable size are steps into slotNone.
type step struct {
	mask  uint64 // of the bits that an opFixed value has, little endian
	imm   uint64 // the value of DW_FORM_implicit_const and flag_present
	skip  uint32 // bytes before the value
	form  uint16
	op    decoding
	width uint8 // bytes of an opFixed value
	shift uint8 // 64 minus the bits of an opFixed value, for big endian
	slot  slot
}

// abbrev is one entry of .debug_abbrev, compiled into what is to be done with
// DIEs that use it.
type abbrev struct {
	steps    []step
	has      attrMask // slots that the steps fill
	tail     uint32   // bytes behind the last step
	tag      uint16   // 0: no such abbreviation
	nameForm uint16
	typeForm uint16
	act      action
	children bool
	plain    bool // a member at a constant byte offset, without bit size and annotations

	first, last uint32 // steps in the table's slab, while it grows
}

// form returns the form of an attribute, 0 if the abbreviation does not have it.
func (a *abbrev) form(s slot) uint16 {
	for i := range a.steps {
		if a.steps[i].slot == s {
			return a.steps[i].form
		}
	}
	return 0
}

// abbrevKey identifies a compiled table. The same bytes compile differently for
// units of another version or format.
type abbrevKey struct {
	section  int
	off      uint64
	version  uint8
	addrSize uint8
	is64     bool
}

// abbrevTable is one table of .debug_abbrev.
type abbrevTable struct {
	dense  []abbrev           // by code
	quick  []quickDIE         // by code, as many as dense
	sparse map[uint64]*abbrev // codes that would make dense too large
	slab   []step
	more   []abbrev // the entries behind sparse
	// crossing is set if an attribute of interest may lead to another unit.
	crossing bool
}

// lookup returns the entry for a code, nil if there is none.
func (t *abbrevTable) lookup(code uint64) *abbrev {
	if code < uint64(len(t.dense)) {
		if a := &t.dense[code]; a.tag != 0 {
			return a
		}
		return nil
	}
	return t.sparse[code]
}

// notFixed marks forms that fixedWidths does not tell the size of.
const notFixed = 0xff

// fixedWidths lists the sizes of values by form.
func fixedWidths(h *unitHeader) (w [formAddrx4 + 1]uint8) {
	for form := range w {
		w[form] = notFixed
		if o, n := formOp(uint16(form), h); o == opFixed && form != formImplicitConst {
			w[form] = n
		}
	}
	return w
}

// maxSkip bounds the fixed bytes of one DIE: far above anything real, and small
// enough that positions cannot overflow.
const maxSkip = 1 << 24

// compile reads the table at off of a .debug_abbrev section for units like h,
// reusing the memory of t. It returns the length of the table in bytes.
func (t *abbrevTable) compile(section []byte, off uint64, h *unitHeader, declFiles bool) (int, error) {
	t.dense, t.quick, t.slab, t.more, t.sparse, t.crossing = t.dense[:0], t.quick[:0], t.slab[:0], t.more[:0], nil, false
	if off > uint64(len(section)) {
		return 0, malformed(".debug_abbrev", off, "a unit's table lies outside the section of %d bytes", len(section))
	}
	type sparse struct {
		code uint64
		i    int
	}
	var far []sparse
	widths := fixedWidths(h)
	entries := uint64(0)
	p := section[off:]
	pos := 0
	bad := func(format string, args ...any) (int, error) {
		return 0, malformed(".debug_abbrev", off+uint64(pos), format, args...)
	}
	next := func() (uint64, bool) {
		if pos < len(p) && p[pos] < 0x80 {
			pos++
			return uint64(p[pos-1]), true
		}
		v, n := uleb128(p[pos:])
		pos += n
		return v, n > 0
	}
	for {
		if pos >= len(p) {
			break // a table that ends with the section, as old assemblers leave it
		}
		code, ok := next()
		if !ok {
			return bad("truncated")
		}
		if code == 0 {
			break
		}
		tag, ok := next()
		if !ok || pos >= len(p) {
			return bad("truncated")
		}
		if tag == 0 || tag > 0xffff {
			return bad("abbreviation %d has the tag %#x", code, tag)
		}
		a := abbrev{tag: uint16(tag), children: p[pos] != 0, act: actionOf(uint16(tag)), first: uint32(len(t.slab))}
		pos++
		want := wantedOf(a.tag)
		if !declFiles {
			want &^= 1 << slotDeclFile
		}
		skip := uint32(0)
		for {
			at, ok1 := next()
			form, ok2 := next()
			if !ok1 || !ok2 {
				return bad("truncated")
			}
			sl := slotOf(at)
			if form < uint64(len(widths)) && want>>sl&1 == 0 && widths[form] != notFixed {
				// Most attributes: of no interest and of a known size.
				if skip += uint32(widths[form]); skip > maxSkip {
					return bad("abbreviation %d describes more than %d bytes", code, maxSkip)
				}
				continue
			}
			s := step{form: uint16(form), slot: slotNone}
			if form == formImplicitConst {
				v, n := sleb128(p[pos:])
				if n == 0 {
					return bad("truncated")
				}
				pos += n
				s.imm = uint64(v)
			} else if at == 0 && form == 0 {
				break
			}
			if form > 0xffff {
				return bad("unknown form %#x", form)
			}
			if s.op, s.width = formOp(s.form, h); s.op == opUnknown {
				return bad("unknown form %#x", form)
			}
			if form == formFlagPresent {
				s.imm = 1
			}
			if want>>sl&1 != 0 && !a.has.has(sl) {
				s.slot = sl
			}
			if s.slot == slotNone && s.op == opFixed {
				if skip += uint32(s.width); skip > maxSkip {
					return bad("abbreviation %d describes more than %d bytes", code, maxSkip)
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
				t.crossing = t.crossing || crosses(s.form, s.slot)
				switch s.slot {
				case slotName:
					a.nameForm = s.form
				case slotType:
					a.typeForm = s.form
				}
			}
			t.slab = append(t.slab, s)
		}
		a.tail, a.last = skip, uint32(len(t.slab))
		a.plain = a.tag == tagMember && isPlainMember(t.slab[a.first:a.last])
		t.crossing = t.crossing || a.tag == tagImportedUnit
		// Compilers number from 1 without gaps. Whatever else there is must not take
		// memory in proportion to the numbers.
		if entries++; code < 2*entries+64 {
			for uint64(len(t.dense)) <= code {
				t.dense, t.quick = append(t.dense, abbrev{}), append(t.quick, quickDIE{})
			}
			if t.dense[code].tag != 0 {
				return bad("abbreviation %d is there twice", code)
			}
			t.dense[code], t.quick[code] = a, quickOf(&a, t.slab[a.first:a.last], h)
		} else {
			far = append(far, sparse{code, len(t.more)})
			t.more = append(t.more, a)
		}
	}
	for i := range t.dense {
		a := &t.dense[i]
		a.steps = t.slab[a.first:a.last:a.last]
	}
	for i := range t.more {
		a := &t.more[i]
		a.steps = t.slab[a.first:a.last:a.last]
	}
	for _, f := range far {
		if t.lookup(f.code) != nil {
			return bad("abbreviation %d is there twice", f.code)
		}
		if f.code < uint64(len(t.dense)) {
			t.dense[f.code] = t.more[f.i]
			continue
		}
		if t.sparse == nil {
			t.sparse = make(map[uint64]*abbrev, len(far))
		}
		t.sparse[f.code] = &t.more[f.i]
	}
	return pos, nil
}

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

// table returns the compiled table for a unit. Tables are kept for as long as
// the current piece of work needs them, and a few longer.
func (w *Worker) table(h *unitHeader) (*abbrevTable, error) {
	key := abbrevKey{h.abbrevSec, h.abbrevOff, h.version, h.addrSize, h.is64}
	if t := w.tables[key]; t != nil {
		return t, nil
	}
	var t *abbrevTable
	if n := len(w.freeTables); n > 0 {
		t, w.freeTables = w.freeTables[n-1], w.freeTables[:n-1]
	} else {
		t = new(abbrevTable)
	}
	n, err := t.compile(w.c.abbrevs[h.abbrevSec], h.abbrevOff, h, w.c.opts.DeclFiles)
	if err == nil {
		err = w.c.countAbbrevs(n, h)
	}
	if err != nil {
		w.freeTables = append(w.freeTables, t)
		return nil, fmt.Errorf("unit at %#x: %w", h.off, err)
	}
	w.tables[key] = t
	return t, nil
}

// limitAbbrevs bounds the work with abbreviations: every table is read once to see
// whether it leads out of its unit, and once or a few times by each worker. What a
// compiler makes takes no more than some times the size of the sections.
func (c *Converter) limitAbbrevs() {
	size := uint64(0)
	for _, s := range c.abbrevs {
		size += uint64(len(s))
	}
	for i := range c.sections {
		size += c.sections[i].Size()
	}
	c.abbrevMost = 64<<20 + 64*int64(size)
}

// countAbbrevs accounts for a table that was read.
func (c *Converter) countAbbrevs(n int, h *unitHeader) error {
	if c.abbrevWork.Add(int64(n)) > c.abbrevMost {
		return malformed(".debug_abbrev", h.abbrevOff, "the tables of units overlap, or are too many for their size")
	}
	return nil
}

// keptTables is the number of compiled tables that outlive a piece of work.
const keptTables = 8

// dropTables makes the memory of tables that nobody uses any more available
// again, unless they are few.
func (w *Worker) dropTables() {
	if len(w.tables) <= keptTables {
		return
	}
	for _, t := range w.tables {
		if len(w.freeTables) <= keptTables {
			w.freeTables = append(w.freeTables, t)
		}
	}
	clear(w.tables)
}
