// Package strip makes of a module or object what "strip -g" of GNU binutils leaves of it, in
// memory: sections with debug information are gone, with the symbols and relocations
// that belong to them, and what is left is packed together.
//
// It gives the bytes that strip itself writes, which were found out by looking at what
// it does to modules.
package strip

import (
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mkbtf/emit"
	"mkbtf/internal/elfhdr"
	"mkbtf/internal/object"
)

// ErrUnsupported: the file is none that Plan can be made of, because of its kind or of
// what it holds.
var ErrUnsupported = errors.New("cannot be stripped")

// Plan is a file that is about to be stripped. It refers to the file and may be used until
// that is closed, also by several goroutines.
type Plan struct {
	f       *object.File
	header  *elfhdr.Header
	keep    []int    // indices of the sections that are copied, ascending, without the symbol table and strings
	relocs  []int    // of the relocation sections that are kept
	dynamic []uint32 // by old symbol: its new index, 0 if it is gone
	symbols []byte   // the new symbol table; its section indices are old ones
	nlocal  uint32   // symbols before the first one that is not local
	strtab  []byte
	symtab  int // index of the symbol table, 0 if there is none
}

// New plans what to strip. Files other than relocatable ones, which have program headers
// that nothing may move under, give ErrUnsupported.
func New(f *object.File) (*Plan, error) {
	h, err := elfhdr.ParseHeader(f.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	p := &Plan{f: f, header: h}
	switch {
	case !f.Relocatable() || h.PhNum > 0:
		return nil, p.unsupported("it is no module and no object, which have no program headers")
	case len(f.Sections) == 0:
		return nil, p.unsupported("it has no sections")
	}
	gone := make([]bool, len(f.Sections))
	for i := range f.Sections {
		gone[i] = i == 0 || f.Sections[i].Type == elf.SHT_NULL || isDebug(&f.Sections[i])
	}
	for i := range f.Sections {
		if !isReloc(f.Sections[i].Type) {
			continue
		}
		target := f.Sections[i].Info
		if int(target) >= len(gone) {
			return nil, p.malformed(i, "relocates section %d of %d", target, len(gone))
		}
		gone[i] = gone[i] || gone[target]
	}
	if err := p.findGroups(gone); err != nil {
		return nil, err
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		switch {
		case gone[i]:
		case s.Type == elf.SHT_SYMTAB_SHNDX:
			return nil, p.unsupported("it has more than 65,279 sections")
		case s.Type == elf.SHT_SYMTAB:
			if p.symtab != 0 {
				return nil, p.unsupported("it has two symbol tables")
			}
			p.symtab = i
		case s.Type == elf.SHT_STRTAB && (i == h.ShStrNdx || p.isStrings(i)):
		case isReloc(s.Type):
			p.relocs = append(p.relocs, i)
		default:
			p.keep = append(p.keep, i)
		}
	}
	return p, p.readSymbols(gone)
}

// debugPrefixes are those of sections that BFD calls debug information unless they are
// loaded.
var debugPrefixes = []string{".debug", ".zdebug", ".gnu.debuglto_.debug_", ".gnu.linkonce.wi.", ".line", ".stab"}

func isDebug(s *object.Section) bool {
	if s.Flags&elf.SHF_ALLOC != 0 {
		return false
	}
	return s.Name == ".gdb_index" || slices.ContainsFunc(debugPrefixes, func(p string) bool { return strings.HasPrefix(s.Name, p) })
}

func isReloc(t elf.SectionType) bool { return t == elf.SHT_REL || t == elf.SHT_RELA }

// findGroups marks the section groups that lose all their members.
func (p *Plan) findGroups(gone []bool) error {
	for i := range p.f.Sections {
		if p.f.Sections[i].Type != elf.SHT_GROUP {
			continue
		}
		members, err := p.members(i)
		if err != nil {
			return err
		}
		gone[i] = !slices.ContainsFunc(members, func(m uint32) bool { return !gone[m] })
	}
	return nil
}

// members lists the sections of a group.
func (p *Plan) members(group int) ([]uint32, error) {
	b, err := p.f.Data(group)
	if err != nil {
		return nil, err
	}
	var list []uint32
	for off := 4; off+4 <= len(b); off += 4 {
		m := p.f.Order.Uint32(b[off:])
		if uint64(m) >= uint64(len(p.f.Sections)) {
			return nil, p.malformed(group, "its member is section %d of %d", m, len(p.f.Sections))
		}
		list = append(list, m)
	}
	return list, nil
}

// isStrings reports whether a section has the names of symbols.
func (p *Plan) isStrings(index int) bool {
	return slices.ContainsFunc(p.f.Sections, func(s object.Section) bool {
		return s.Type == elf.SHT_SYMTAB && int(s.Link) == index
	})
}

func (p *Plan) unsupported(format string, args ...any) error {
	return fmt.Errorf("%s: %w: %s", p.f.Name, ErrUnsupported, fmt.Sprintf(format, args...))
}

func (p *Plan) malformed(section int, format string, args ...any) error {
	return fmt.Errorf("%s: section %s: %s: %w", p.f.Name, p.f.Sections[section].Name, fmt.Sprintf(format, args...), elfhdr.ErrMalformed)
}

// placed is a section of the output.
type placed struct {
	elfhdr.Section
	name string
	old  int // index in the input, -1 if it is new
	data []byte
}

// Bytes is the stripped file with sections added, replaced, or, with Data nil, removed,
// and others overwritten, as emit.EditELF does. New sections go behind all others.
func (p *Plan) Bytes(sections []emit.ELFSection, overwrite []emit.ELFContent) ([]byte, error) {
	list, index, err := p.list(sections, overwrite)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := p.renumber(&list[i], index); err != nil {
			return nil, err
		}
	}
	names, at := sectionNames(list)
	list[len(list)-1].data = names
	for i := range list {
		list[i].NameOff = at[i]
	}
	return p.write(list)
}

// list is what the output has, in order, section 0 first, and the new index of each old
// section; 0 for those that are gone.
func (p *Plan) list(sections []emit.ELFSection, overwrite []emit.ELFContent) (list []placed, index []uint32, err error) {
	relocates := make(map[int]int, len(p.relocs))
	for _, r := range p.relocs {
		relocates[int(p.f.Sections[r].Info)] = r
	}
	index = make([]uint32, len(p.f.Sections))
	add := func(i int) error {
		s := &p.f.Sections[i]
		data, err := s.Contents(p.f.Bytes(), s.Name)
		if err != nil {
			return fmt.Errorf("%s: %w", p.f.Name, err)
		}
		for j := range overwrite {
			if overwrite[j].Name == s.Name {
				if len(overwrite[j].Data) != len(data) {
					return fmt.Errorf("%s: section %s: %w", p.f.Name, s.Name, emit.ErrInPlace)
				}
				data = overwrite[j].Data
			}
		}
		index[i] = uint32(len(list))
		list = append(list, placed{s.Section, s.Name, i, data})
		return nil
	}
	list = append(list, placed{old: -1})
	for _, i := range p.keep {
		if slices.ContainsFunc(sections, func(s emit.ELFSection) bool { return s.Name == p.f.Sections[i].Name }) {
			continue
		}
		if err := add(i); err != nil {
			return nil, nil, err
		}
		if r, ok := relocates[i]; ok {
			if err := add(r); err != nil {
				return nil, nil, err
			}
		}
	}
	for i := range sections {
		if s := &sections[i]; s.Data != nil {
			h := elfhdr.Section{Type: emit.SectionType(s.Name), Align: max(s.Align, 1)}
			list = append(list, placed{h, s.Name, -1, s.Data})
		}
	}
	if p.symtab != 0 {
		s := p.f.Sections[p.symtab].Section
		n := uint32(len(list))
		s.Link, s.Info, s.Flags, s.FlagsHigh = n+1, p.nlocal, 0, 0
		index[p.symtab] = n
		list = append(list, placed{s, ".symtab", p.symtab, slices.Clone(p.symbols)},
			placed{elfhdr.Section{Type: elf.SHT_STRTAB, Align: 1}, ".strtab", -1, p.strtab})
	}
	return append(list, placed{elfhdr.Section{Type: elf.SHT_STRTAB, Align: 1}, ".shstrtab", -1, nil}), index, nil
}

// renumber brings the indices in a section and its header up to date.
func (p *Plan) renumber(s *placed, index []uint32) error {
	if s.old < 0 {
		return nil
	}
	if s.old == p.symtab {
		p.renumberSymbols(s.data, index)
		return nil
	}
	if int(s.Link) >= len(index) {
		return p.malformed(s.old, "is linked to section %d of %d", s.Link, len(index))
	}
	s.Link = index[s.Link]
	switch s.Type {
	case elf.SHT_REL, elf.SHT_RELA:
		s.Info = index[s.Info]
		var err error
		s.data, err = p.renumberRelocs(s)
		return err
	case elf.SHT_GROUP:
		s.Info = p.symbol(s.Info)
		members, err := p.members(s.old)
		if err != nil {
			return err
		}
		data := slices.Clone(s.data[:min(4, len(s.data))])
		for _, m := range members {
			if index[m] != 0 {
				data = p.f.Order.AppendUint32(data, index[m])
			}
		}
		s.data = data
	}
	return nil
}

func (p *Plan) symbol(old uint32) uint32 {
	if int(old) >= len(p.dynamic) {
		return 0
	}
	return p.dynamic[old]
}

// write lays the sections out: first those with content in their order, with the symbols
// behind, then relocations, the names of sections and the headers.
func (p *Plan) write(list []placed) ([]byte, error) {
	h := *p.header
	off := uint64(h.Len())
	word := uint64(p.f.AddrSize())
	place := func(s *placed, align uint64) error {
		if align > 1 {
			if align&(align-1) != 0 || align > 1<<30 {
				return fmt.Errorf("%s: section %s: alignment %d: %w", p.f.Name, s.name, align, elfhdr.ErrMalformed)
			}
			off = (off + align - 1) &^ (align - 1)
		}
		s.Off = off
		if s.Type != elf.SHT_NOBITS {
			s.Size = uint64(len(s.data))
			off += s.Size
		}
		return nil
	}
	last := len(list) - 1
	for i := 1; i < last; i++ {
		if !isReloc(list[i].Type) {
			if err := place(&list[i], list[i].Align); err != nil {
				return nil, err
			}
		}
	}
	for i := 1; i < last; i++ {
		if isReloc(list[i].Type) {
			if err := place(&list[i], word); err != nil {
				return nil, err
			}
		}
	}
	if err := place(&list[last], 1); err != nil {
		return nil, err
	}
	off = (off + word - 1) &^ (word - 1)
	if off > p.largest(list) {
		return nil, fmt.Errorf("%s: sections overlap or are aligned without measure: %w", p.f.Name, elfhdr.ErrMalformed)
	}
	h.ShOff, h.ShNum, h.ShStrNdx = off, len(list), last
	size := off + uint64(len(list)*h.SectionLen())
	if !h.Is64() && size > 1<<32-1 {
		return nil, p.unsupported("%d bytes are too many for its class", size)
	}
	h.PutExtended(&list[0].Section)
	out := make([]byte, off, size)
	copy(out, p.f.Bytes()[:h.Len()])
	h.Put(out)
	for i := 1; i < len(list); i++ {
		if list[i].Type != elf.SHT_NOBITS {
			copy(out[list[i].Off:], list[i].data)
		}
	}
	for i := range list {
		out = h.AppendSection(out, &list[i].Section)
	}
	return out, nil
}

// largest bounds the size of the output: headers can claim that many sections lie in one
// place.
func (p *Plan) largest(list []placed) uint64 {
	const padding = 1 << 20
	n := uint64(padding + 4*len(p.f.Bytes()))
	for i := range list {
		if list[i].old < 0 {
			n += uint64(len(list[i].data))
		}
	}
	return n
}
