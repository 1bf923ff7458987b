package dwarf2btf

// firstRange returns the address at which the code of the current DIE begins if
// it has DW_AT_ranges, as functions with a cold part have: the compilers put the
// part with the entry first.
func (w *Worker) firstRange(form uint16, v uint64) (uint64, error) {
	if w.cur.version >= 5 {
		return w.rnglists(form, v)
	}
	sec := w.c.src.Ranges
	if sec == nil {
		return 0, nil
	}
	size := int(w.cur.addrSize)
	base := w.cur.lowPC
	for n := 0; n < 4; n++ {
		off := v + uint64(n*2*size)
		if off > sec.Size() || uint64(2*size) > sec.Size()-off {
			return 0, malformed(".debug_ranges", v, "range list runs past the end of the section")
		}
		data, err := sec.Read(off, uint64(2*size), w.locBuf)
		if err != nil {
			return 0, &Error{Section: ".debug_ranges", Offset: off, Msg: err.Error(), Err: err}
		}
		d := decoder{data: data, big: w.big}
		begin, _ := d.fixed(0, size)
		end, _ := d.fixed(size, size)
		switch {
		case begin == ^uint64(0)>>(64-8*size):
			base = end
		case begin == 0 && end == 0:
			return 0, nil
		default:
			return base + begin, nil
		}
	}
	return 0, nil
}

// rnglists is firstRange for .debug_rnglists (DWARF 5, 7.28).
func (w *Worker) rnglists(form uint16, v uint64) (uint64, error) {
	sec := w.c.src.Rnglists
	if sec == nil {
		return 0, nil
	}
	size := int(w.cur.addrSize)
	read := func(off, n uint64) (*decoder, error) {
		if off >= sec.Size() {
			return nil, malformed(".debug_rnglists", off, "range list outside the section")
		}
		data, err := sec.Read(off, min(n, sec.Size()-off), w.locBuf)
		if err != nil {
			return nil, &Error{Section: ".debug_rnglists", Offset: off, Msg: err.Error(), Err: err}
		}
		return &decoder{data: data, big: w.big}, nil
	}
	off := v
	if form == formRnglistx {
		base := w.cur.rnglistsBase
		if base == 0 {
			base = 12
			if w.cur.is64 {
				base = 20
			}
		}
		width := uint64(w.cur.offsetSize())
		if v > sec.Size() {
			return 0, malformed(".debug_rnglists", base, "index %d is outside the section", v)
		}
		d, err := read(base+v*width, width)
		if err != nil {
			return 0, err
		}
		rel, ok := d.fixed(0, int(width))
		if !ok {
			return 0, malformed(".debug_rnglists", base, "index %d is outside the section", v)
		}
		off = base + rel
	}
	d, err := read(off, 64)
	if err != nil {
		return 0, err
	}
	short := malformed(".debug_rnglists", off, "range list runs past the end of the section")
	base := w.cur.lowPC
	pos := 0
	for range 2 { // at most one base address before the first range
		kind, ok := d.fixed(pos, 1)
		if !ok {
			return 0, short
		}
		pos++
		var x uint64
		switch kind {
		case 5, 6, 7: // base_address, start_end, start_length
			if x, ok = d.fixed(pos, size); !ok {
				return 0, short
			}
			pos += size
			if kind != 5 {
				return x, nil
			}
			base = x
		case 1, 2, 3, 4: // base_addressx, startx_endx, startx_length, offset_pair
			if x, pos = d.uleb(pos); pos == tooFar {
				return 0, short
			}
			if kind == 4 {
				return base + x, nil
			}
			addr, err := w.addrx(x)
			if err != nil || kind != 1 {
				return addr, err
			}
			base = addr
		default:
			return 0, nil
		}
	}
	return 0, nil
}
