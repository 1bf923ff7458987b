package dwarf2btf

// firstRange returns the address at which the code of the current DIE begins if
// it has DW_AT_ranges, as functions with a cold part have: the compilers put the
// part with the entry first.
func (w *Worker) firstRange(form uint16, v uint64) (uint64, error) {
	var one [1]addressRange
	list, err := w.ranges(form, v, one[:0], 1)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0].lo, nil
}

// hasCode reports whether an address belongs to the code of the unit that holds the
// DIE at off.
func (w *Worker) hasCode(off uint32, addr uint64) (bool, error) {
	w.use(w.unitOf(off))
	u := w.cur
	if !u.rangesRead {
		u.rangesRead = true
		switch {
		case u.hasRanges:
			var err error
			if u.ranges, err = w.ranges(u.rangesForm, u.rangesAt, nil, maxRanges); err != nil {
				return false, err
			}
		case u.highPC > u.lowPC:
			u.ranges = []addressRange{{u.lowPC, u.highPC}}
		}
	}
	for _, r := range u.ranges {
		if addr >= r.lo && addr < r.hi {
			return true, nil
		}
	}
	return false, nil
}

// maxRanges bounds the ranges of a unit that are looked at.
const maxRanges = 1 << 16

// ranges appends up to limit address ranges of the list at DW_AT_ranges.
func (w *Worker) ranges(form uint16, v uint64, list []addressRange, limit int) ([]addressRange, error) {
	sec, name, read := w.c.src.Ranges, ".debug_ranges", w.oldRanges
	if w.cur.version >= 5 {
		sec, name, read = w.c.src.Rnglists, ".debug_rnglists", w.rnglists
	}
	if sec == nil {
		return list, nil
	}
	if w.cur.version >= 5 && form == formRnglistx {
		var err error
		if v, err = w.rnglistx(sec, v); err != nil {
			return nil, err
		}
	}
	// Entries that only set a base do not count towards the limit.
	most := uint64(4096 + 64*limit)
	for n := uint64(64); ; n *= 8 {
		if v >= sec.Size() {
			return nil, malformed(name, v, "range list outside the section")
		}
		if n > 8*most {
			return nil, malformed(name, v, "range list of more than %d bytes for %d ranges", most, limit)
		}
		n = min(n, sec.Size()-v)
		data, err := sec.Read(v, n, w.locBuf)
		if err != nil {
			return nil, unreadable(name, v, err)
		}
		all, complete, err := read(decoder{data: data, big: w.big}, list, limit)
		if err != nil || complete {
			return all, err
		}
		if n == sec.Size()-v {
			return nil, malformed(name, v, "range list runs past the end of the section")
		}
		w.locBuf = make([]byte, 0, 8*n)
	}
}

// oldRanges reads a list of .debug_ranges (DWARF 2 to 4, 2.17.3). complete is false
// if the data ends before the list.
func (w *Worker) oldRanges(d decoder, list []addressRange, limit int) (_ []addressRange, complete bool, err error) {
	size := int(w.cur.addrSize)
	base := w.cur.lowPC
	for pos := 0; len(list) < limit; pos += 2 * size {
		begin, ok1 := d.fixed(pos, size)
		end, ok2 := d.fixed(pos+size, size)
		switch {
		case !ok1 || !ok2:
			return list, false, nil
		case begin == ^uint64(0)>>(64-8*size):
			base = end
		case begin == 0 && end == 0:
			return list, true, nil
		default:
			list = append(list, addressRange{base + begin, base + end})
		}
	}
	return list, true, nil
}

// rnglists is oldRanges for .debug_rnglists (DWARF 5, 7.28).
func (w *Worker) rnglists(d decoder, list []addressRange, limit int) (_ []addressRange, complete bool, err error) {
	base := w.cur.lowPC
	pos := 0
	var x [2]uint64
	for len(list) < limit {
		kind, ok := d.fixed(pos, 1)
		if !ok {
			return list, false, nil
		}
		pos++
		// How many operands there are, and how many of them are addresses, in full or
		// by index.
		operands, addrs, indices := 2, 0, 0
		switch kind {
		case 0: // end_of_list
			return list, true, nil
		case 1: // base_addressx
			operands, indices = 1, 1
		case 2: // startx_endx
			indices = 2
		case 3: // startx_length
			indices = 1
		case 4: // offset_pair
		case 5: // base_address
			operands, addrs = 1, 1
		case 6: // start_end
			addrs = 2
		case 7: // start_length
			addrs = 1
		default:
			return nil, false, malformed(".debug_rnglists", uint64(pos), "unknown range list entry %#x", kind)
		}
		for i := range operands {
			if i < addrs {
				if x[i], ok = d.fixed(pos, int(w.cur.addrSize)); !ok {
					return list, false, nil
				}
				pos += int(w.cur.addrSize)
				continue
			}
			if x[i], pos = d.uleb(pos); pos == tooFar {
				return list, false, nil
			}
			if i < indices {
				if x[i], err = w.addrx(x[i]); err != nil {
					return nil, false, err
				}
			}
		}
		switch kind {
		case 1, 5:
			base = x[0]
		case 2, 6:
			list = append(list, addressRange{x[0], x[1]})
		case 3, 7:
			list = append(list, addressRange{x[0], x[0] + x[1]})
		case 4:
			list = append(list, addressRange{base + x[0], base + x[1]})
		}
	}
	return list, true, nil
}

// rnglistx returns the offset of a list from its index in the unit's table.
func (w *Worker) rnglistx(sec Section, index uint64) (uint64, error) {
	base := w.cur.rnglistsBase
	if base == 0 {
		base = 12
		if w.cur.is64 {
			base = 20
		}
	}
	width := uint64(w.cur.offsetSize())
	if size := sec.Size(); index > size || base > size || base+index*width > size-min(size, width) {
		return 0, malformed(".debug_rnglists", base, "index %d is outside the section", index)
	}
	data, err := sec.Read(base+index*width, width, w.locBuf)
	if err != nil {
		return 0, unreadable(".debug_rnglists", base, err)
	}
	d := decoder{data: data, big: w.big}
	rel, ok := d.fixed(0, int(width))
	if !ok {
		return 0, malformed(".debug_rnglists", base, "index %d is outside the section", index)
	}
	return base + rel, nil
}
