package elfhdr

import (
	"debug/elf"
	"encoding/binary"
	"fmt"

	"mkbtf/btf"
)

// Sizes of headers in bytes, by class.
const (
	fileHeader32, fileHeader64       = 52, 64
	sectionHeader32, sectionHeader64 = 40, 64
	segmentHeader32, segmentHeader64 = 32, 56
	phXNum                           = 0xffff // e_phnum: the number stands in sh_info of section 0
)

// Header is the file header (Elf32_Ehdr, Elf64_Ehdr) in host terms. Counts and
// indices are those in force, wherever extended numbering keeps them.
type Header struct {
	Class     elf.Class
	Order     btf.Order
	Type      elf.Type
	Machine   elf.Machine
	Entry     uint64
	Flags     uint32
	ShOff     uint64 // file offset of the section headers
	ShNum     int    // number of section headers, 0 if there are none
	ShStrNdx  int    // index of the section with section names, 0 if there is none
	PhOff     uint64 // file offset of the program headers
	PhNum     int
	phEntSize int
}

// Is64 reports whether the file is ELFCLASS64.
func (h *Header) Is64() bool { return h.Class == elf.ELFCLASS64 }

// Len is the size of the file header itself.
func (h *Header) Len() int {
	if h.Is64() {
		return fileHeader64
	}
	return fileHeader32
}

// SectionLen is the size of one section header.
func (h *Header) SectionLen() int {
	if h.Is64() {
		return sectionHeader64
	}
	return sectionHeader32
}

// word reads an address-sized field.
func (h *Header) word(b []byte) uint64 {
	if h.Is64() {
		return h.Order.Uint64(b)
	}
	return uint64(h.Order.Uint32(b))
}

func (h *Header) putWord(b []byte, v uint64) {
	if h.Is64() {
		h.Order.PutUint64(b, v)
	} else {
		h.Order.PutUint32(b, uint32(v))
	}
}

// IsELF reports whether data starts as an ELF file does.
func IsELF(data []byte) bool { return len(data) >= 4 && string(data[:4]) == elf.ELFMAG }

// ParseHeader reads the file header. It follows extended numbering (gABI: e_shnum
// 0, e_shstrndx SHN_XINDEX, e_phnum PN_XNUM) into section header 0 and makes sure
// that all headers lie within data, which is the whole file.
func ParseHeader(data []byte) (*Header, error) {
	if !IsELF(data) {
		return nil, &FormatError{"file header", 0, fmt.Sprintf("begins with %q, an ELF file with %q", data[:min(len(data), 4)], elf.ELFMAG), ErrNotELF}
	}
	if len(data) < elf.EI_NIDENT {
		return nil, &TruncatedError{"file header", elf.EI_NIDENT, uint64(len(data))}
	}
	h := &Header{Class: elf.Class(data[elf.EI_CLASS])}
	if h.Class != elf.ELFCLASS32 && h.Class != elf.ELFCLASS64 {
		return nil, malformed("file header", elf.EI_CLASS, "unknown class %d", data[elf.EI_CLASS])
	}
	switch elf.Data(data[elf.EI_DATA]) {
	case elf.ELFDATA2LSB:
		h.Order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		h.Order = binary.BigEndian
	default:
		return nil, malformed("file header", elf.EI_DATA, "unknown byte order %d", data[elf.EI_DATA])
	}
	if data[elf.EI_VERSION] != byte(elf.EV_CURRENT) {
		return nil, malformed("file header", elf.EI_VERSION, "unknown version %d", data[elf.EI_VERSION])
	}
	if len(data) < h.Len() {
		return nil, &TruncatedError{"file header", uint64(h.Len()), uint64(len(data))}
	}
	o := h.Order
	h.Type, h.Machine = elf.Type(o.Uint16(data[16:])), elf.Machine(o.Uint16(data[18:]))
	h.Entry = h.word(data[24:])
	tail := data[h.Len()-16:] // from e_flags on; the same in both classes
	h.Flags = o.Uint32(tail)
	h.PhOff, h.ShOff = h.word(data[28:]), h.word(data[32:])
	if h.Is64() {
		h.PhOff, h.ShOff = h.word(data[32:]), h.word(data[40:])
	}
	h.phEntSize, h.PhNum = int(o.Uint16(tail[6:])), int(o.Uint16(tail[8:]))
	shEntSize := int(o.Uint16(tail[10:]))
	h.ShNum, h.ShStrNdx = int(o.Uint16(tail[12:])), int(o.Uint16(tail[14:]))

	if h.ShOff == 0 {
		if h.ShNum != 0 || h.PhNum == phXNum {
			return nil, malformed("file header", 0, "%d section headers at offset 0", h.ShNum)
		}
		h.ShStrNdx = 0
	} else if err := h.extended(data, shEntSize); err != nil {
		return nil, err
	}
	return h, h.checkSegments(data)
}

// extended checks where the section headers lie and follows extended numbering.
func (h *Header) extended(data []byte, entSize int) error {
	if entSize != h.SectionLen() {
		return malformed("file header", 0, "section headers of %d bytes, this class has %d", entSize, h.SectionLen())
	}
	size := uint64(len(data))
	if h.ShOff > size || size-h.ShOff < uint64(entSize) {
		return &TruncatedError{"the first section header", h.ShOff + uint64(entSize), size}
	}
	first := h.parseSection(data[h.ShOff:])
	num := uint64(h.ShNum)
	if h.ShNum == 0 {
		if num = first.Size; num == 0 {
			return malformed("section headers", h.ShOff, "neither e_shnum nor section 0 says how many there are")
		}
	}
	if num > (size-h.ShOff)/uint64(entSize) {
		return &TruncatedError{fmt.Sprintf("the table of %d section headers", num), h.ShOff + num*uint64(entSize), size}
	}
	h.ShNum = int(num)
	if h.ShStrNdx == int(elf.SHN_XINDEX) {
		h.ShStrNdx = int(first.Link)
	}
	if h.ShStrNdx < 0 || h.ShStrNdx >= h.ShNum {
		return malformed("file header", 0, "e_shstrndx is %d of %d sections", h.ShStrNdx, h.ShNum)
	}
	if h.PhNum == phXNum {
		h.PhNum = int(first.Info)
	}
	return nil
}

func (h *Header) checkSegments(data []byte) error {
	if h.PhNum == 0 {
		return nil
	}
	want := segmentHeader32
	if h.Is64() {
		want = segmentHeader64
	}
	if h.phEntSize != want {
		return malformed("file header", 0, "program headers of %d bytes, this class has %d", h.phEntSize, want)
	}
	size := uint64(len(data))
	if h.PhOff > size || uint64(h.PhNum) > (size-h.PhOff)/uint64(want) {
		return &TruncatedError{"program headers", h.PhOff + uint64(h.PhNum)*uint64(want), size}
	}
	return nil
}

// SegmentTable returns the file range of the program headers.
func (h *Header) SegmentTable() (off, end uint64) {
	return h.PhOff, h.PhOff + uint64(h.PhNum*h.phEntSize)
}

// Put writes where the section headers lie and how many there are into a copy of
// the file header (the first Len bytes of a file). Extended numbers go to section
// header 0: see PutExtended.
func (h *Header) Put(b []byte) {
	num, str := h.ShNum, h.ShStrNdx
	if num >= int(elf.SHN_LORESERVE) {
		num = 0
	}
	if str >= int(elf.SHN_LORESERVE) {
		str = int(elf.SHN_XINDEX)
	}
	if h.Is64() {
		h.putWord(b[40:], h.ShOff)
	} else {
		h.putWord(b[32:], h.ShOff)
	}
	tail := b[h.Len()-16:]
	h.Order.PutUint16(tail[10:], uint16(h.SectionLen()))
	h.Order.PutUint16(tail[12:], uint16(num))
	h.Order.PutUint16(tail[14:], uint16(str))
}

// PutExtended enters the counts that do not fit the file header into section
// header 0, and takes out those that do.
func (h *Header) PutExtended(first *Section) {
	first.Size, first.Link = 0, 0
	if h.ShNum >= int(elf.SHN_LORESERVE) {
		first.Size = uint64(h.ShNum)
	}
	if h.ShStrNdx >= int(elf.SHN_LORESERVE) {
		first.Link = uint32(h.ShStrNdx)
	}
}

func malformed(what string, off uint64, format string, args ...any) error {
	return &FormatError{what, off, fmt.Sprintf(format, args...), ErrMalformed}
}
