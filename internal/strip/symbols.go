package strip

import (
	"debug/elf"
	"slices"
	"strings"
)

// Wire sizes of Elf32_Sym and Elf64_Sym, and where st_shndx and st_info are in them.
const (
	symbolLen32, symbolLen64 = 16, 24
	shndx32, shndx64         = 14, 6
	info32, info64           = 12, 4
)

func (p *Plan) symbolLen() (size, shndx, info int) {
	if p.header.Is64() {
		return symbolLen64, shndx64, info64
	}
	return symbolLen32, shndx32, info32
}

// readSymbols chooses the symbols that stay: not those of files, of sections that are gone,
// and of sections that no relocation refers to.
func (p *Plan) readSymbols(gone []bool) error {
	if p.symtab == 0 {
		return nil
	}
	size, shndx, info := p.symbolLen()
	s := &p.f.Sections[p.symtab]
	if s.EntSize != uint64(size) || int(s.Link) >= len(p.f.Sections) {
		return p.malformed(p.symtab, "symbols of %d bytes with names in section %d", s.EntSize, s.Link)
	}
	raw, err := p.f.Data(p.symtab)
	if err != nil {
		return err
	}
	names, err := p.f.Data(int(s.Link))
	if err != nil {
		return err
	}
	count := len(raw) / size
	p.dynamic = make([]uint32, count)
	used := make([]bool, count)
	for _, r := range p.relocs {
		err := p.eachReloc(r, func(rec []byte) {
			if sym := p.relocSymbol(rec); int(sym) < count {
				used[sym] = true
			}
		})
		if err != nil {
			return err
		}
	}
	o := p.f.Order
	strs := newStrings()
	var refs []int
	for i := range count {
		rec := raw[i*size : (i+1)*size]
		section := o.Uint16(rec[shndx:])
		typ := elf.ST_TYPE(rec[info])
		switch {
		case i == 0:
		case int(section) < len(gone) && section != 0 && gone[section]:
			continue
		case (typ == elf.STT_FILE || typ == elf.STT_SECTION) && !used[i]:
			continue
		}
		off := o.Uint32(rec)
		if uint64(off) >= uint64(len(names)) && off != 0 {
			return p.malformed(p.symtab, "symbol %d: name at %#x of %#x bytes of names", i, off, len(names))
		}
		name := ""
		if off != 0 && typ != elf.STT_SECTION {
			name = cut(names[off:])
		}
		p.dynamic[i] = uint32(len(p.symbols) / size)
		if elf.ST_BIND(rec[info]) == elf.STB_LOCAL {
			p.nlocal = p.dynamic[i] + 1
		}
		refs = append(refs, strs.add(name))
		p.symbols = append(p.symbols, rec...)
	}
	var at []uint32
	p.strtab, at = strs.layout()
	for i, ref := range refs {
		o.PutUint32(p.symbols[i*size:], at[ref])
	}
	return nil
}

// cut is the string that begins b.
func cut(b []byte) string {
	if i := slices.Index(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// renumberSymbols gives symbols the new indices of their sections.
func (p *Plan) renumberSymbols(symbols []byte, index []uint32) {
	size, shndx, _ := p.symbolLen()
	for i := 0; i+size <= len(symbols); i += size {
		b := symbols[i+shndx:]
		if n := p.f.Order.Uint16(b); int(n) < len(index) {
			p.f.Order.PutUint16(b, uint16(index[n]))
		}
	}
}

// eachReloc calls f with every record of a relocation section.
func (p *Plan) eachReloc(index int, f func(rec []byte)) error {
	s := &p.f.Sections[index]
	size := p.relocLen(s.Type)
	if s.EntSize != uint64(size) {
		return p.malformed(index, "records of %d bytes, expected %d", s.EntSize, size)
	}
	raw, err := p.f.Data(index)
	if err != nil {
		return err
	}
	for ; len(raw) >= size; raw = raw[size:] {
		f(raw[:size])
	}
	return nil
}

func (p *Plan) relocLen(t elf.SectionType) int {
	n := 2 * p.f.AddrSize()
	if t == elf.SHT_RELA {
		n += p.f.AddrSize()
	}
	return n
}

// relocSymbol is the symbol that a relocation refers to.
func (p *Plan) relocSymbol(rec []byte) uint32 {
	o := p.f.Order
	switch {
	case !p.header.Is64():
		return o.Uint32(rec[4:]) >> 8
	case p.header.Machine == elf.EM_MIPS: // r_sym is a word of its own
		return o.Uint32(rec[8:])
	}
	return uint32(o.Uint64(rec[8:]) >> 32)
}

// renumberRelocs returns the content of a relocation section with new symbols.
func (p *Plan) renumberRelocs(s *placed) ([]byte, error) {
	size := p.relocLen(s.Type)
	if s.EntSize != uint64(size) {
		return nil, p.malformed(s.old, "records of %d bytes, expected %d", s.EntSize, size)
	}
	data, o := slices.Clone(s.data), p.f.Order
	for rec := data; len(rec) >= size; rec = rec[size:] {
		sym := p.symbol(p.relocSymbol(rec))
		switch {
		case !p.header.Is64():
			o.PutUint32(rec[4:], sym<<8|o.Uint32(rec[4:])&0xff)
		case p.header.Machine == elf.EM_MIPS:
			o.PutUint32(rec[8:], sym)
		default:
			o.PutUint64(rec[8:], uint64(sym)<<32|o.Uint64(rec[8:])&(1<<32-1))
		}
	}
	return data, nil
}

// stringTable collects strings. One that ends another shares its bytes, as BFD does it.
type stringTable struct {
	list  []string
	index map[string]int
}

func newStrings() *stringTable { return &stringTable{index: map[string]int{}} }

// add returns the number of a string.
func (t *stringTable) add(s string) int {
	n, ok := t.index[s]
	if !ok {
		n = len(t.list)
		t.index[s] = n
		t.list = append(t.list, s)
	}
	return n
}

// layout returns the table, which begins with an empty string, and where each string is in
// it. Those that are not the end of others stand in the order in which they came.
func (t *stringTable) layout() (table []byte, at []uint32) {
	order := make([]int, len(t.list))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compareReversed(t.list[a], t.list[b]) })
	whole := make([]int, len(t.list)) // the string that holds it
	for i := len(order) - 1; i >= 0; i-- {
		n := order[i]
		whole[n] = n
		if i+1 < len(order) {
			if w := whole[order[i+1]]; strings.HasSuffix(t.list[w], t.list[n]) {
				whole[n] = w
			}
		}
	}
	table, at = []byte{0}, make([]uint32, len(t.list))
	for n, s := range t.list {
		if whole[n] == n && s != "" {
			at[n] = uint32(len(table))
			table = append(append(table, s...), 0)
		}
	}
	for n, s := range t.list {
		if w := whole[n]; w != n && s != "" {
			at[n] = at[w] + uint32(len(t.list[w])-len(s))
		}
	}
	return table, at
}

// compareReversed orders strings by their ends.
func compareReversed(a, b string) int {
	for i, j := len(a), len(b); i > 0 && j > 0; {
		i, j = i-1, j-1
		if a[i] != b[j] {
			return int(a[i]) - int(b[j])
		}
	}
	return len(a) - len(b)
}

// sectionNames is the table of the names of sections, and where each is in it.
func sectionNames(list []placed) (table []byte, at []uint32) {
	strs := newStrings()
	for _, name := range []string{".symtab", ".strtab", ".shstrtab"} {
		strs.add(name)
	}
	refs := make([]int, len(list))
	for i := range list {
		refs[i] = strs.add(list[i].name)
	}
	table, where := strs.layout()
	at = make([]uint32, len(list))
	for i, ref := range refs {
		at[i] = where[ref]
	}
	return table, at
}
