// Package elftest builds ELF files for tests: of either class and byte order,
// for machines no compiler is at hand for, with more sections than 16 bits can
// count, or with one thing wrong.
package elftest

import (
	"debug/elf"
	"encoding/binary"

	"mkbtf/btf"
	"mkbtf/internal/elfhdr"
)

// File is an ELF file to be built. Section 0 and the section with section names
// are added: the latter comes last.
type File struct {
	Class    elf.Class // 64 bit if 0
	Order    btf.Order // little endian if nil
	Type     elf.Type  // ET_REL if 0
	Machine  elf.Machine
	Sections []Section
	Segments []Segment // file ranges; virtual addresses are 0
}

// Section is a section to be built.
type Section struct {
	Name    string
	Type    elf.SectionType // PROGBITS if 0
	Flags   elf.SectionFlag
	Data    []byte
	Size    uint64 // if not 0, instead of the length of Data
	Link    uint32
	Info    uint32
	Align   uint64
	EntSize uint64
}

// Segment is a program header over whole sections.
type Segment struct {
	Type        elf.ProgType
	First, Last int // section indices
}

// Symbol is a symbol for Symtab.
type Symbol struct {
	Name    uint32 // offset in the string table
	Value   uint64
	Section elf.SectionIndex
}

func (f *File) defaults() {
	if f.Class == 0 {
		f.Class = elf.ELFCLASS64
	}
	if f.Order == nil {
		f.Order = binary.LittleEndian
	}
	if f.Type == 0 {
		f.Type = elf.ET_REL
	}
}

// Header returns the header of the file as far as it is known before layout.
func (f *File) Header() *elfhdr.Header {
	f.defaults()
	return &elfhdr.Header{Class: f.Class, Order: f.Order, Type: f.Type, Machine: f.Machine}
}

// Bytes lays the file out: file header, program headers, sections in order, names,
// section headers.
func (f *File) Bytes() []byte {
	h := f.Header()
	b := make([]byte, h.Len())
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS], b[elf.EI_VERSION] = byte(f.Class), 1
	b[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	if f.Order == btf.Order(binary.BigEndian) {
		b[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	f.Order.PutUint16(b[16:], uint16(f.Type))
	f.Order.PutUint16(b[18:], uint16(f.Machine))
	f.Order.PutUint32(b[20:], 1)
	f.Order.PutUint16(b[h.Len()-12:], uint16(h.Len()))

	segments := len(b)
	b = append(b, make([]byte, len(f.Segments)*f.segmentLen())...)
	headers := []elfhdr.Section{{}}
	names := []byte{0}
	for _, s := range f.Sections {
		b = Pad(b, max(s.Align, 1))
		x := elfhdr.Section{
			NameOff: uint32(len(names)), Type: s.Type, Flags: s.Flags, Off: uint64(len(b)), Size: uint64(len(s.Data)),
			Link: s.Link, Info: s.Info, Align: s.Align, EntSize: s.EntSize,
		}
		if x.Type == 0 {
			x.Type = elf.SHT_PROGBITS
		}
		if s.Size != 0 {
			x.Size = s.Size
		}
		headers = append(headers, x)
		names = append(append(names, s.Name...), 0)
		b = append(b, s.Data...)
	}
	headers = append(headers, elfhdr.Section{NameOff: uint32(len(names)), Type: elf.SHT_STRTAB, Off: uint64(len(b)), Align: 1})
	names = append(names, ".shstrtab\x00"...)
	headers[len(headers)-1].Size = uint64(len(names))
	b = Pad(append(b, names...), 8)

	h.ShOff, h.ShNum, h.ShStrNdx = uint64(len(b)), len(headers), len(headers)-1
	h.Put(b)
	h.PutExtended(&headers[0])
	for i := range headers {
		b = h.AppendSection(b, &headers[i])
	}
	f.putSegments(b, segments, headers)
	return b
}

func (f *File) segmentLen() int {
	if f.Class == elf.ELFCLASS64 {
		return 56
	}
	return 32
}

func (f *File) putSegments(b []byte, at int, headers []elfhdr.Section) {
	if len(f.Segments) == 0 {
		return
	}
	o, n := f.Order, f.segmentLen()
	if f.Class == elf.ELFCLASS64 {
		o.PutUint64(b[32:], uint64(at))
		o.PutUint16(b[54:], uint16(n))
		o.PutUint16(b[56:], uint16(len(f.Segments)))
	} else {
		o.PutUint32(b[28:], uint32(at))
		o.PutUint16(b[42:], uint16(n))
		o.PutUint16(b[44:], uint16(len(f.Segments)))
	}
	for i, s := range f.Segments {
		p := b[at+i*n:]
		off := headers[s.First].Off
		size := headers[s.Last].Off + headers[s.Last].Size - off
		o.PutUint32(p, uint32(s.Type))
		if f.Class == elf.ELFCLASS64 {
			o.PutUint64(p[8:], off)
			o.PutUint64(p[32:], size)
		} else {
			o.PutUint32(p[4:], uint32(off))
			o.PutUint32(p[16:], uint32(size))
		}
	}
}

// Symtab returns the content of a symbol table with the null symbol before list.
func (f *File) Symtab(list ...Symbol) []byte {
	f.defaults()
	var b []byte
	for _, s := range append([]Symbol{{}}, list...) {
		o := f.Order
		b = o.AppendUint32(b, s.Name)
		if f.Class == elf.ELFCLASS64 {
			b = append(b, 0, 0)
			b = o.AppendUint16(b, uint16(s.Section))
			b = o.AppendUint64(b, s.Value)
			b = o.AppendUint64(b, 0)
		} else {
			b = o.AppendUint32(b, uint32(s.Value))
			b = o.AppendUint32(b, 0)
			b = append(b, 0, 0)
			b = o.AppendUint16(b, uint16(s.Section))
		}
	}
	return b
}

// Pad appends zeros up to a multiple of align.
func Pad(b []byte, align uint64) []byte {
	for uint64(len(b))%align != 0 {
		b = append(b, 0)
	}
	return b
}
