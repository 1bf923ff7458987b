package dwarf2btf

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
)

// unitHeader is the header of a unit in .debug_info or .debug_types.
type unitHeader struct {
	off       uint64 // in its section
	size      uint32 // with the length field
	firstDIE  uint32 // from off
	section   int32  // index into Converter.sections
	abbrevSec int    // index into Converter.abbrevs
	abbrevOff uint64
	table     int32  // index into Converter.tables
	signature uint64 // of a type unit
	typeOff   uint32 // of the type in a type unit, from off
	version   uint8
	addrSize  uint8
	kind      uint8 // DW_UT_*
	is64      bool  // 64-bit DWARF
}

// offsetSize is the size of section offsets in the unit.
func (h *unitHeader) offsetSize() uint8 {
	if h.is64 {
		return 8
	}
	return 4
}

// infoSection is a section with units.
type infoSection struct {
	Section
	abbrev int  // index into Converter.abbrevs
	types  bool // .debug_types
	first  int  // its units are Converter.units[first:end]
	end    int
}

// maxUnit bounds the bytes of one piece of work: offsets in it take 31 bits.
const maxUnit = 1<<31 - 2

// maxHeader is the size of the longest unit header: a type unit of version 5 in 64-bit DWARF.
const maxHeader = 12 + 2 + 1 + 1 + 8 + 8 + 8

// readHeaders appends the headers of all units of a section to c.units.
func (c *Converter) readHeaders(section int32) error {
	s := &c.sections[section]
	s.first = len(c.units)
	buf := make([]byte, 0, maxHeader)
	released := uint64(0) // each header brings the pages around it into memory
	for off := uint64(0); off < s.Size(); {
		data, err := s.Read(off, min(maxHeader, s.Size()-off), buf)
		if err != nil {
			return unreadable(s.Name(), off, err)
		}
		h, err := c.parseHeader(s, data, off)
		if err != nil {
			return err
		}
		h.section = section
		c.units = append(c.units, h)
		if off += uint64(h.size); off-released >= releaseHeaders {
			release(s.Section, released, off-released)
			released = off
		}
	}
	release(s.Section, released, s.Size()-released)
	s.end = len(c.units)
	return nil
}

// parseHeader reads the unit header at off, whose bytes (and up to maxHeader
// more) are data.
func (c *Converter) parseHeader(s *infoSection, data []byte, off uint64) (unitHeader, error) {
	h := unitHeader{off: off, abbrevSec: s.abbrev, kind: utCompile}
	fail := func(format string, args ...any) (unitHeader, error) {
		return h, malformed(s.Name(), off, "unit header: "+format, args...)
	}
	pos := 0
	short := false
	num := func(n int) uint64 {
		if short = short || len(data)-pos < n; short {
			return 0
		}
		b := data[pos : pos+n]
		pos += n
		switch n {
		case 1:
			return uint64(b[0])
		case 2:
			return uint64(c.src.Order.Uint16(b))
		case 4:
			return uint64(c.src.Order.Uint32(b))
		}
		return c.src.Order.Uint64(b)
	}
	length := num(4)
	if length == 0xffffffff {
		h.is64 = true
		length = num(8)
	} else if length >= 0xfffffff0 {
		return fail("reserved length %#x", length)
	}
	if short {
		return fail("%d bytes left, too few for a header", len(data))
	}
	if length == 0 {
		return fail("length 0")
	}
	rest := s.Size() - off - uint64(pos)
	if length > rest {
		return fail("length %#x, %#x bytes are left", length, rest)
	}
	end := uint64(pos) + length
	if end > maxUnit {
		return h, &Error{Section: s.Name(), Offset: off, Msg: fmt.Sprintf("unit of %d bytes", end), Err: ErrTooLarge}
	}
	h.size = uint32(end)
	data = data[:min(uint64(len(data)), end)]

	version := num(2)
	if !short && (version < 2 || version > 5) {
		return h, &Error{Section: s.Name(), Offset: off, Msg: fmt.Sprintf("unit header: DWARF version %d, only 2 to 5 are known", version), Err: ErrUnsupported}
	}
	h.version = uint8(version)
	if version == 5 {
		h.kind = uint8(num(1))
		h.addrSize = uint8(num(1))
		h.abbrevOff = num(int(h.offsetSize()))
	} else {
		h.abbrevOff = num(int(h.offsetSize()))
		h.addrSize = uint8(num(1))
		if s.types {
			h.kind = utType
		}
	}
	switch h.kind {
	case utType, utSplitType:
		h.signature = num(8)
		typeOff := num(int(h.offsetSize()))
		if !short && typeOff >= end {
			return fail("type offset %#x in a unit of %#x bytes", typeOff, end)
		}
		h.typeOff = uint32(typeOff)
	case utSkeleton, utSplitCompile:
		num(8)
	case utCompile, utPartial:
	default:
		return h, &Error{Section: s.Name(), Offset: off, Msg: fmt.Sprintf("unit header: unit type %#x", h.kind), Err: ErrUnsupported}
	}
	if short {
		return fail("unit of %d bytes ends inside its header", end)
	}
	switch h.addrSize {
	case 1, 2, 4, 8:
	default:
		return fail("addresses of %d bytes", h.addrSize)
	}
	h.firstDIE = uint32(pos)
	return h, nil
}

// checkSource reports a Source that makes no sense.
func checkSource(src *Source) error {
	if len(src.Info) == 0 && len(src.Types) == 0 {
		if slices.ContainsFunc(src.Sections, func(s ELFSection) bool { return s.Name == ".debug_info.dwo" }) {
			return fmt.Errorf("%w: %s", ErrSplitDWARF, isDWO)
		}
		return fmt.Errorf("%w: no .debug_info", ErrNoDWARF)
	}
	n := len(src.Abbrev)
	if n == 0 {
		return fmt.Errorf("%w: .debug_info without .debug_abbrev", ErrMalformed)
	}
	if n != 1 && n != len(src.Info)+len(src.Types) {
		return fmt.Errorf("%w: %d sections .debug_abbrev for %d of .debug_info and .debug_types", ErrMalformed, n, len(src.Info)+len(src.Types))
	}
	if src.Order != binary.LittleEndian && src.Order != binary.BigEndian {
		return fmt.Errorf("%w: no byte order", ErrMalformed)
	}
	return nil
}

// wordSize is the size of a pointer in bytes.
func (c *Converter) wordSize() uint32 {
	if c.src.AddrSize == 4 || c.src.AddrSize == 8 {
		return uint32(c.src.AddrSize)
	}
	switch c.src.Machine {
	case elf.EM_386, elf.EM_ARM, elf.EM_PPC, elf.EM_MIPS:
		return 4
	}
	return 8
}
