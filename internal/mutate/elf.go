package mutate

import (
	"debug/elf"
	"fmt"
	"math/rand/v2"
	"strings"

	"mkbtf/internal/elfhdr"
)

// Offsets and sizes of the fields of headers (gABI), 32-bit and 64-bit.
var (
	headerFields = [2][]field{
		{{"e_type", 16, 2}, {"e_machine", 18, 2}, {"e_shoff", 32, 4}, {"e_ehsize", 40, 2}, {"e_shentsize", 46, 2}, {"e_shnum", 48, 2}, {"e_shstrndx", 50, 2}, {"EI_CLASS", 4, 1}, {"EI_DATA", 5, 1}, {"e_phnum", 44, 2}, {"e_phoff", 28, 4}},
		{{"e_type", 16, 2}, {"e_machine", 18, 2}, {"e_shoff", 40, 8}, {"e_ehsize", 52, 2}, {"e_shentsize", 58, 2}, {"e_shnum", 60, 2}, {"e_shstrndx", 62, 2}, {"EI_CLASS", 4, 1}, {"EI_DATA", 5, 1}, {"e_phnum", 56, 2}, {"e_phoff", 32, 8}},
	}
	sectionFields = [2][]field{
		{{"sh_name", 0, 4}, {"sh_type", 4, 4}, {"sh_flags", 8, 4}, {"sh_addr", 12, 4}, {"sh_offset", 16, 4}, {"sh_size", 20, 4}, {"sh_link", 24, 4}, {"sh_info", 28, 4}, {"sh_addralign", 32, 4}, {"sh_entsize", 36, 4}},
		{{"sh_name", 0, 4}, {"sh_type", 4, 4}, {"sh_flags", 8, 8}, {"sh_addr", 16, 8}, {"sh_offset", 24, 8}, {"sh_size", 32, 8}, {"sh_link", 40, 4}, {"sh_info", 44, 4}, {"sh_addralign", 48, 8}, {"sh_entsize", 56, 8}},
	}
	symbolFields = [2][]field{
		{{"st_name", 0, 4}, {"st_value", 4, 4}, {"st_size", 8, 4}, {"st_info", 12, 1}, {"st_shndx", 14, 2}},
		{{"st_name", 0, 4}, {"st_info", 4, 1}, {"st_shndx", 6, 2}, {"st_value", 8, 8}, {"st_size", 16, 8}},
	}
	relocFields = [2][]field{
		{{"r_offset", 0, 4}, {"r_info", 4, 4}, {"r_addend", 8, 4}},
		{{"r_offset", 0, 8}, {"r_info", 8, 8}, {"r_addend", 16, 8}},
	}
	compressedFields = [2][]field{
		{{"ch_type", 0, 4}, {"ch_size", 4, 4}, {"ch_addralign", 8, 4}},
		{{"ch_type", 0, 4}, {"ch_size", 8, 8}, {"ch_addralign", 16, 8}},
	}
)

// elfKinds finds the places of an ELF file.
func (s *Subject) elfKinds() []kind {
	h, err := elfhdr.ParseHeader(s.data)
	if err != nil || h.ShNum == 0 {
		return nil
	}
	s.order = h.Order
	c := 0
	if h.Is64() {
		c = 1
	}
	sections := h.ParseSections(s.data)
	names, err := h.ParseNames(s.data, sections)
	if err != nil {
		return nil
	}
	kinds := s.fields("ELF header", headerFields[c])
	var dwarf, rest []field // section headers, those of debug sections and BTF apart
	var special []kind
	for i := range sections {
		sh := &sections[i]
		name := names.At(sh.NameOff)
		at := fieldsAt(sectionFields[c], h.ShOff+uint64(i*h.SectionLen()), name+" ")
		if strings.Contains(name, "debug_") || strings.HasPrefix(name, ".BTF") || strings.HasPrefix(name, ".symtab") {
			dwarf = append(dwarf, at...)
		} else {
			rest = append(rest, at...)
		}
		if sh.Type == elf.SHT_NOBITS || i == 0 || sh.Off+sh.Size > uint64(len(s.data)) {
			continue
		}
		special = append(special, s.sectionKinds(name, sh, c)...)
	}
	kinds = append(kinds, s.fields("section header", dwarf)...)
	kinds = append(kinds, s.fields("other section header", rest)...)
	kinds = append(kinds, swapped(sectionsOf(h, len(sections)))...)
	return append(append(kinds, special...), s.dwarfKinds(h, sections, names)...)
}

// sectionKinds is damage to the content of a section.
func (s *Subject) sectionKinds(name string, sh *elfhdr.Section, c int) []kind {
	var kinds []kind
	inside := kind{"content of " + name, func(r *rand.Rand, b []byte) ([]byte, string) {
		if sh.Size == 0 || sh.Off+sh.Size > uint64(len(b)) {
			return b, ""
		}
		k := anyFile[r.IntN(4)] // those that keep the size
		_, what := k.damage(r, b[sh.Off:sh.Off+sh.Size])
		return b, k.name + " " + what
	}}
	switch {
	case sh.Flags&elf.SHF_COMPRESSED != 0:
		kinds = append(s.fields("compressed "+name, fieldsAt(compressedFields[c], sh.Off, "")), inside)
	case sh.Type == elf.SHT_SYMTAB:
		kinds = s.records("symbol of", name, sh, symbolFields[c])
	case sh.Type == elf.SHT_RELA && strings.Contains(name, "debug"):
		kinds = s.records("relocation of", name, sh, relocFields[c])
	case sh.Type == elf.SHT_REL && strings.Contains(name, "debug"):
		kinds = s.records("relocation of", name, sh, relocFields[c][:2])
	case name == ".BTF", name == ".BTF.base":
		kinds = append(s.btfKinds(sh.Off, sh.Size, name), inside)
	case strings.HasPrefix(name, ".debug_"), strings.HasPrefix(name, ".zdebug_"), name == ".BTF_ids", name == ".modinfo",
		name == ".note.mkbtf", name == ".gnu_debuglink", strings.HasPrefix(name, ".note.gnu"), name == ".strtab", name == ".shstrtab":
		kinds = append(kinds, inside)
	}
	return kinds
}

// records is damage to one number of a table.
func (s *Subject) records(what, name string, sh *elfhdr.Section, list []field) []kind {
	if sh.EntSize == 0 || sh.Size < sh.EntSize {
		return nil
	}
	return []kind{{what + " " + name, func(r *rand.Rand, b []byte) ([]byte, string) {
		n := sh.Size / sh.EntSize
		f := list[r.IntN(len(list))]
		from := f
		f.off += sh.Off + r.Uint64N(n)*sh.EntSize
		from.off += sh.Off + r.Uint64N(n)*sh.EntSize
		v, _ := s.get(b, f)
		if r.IntN(2) == 0 {
			v, _ = s.get(b, from)
		} else {
			v = number(r, v)
		}
		return b, s.set(b, f, v)
	}}}
}

// fieldsAt are the fields of a record at an offset.
func fieldsAt(list []field, off uint64, prefix string) []field {
	var out []field
	for _, f := range list {
		out = append(out, field{prefix + f.name, off + f.off, f.size})
	}
	return out
}

// sectionsOf are the ranges of the section headers.
func sectionsOf(h *elfhdr.Header, n int) (list [][2]uint64) {
	for i := range n {
		off := h.ShOff + uint64(i*h.SectionLen())
		list = append(list, [2]uint64{off, off + uint64(h.SectionLen())})
	}
	return list
}

// swapped is damage by two records that change places.
func swapped(list [][2]uint64) []kind {
	return []kind{{"section headers", func(r *rand.Rand, b []byte) ([]byte, string) {
		i, j := r.IntN(len(list)), r.IntN(len(list))
		x, y := list[i], list[j]
		if max(x[1], y[1]) > uint64(len(b)) {
			return b, ""
		}
		p, q := string(b[x[0]:x[1]]), string(b[y[0]:y[1]])
		copy(b[x[0]:], q)
		copy(b[y[0]:], p)
		return b, fmt.Sprintf("%d and %d are swapped", i, j)
	}}}
}
