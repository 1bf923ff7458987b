package elftest

import (
	"debug/elf"
	"encoding/binary"

	"mkbtf/internal/elfhdr"
)

// Mutate changes fields of section headers in place, as mutations say in groups of
// four bytes: section, field, and a value of 16 bits. It takes a fuzzer to places
// that random changes of a file hardly reach. Data that is not ELF stays as it is.
func Mutate(data, mutations []byte) {
	h, err := elfhdr.ParseHeader(data)
	if err != nil || h.ShNum == 0 {
		return
	}
	list := h.ParseSections(data)
	for m := mutations; len(m) >= 4; m = m[4:] {
		s, v := &list[int(m[0])%len(list)], binary.LittleEndian.Uint16(m[2:])
		switch m[1] % 9 {
		case 0:
			s.NameOff = uint32(v)
		case 1:
			s.Type = elf.SectionType(v)
		case 2:
			s.Flags = elf.SectionFlag(v)
		case 3:
			s.Off = uint64(v)
		case 4:
			s.Size = uint64(v)
		case 5:
			s.Link = uint32(v)
		case 6:
			s.Info = uint32(v)
		case 7:
			s.Align = uint64(v)
		case 8:
			s.EntSize = uint64(v)
		}
	}
	var table []byte
	for i := range list {
		table = h.AppendSection(table, &list[i])
	}
	copy(data[h.ShOff:], table)
}
