package elfhdr

import (
	"bytes"
	"debug/elf"
	"fmt"
	"math"
)

// Section is a section header (Elf32_Shdr, Elf64_Shdr) in host terms.
type Section struct {
	NameOff uint32
	Type    elf.SectionType
	Flags   elf.SectionFlag // Go's type has 32 bits; FlagsHigh keeps the rest
	Addr    uint64
	Off     uint64
	Size    uint64
	Link    uint32
	Info    uint32
	Align   uint64
	EntSize uint64

	FlagsHigh uint32 // bits 32-63 of sh_flags; 0 in ELFCLASS32
}

// FileSize is the number of bytes that the section takes in the file: none if it
// is SHT_NOBITS or SHT_NULL.
func (s *Section) FileSize() uint64 {
	if s.Type == elf.SHT_NOBITS || s.Type == elf.SHT_NULL {
		return 0
	}
	return s.Size
}

// parseSection reads a section header. b has room for one.
func (h *Header) parseSection(b []byte) Section {
	o := h.Order
	if !h.Is64() {
		return Section{
			NameOff: o.Uint32(b), Type: elf.SectionType(o.Uint32(b[4:])), Flags: elf.SectionFlag(o.Uint32(b[8:])),
			Addr: uint64(o.Uint32(b[12:])), Off: uint64(o.Uint32(b[16:])), Size: uint64(o.Uint32(b[20:])),
			Link: o.Uint32(b[24:]), Info: o.Uint32(b[28:]), Align: uint64(o.Uint32(b[32:])), EntSize: uint64(o.Uint32(b[36:])),
		}
	}
	flags := o.Uint64(b[8:])
	return Section{
		NameOff: o.Uint32(b), Type: elf.SectionType(o.Uint32(b[4:])),
		Flags: elf.SectionFlag(flags), FlagsHigh: uint32(flags >> 32),
		Addr: o.Uint64(b[16:]), Off: o.Uint64(b[24:]), Size: o.Uint64(b[32:]),
		Link: o.Uint32(b[40:]), Info: o.Uint32(b[44:]), Align: o.Uint64(b[48:]), EntSize: o.Uint64(b[56:]),
	}
}

// ParseSections reads all section headers of the file. A file without any gives
// an empty slice.
func (h *Header) ParseSections(data []byte) []Section {
	list := make([]Section, h.ShNum)
	for i := range list {
		list[i] = h.parseSection(data[h.ShOff+uint64(i*h.SectionLen()):])
	}
	return list
}

// AppendSection appends the wire form of a section header. In ELFCLASS32 all
// numbers must fit in 32 bits.
func (h *Header) AppendSection(b []byte, s *Section) []byte {
	o := h.Order
	b = o.AppendUint32(b, s.NameOff)
	b = o.AppendUint32(b, uint32(s.Type))
	flags := uint64(s.Flags) | uint64(s.FlagsHigh)<<32
	if !h.Is64() {
		for _, v := range [...]uint32{
			uint32(flags), uint32(s.Addr), uint32(s.Off), uint32(s.Size),
			s.Link, s.Info, uint32(s.Align), uint32(s.EntSize),
		} {
			b = o.AppendUint32(b, v)
		}
		return b
	}
	for _, v := range [...]uint64{flags, s.Addr, s.Off, s.Size} {
		b = o.AppendUint64(b, v)
	}
	b = o.AppendUint32(b, s.Link)
	b = o.AppendUint32(b, s.Info)
	b = o.AppendUint64(b, s.Align)
	return o.AppendUint64(b, s.EntSize)
}

// Contents returns the bytes of a section as they lie in the file, a slice of
// data; nil for SHT_NOBITS and SHT_NULL. The name is for the error.
func (s *Section) Contents(data []byte, name string) ([]byte, error) {
	n := s.FileSize()
	if n == 0 {
		return nil, nil
	}
	size := uint64(len(data))
	if s.Off > size || n > size-s.Off {
		end := s.Off + n
		if end < n {
			end = math.MaxUint64
		}
		return nil, &TruncatedError{"section " + name, end, size}
	}
	return data[s.Off : s.Off+n : s.Off+n], nil
}

// Names holds the content of the section with section names.
type Names []byte

// At returns the name at an offset; an offset out of range gives a name that says so.
func (t Names) At(off uint32) string {
	if uint64(off) >= uint64(len(t)) {
		if off == 0 {
			return ""
		}
		return fmt.Sprintf("<name at %#x>", off)
	}
	s := t[off:]
	// A longer name would make many headers that share it expensive to read.
	const longest = 4096
	if len(s) > longest {
		s = s[:longest]
	}
	if i := bytes.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	return string(s)
}

// ParseNames returns the content of the section with section names, nil if the
// file has none.
func (h *Header) ParseNames(data []byte, list []Section) (Names, error) {
	if h.ShStrNdx == 0 || h.ShStrNdx >= len(list) {
		return nil, nil
	}
	b, err := list[h.ShStrNdx].Contents(data, "with the section names")
	return Names(b), err
}

// Segment is what matters of a program header here: its type and file range.
type Segment struct {
	Type     elf.ProgType
	Off      uint64
	FileSize uint64
}

// ParseSegments reads the program headers of the file.
func (h *Header) ParseSegments(data []byte) []Segment {
	list := make([]Segment, h.PhNum)
	for i := range list {
		b := data[h.PhOff+uint64(i*h.phEntSize):]
		list[i] = Segment{Type: elf.ProgType(h.Order.Uint32(b)), Off: h.word(b[4:]), FileSize: h.word(b[16:])}
		if h.Is64() {
			list[i].Off, list[i].FileSize = h.word(b[8:]), h.word(b[32:])
		}
	}
	return list
}
