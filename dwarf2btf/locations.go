package dwarf2btf

import (
	"github.com/go-delve/delve/pkg/dwarf/op"
)

// place is where a parameter lies when its function is entered, as far as the
// debug information tells.
type place struct {
	reg   uint64
	known bool // reg holds
}

// parameterPlace finds the register of a parameter from its DW_AT_location: the
// first range of a list, or the register that an entry value names.
func (w *Worker) parameterPlace(form uint16, v uint64) (place, error) {
	switch form {
	case formExprloc, formBlock1, formBlock2, formBlock4, formBlock:
		p, _ := registerOf(w.bytes(v))
		return p, nil
	case formLoclistx:
		off, err := w.loclistx(v)
		if err != nil {
			return place{}, err
		}
		return w.loclists(off)
	case formSecOffset, formData4, formData8:
		if w.cur.version >= 5 {
			return w.loclists(v)
		}
		return w.locList(v)
	}
	return place{}, nil
}

// registerOf looks at one location expression. entry is set if it names the
// value that a register had at the entry.
func registerOf(expr []byte) (p place, entry bool) {
	if len(expr) == 0 {
		return place{}, false
	}
	o := op.Opcode(expr[0])
	switch {
	case o >= op.DW_OP_reg0 && o <= op.DW_OP_reg31:
		return place{uint64(o - op.DW_OP_reg0), true}, false
	case o == op.DW_OP_regx:
		reg, n := uleb128(expr[1:])
		return place{reg, n > 0}, false
	case o >= op.DW_OP_breg0 && o <= op.DW_OP_breg31:
		// The parameter's value is computed from a register.
		if expr[len(expr)-1] == byte(op.DW_OP_stack_value) {
			return place{uint64(o - op.DW_OP_breg0), true}, false
		}
	case o == opEntryValue || o == opGNUEntryValue:
		n, k := uleb128(expr[1:])
		rest := expr[1+k:]
		if k > 0 && n > 0 && n <= uint64(len(rest)) {
			p, _ := registerOf(rest[:n])
			return p, p.known
		}
	}
	return place{}, false
}

// listState looks at the entries of a location list one by one.
type listState struct {
	n int
	place
	done bool
}

func (s *listState) entry(expr []byte) {
	p, entry := registerOf(expr)
	if p.known && (s.n == 0 || entry) {
		s.place, s.done = p, true
	}
	s.n++
}

// maxListEntries bounds the entries of a location list that are looked at.
const maxListEntries = 1 << 12

// loclists reads a list of .debug_loclists (DWARF 5, 7.7.3). Only the lengths of
// entries and their expressions matter, so no relocation does.
func (w *Worker) loclists(off uint64) (place, error) {
	data, err := w.c.shared.loclists.raw(w.c.src.Loclists, ".debug_loclists")
	if err != nil {
		return place{}, err
	}
	var s listState
	pos := off
	short := func() (place, error) {
		return place{}, malformed(".debug_loclists", off, "location list runs past the end of the section")
	}
	for steps := 0; !s.done && steps < maxListEntries; steps++ {
		if pos >= uint64(len(data)) {
			return short()
		}
		kind := data[pos]
		pos++
		fixed, ulebs, hasExpr := uint64(0), 0, true
		addr := uint64(w.cur.addrSize)
		switch kind {
		case 0: // end_of_list
			return s.place, nil
		case 1: // base_addressx
			ulebs, hasExpr = 1, false
		case 2, 3, 4: // startx_endx, startx_length, offset_pair
			ulebs = 2
		case 5: // default_location
		case 6: // base_address
			fixed, hasExpr = addr, false
		case 7: // start_end
			fixed = 2 * addr
		case 8: // start_length
			fixed, ulebs = addr, 1
		case 9: // GNU_view_pair
			ulebs, hasExpr = 2, false
		default:
			return place{}, malformed(".debug_loclists", pos-1, "unknown location list entry %#x", kind)
		}
		if fixed > uint64(len(data))-pos {
			return short()
		}
		pos += fixed
		if hasExpr {
			ulebs++
		}
		length := uint64(0)
		for range ulebs {
			v, n := uleb128(data[pos:])
			if n == 0 {
				return short()
			}
			length = v
			pos += uint64(n)
		}
		if !hasExpr {
			continue
		}
		if length > uint64(len(data))-pos {
			return short()
		}
		s.entry(data[pos : pos+length])
		pos += length
	}
	return s.place, nil
}

// loclistx returns the offset of a list from its index in the unit's table.
func (w *Worker) loclistx(index uint64) (uint64, error) {
	data, err := w.c.shared.loclists.raw(w.c.src.Loclists, ".debug_loclists")
	if err != nil {
		return 0, err
	}
	base := w.cur.loclistsBase
	if base == 0 {
		base = 12
		if w.cur.is64 {
			base = 20
		}
	}
	off, err := w.indexed(data, ".debug_loclists", base, index, int(w.cur.offsetSize()))
	return base + off, err
}

// maxLocBytes bounds the bytes of a location list that are looked at.
const maxLocBytes = 1 << 16

// locChunk is how much of a location list is read at a time.
const locChunk = 512

// locList reads a list of .debug_loc (DWARF 2 to 4, 2.6.2), whose end shows only
// when its addresses are relocated.
func (w *Worker) locList(off uint64) (place, error) {
	sec := w.c.src.Loc
	if sec == nil {
		return place{}, malformed(".debug_loc", off, "a unit needs the section, which the file lacks")
	}
	addr := int(w.cur.addrSize)
	var s listState
	for n := uint64(locChunk); ; n *= 4 {
		if n > maxLocBytes {
			return s.place, nil
		}
		if off > sec.Size() {
			return place{}, malformed(".debug_loc", off, "location list outside the section")
		}
		n = min(n, sec.Size()-off)
		data, err := sec.Read(off, n, w.locBuf)
		if err != nil {
			return place{}, unreadable(".debug_loc", off, err)
		}
		d := decoder{data: data, big: w.big}
		s = listState{}
		for pos := 0; ; {
			begin, ok1 := d.fixed(pos, addr)
			end, ok2 := d.fixed(pos+addr, addr)
			pos += 2 * addr
			if !ok1 || !ok2 {
				break
			}
			if begin == 0 && end == 0 || s.done || s.n >= maxListEntries {
				return s.place, nil
			}
			if begin == ^uint64(0)>>(64-8*addr) {
				continue // base address
			}
			length, ok := d.fixed(pos, 2)
			pos += 2
			if !ok || pos+int(length) > len(data) {
				break
			}
			s.entry(data[pos : pos+int(length)])
			pos += int(length)
		}
		if n == sec.Size()-off {
			return place{}, malformed(".debug_loc", off, "location list runs past the end of the section")
		}
		w.locBuf = make([]byte, 0, 4*n)
	}
}
