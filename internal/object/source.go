package object

import (
	"debug/elf"
	"strings"

	"mkbtf/dwarf2btf"
)

// Source returns the file in the form that package dwarf2btf reads. Debug
// sections are decompressed and their relocations looked at when they are first
// read. It is valid until the file is closed.
func (f *File) Source() (*dwarf2btf.Source, error) {
	addrs, err := f.addresses()
	if err != nil {
		return nil, err
	}
	src := &dwarf2btf.Source{
		Name: f.Name, Machine: f.Machine, Order: f.Order, AddrSize: f.AddrSize(), Relocatable: f.Relocatable(),
		Sections: make([]dwarf2btf.ELFSection, len(f.Sections)),
	}
	relocs, err := f.relocationSections()
	if err != nil {
		return nil, err
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		src.Sections[i] = dwarf2btf.ELFSection{Name: s.Name, Type: s.Type, Flags: s.Flags, Addr: addrs[i], Size: s.Size}
		if err := f.addDebugSection(src, i, relocs[i]); err != nil {
			return nil, err
		}
	}
	if src.Symbols, err = f.sourceSymbols(); err != nil {
		return nil, err
	}
	if i, ok := f.Section(".BTF_ids"); ok {
		if src.BTFIDs, err = f.Data(i); err != nil {
			return nil, err
		}
		src.BTFIDsIndex = i
	}
	return src, nil
}

// relocationSections lists, by section, the sections that relocate it. In files
// other than ET_REL the linker has applied them; a vmlinux linked with
// --emit-relocs still carries them, and those of SHT_REL must not be applied
// twice.
func (f *File) relocationSections() (map[int][]int, error) {
	if !f.Relocatable() {
		return nil, nil
	}
	m := make(map[int][]int)
	for i := range f.Sections {
		if t := f.Sections[i].Type; t == elf.SHT_REL || t == elf.SHT_RELA || t == shtCREL {
			to := int(f.Sections[i].Info)
			if m[to] = append(m[to], i); len(m[to]) > mostRelocations {
				return nil, f.errorAt(f.Sections[i].Name, 0, "the same section %d has more than %d sections of relocations", to, mostRelocations)
			}
		}
	}
	return m, nil
}

// mostRelocations bounds the relocation sections of one section. Tools make one.
const mostRelocations = 16

// addDebugSection enters section i where it belongs if it is a debug section.
// One without content (strip leaves SHT_NOBITS) does not count. Of a kind that
// occurs once the first one counts.
func (f *File) addDebugSection(src *dwarf2btf.Source, i int, relocs []int) error {
	s := &f.Sections[i]
	name, ok := strings.CutPrefix(s.Name, ".debug_")
	if !ok {
		if name, ok = strings.CutPrefix(s.Name, ".zdebug_"); !ok {
			return nil
		}
	}
	if s.FileSize() == 0 {
		return nil
	}
	var list *[]dwarf2btf.Section
	var one *dwarf2btf.Section
	switch name {
	case "info":
		list = &src.Info
	case "types":
		list = &src.Types
	case "abbrev":
		list = &src.Abbrev
	case "str":
		one = &src.Str
	case "line_str":
		one = &src.LineStr
	case "str_offsets":
		one = &src.StrOffsets
	case "addr":
		one = &src.Addr
	case "loc":
		one = &src.Loc
	case "loclists":
		one = &src.Loclists
	case "ranges":
		one = &src.Ranges
	case "rnglists":
		one = &src.Rnglists
	case "line":
		one = &src.Line
	default:
		return nil
	}
	if one != nil && *one != nil {
		return nil
	}
	size, err := f.sizeOf(i)
	if err != nil {
		return err
	}
	d := &debugSection{f: f, index: i, size: size, relocated: relocs}
	if list != nil {
		*list = append(*list, d)
	} else {
		*one = d
	}
	return nil
}
