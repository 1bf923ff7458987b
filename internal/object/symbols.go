package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"iter"

	"mkbtf/dwarf2btf"
)

// Wire sizes of Elf32_Sym and Elf64_Sym.
const (
	symbolLen32 = 16
	symbolLen64 = 24
)

// longestName bounds a symbol name. C++ and Rust reach some thousand bytes.
const longestName = 1 << 16

// symbolTable is the symbol table of the file, of which there is at most one.
type symbolTable struct {
	index    int    // of the section, 0 if there is none
	raw      []byte // whole records
	names    []byte
	extended []byte // SHT_SYMTAB_SHNDX: one 32-bit word for each symbol; nil if there is none
	len      int    // of a record
	common   bool   // 64 bits, little endian: read without a detour, a kernel has 200,000
}

func (t *symbolTable) count() int {
	if t.len == 0 {
		return 0
	}
	return len(t.raw) / t.len
}

// symtab finds the symbol table.
func (f *File) symtab() (*symbolTable, error) {
	f.symbolsOnce.Do(func() { f.symbols, f.symbolsErr = f.findSymtab() })
	return f.symbols, f.symbolsErr
}

func (f *File) findSymtab() (*symbolTable, error) {
	t := new(symbolTable)
	for i := range f.Sections {
		if f.Sections[i].Type == elf.SHT_SYMTAB {
			t.index = i
			break
		}
	}
	if t.index == 0 {
		return t, nil
	}
	s := &f.Sections[t.index]
	t.len = symbolLen32
	if f.Class == elf.ELFCLASS64 {
		t.len = symbolLen64
	}
	t.common = f.Class == elf.ELFCLASS64 && f.Order == binary.LittleEndian
	if s.EntSize != uint64(t.len) {
		return nil, f.errorAt(s.Name, 0, "symbols of %d bytes, this class has %d", s.EntSize, t.len)
	}
	var err error
	if t.raw, err = f.Data(t.index); err != nil {
		return nil, err
	}
	if int(s.Link) >= len(f.Sections) || f.Sections[s.Link].Type != elf.SHT_STRTAB {
		return nil, f.errorAt(s.Name, 0, "its string table would be section %d", s.Link)
	}
	if t.names, err = f.Data(int(s.Link)); err != nil {
		return nil, err
	}
	for i := range f.Sections {
		x := &f.Sections[i]
		if x.Type != elf.SHT_SYMTAB_SHNDX || int(x.Link) != t.index {
			continue
		}
		if t.extended, err = f.Data(i); err != nil {
			return nil, err
		}
		if len(t.extended)/4 < t.count() {
			return nil, f.errorAt(x.Name, 0, "%d section indices for %d symbols", len(t.extended)/4, t.count())
		}
		break
	}
	return t, nil
}

// rawSymbol is a record of the symbol table with its section index resolved.
type rawSymbol struct {
	name    uint32
	info    uint8
	section int // 0 undefined, -1 absolute, -2 common and other reserved indices
	value   uint64
	size    uint64
}

const (
	absolute = -1
	common   = -2
)

// symbol reads a record. A section index out of range is an error.
func (f *File) symbol(t *symbolTable, i int) (rawSymbol, error) {
	b, o := t.raw[i*t.len:], f.Order
	var s rawSymbol
	var index uint16
	if t.common {
		_ = b[symbolLen64-1]
		s = rawSymbol{name: binary.LittleEndian.Uint32(b), info: b[4], value: binary.LittleEndian.Uint64(b[8:]), size: binary.LittleEndian.Uint64(b[16:])}
		index = binary.LittleEndian.Uint16(b[6:])
	} else if f.Class == elf.ELFCLASS64 {
		s = rawSymbol{name: o.Uint32(b), info: b[4], value: o.Uint64(b[8:]), size: o.Uint64(b[16:])}
		index = o.Uint16(b[6:])
	} else {
		s = rawSymbol{name: o.Uint32(b), value: uint64(o.Uint32(b[4:])), size: uint64(o.Uint32(b[8:])), info: b[12]}
		index = o.Uint16(b[14:])
	}
	switch n := elf.SectionIndex(index); {
	case n == elf.SHN_XINDEX && t.extended != nil:
		x := o.Uint32(t.extended[4*i:])
		if uint64(x) >= uint64(len(f.Sections)) {
			return s, f.errorAt(f.Sections[t.index].Name, uint64(i*t.len), "symbol %d: section %d of %d", i, x, len(f.Sections))
		}
		s.section = int(x)
	case n == elf.SHN_ABS:
		s.section = absolute
	case n >= elf.SHN_LORESERVE:
		s.section = common
	case int(index) >= len(f.Sections):
		return s, f.errorAt(f.Sections[t.index].Name, uint64(i*t.len), "symbol %d: section %d of %d", i, index, len(f.Sections))
	default:
		s.section = int(index)
	}
	return s, nil
}

// symbolValues returns what each symbol contributes to a relocation: its value
// plus the address of its section; 0 if it is undefined or common.
func (f *File) symbolValues() ([]uint64, error) {
	f.valuesOnce.Do(func() { f.values, f.valuesErr = f.findSymbolValues() })
	return f.values, f.valuesErr
}

func (f *File) findSymbolValues() ([]uint64, error) {
	t, err := f.symtab()
	if err != nil {
		return nil, err
	}
	addrs, err := f.addresses()
	if err != nil {
		return nil, err
	}
	values := make([]uint64, t.count())
	for i := range values {
		s, err := f.symbol(t, i)
		if err != nil {
			return nil, err
		}
		switch {
		case s.section == absolute:
			values[i] = s.value
		case s.section > 0:
			values[i] = s.value + addrs[s.section]
		}
	}
	return values, nil
}

// sourceSymbols are the functions and objects that are defined, and all that lies in
// .BTF_ids, with names and addresses.
type sourceSymbols struct {
	f     *File
	table *symbolTable
	addrs []uint64 // of sections
	ids   int      // section .BTF_ids, 0: there is none
}

func (f *File) sourceSymbols() (dwarf2btf.SymbolTable, error) {
	t, err := f.symtab()
	if err != nil || t.count() == 0 {
		return nil, err
	}
	s := &sourceSymbols{f: f, table: t}
	if s.addrs, err = f.addresses(); err != nil {
		return nil, err
	}
	s.ids, _ = f.Section(".BTF_ids")
	return s, nil
}

// Len implements dwarf2btf.SymbolTable.
func (l *sourceSymbols) Len() int { return l.table.count() - 1 }

// All implements dwarf2btf.SymbolTable.
func (l *sourceSymbols) All(wanted func(*dwarf2btf.Symbol) bool) iter.Seq2[dwarf2btf.Symbol, error] {
	return l.each(0, wanted)
}

// In implements dwarf2btf.SymbolTable.
func (l *sourceSymbols) In(section int) iter.Seq2[dwarf2btf.Symbol, error] {
	return l.each(section, func(y *dwarf2btf.Symbol) bool { return y.Section == section })
}

// each is All. If section is not 0 nothing that lies elsewhere is wanted.
func (l *sourceSymbols) each(section int, wanted func(*dwarf2btf.Symbol) bool) iter.Seq2[dwarf2btf.Symbol, error] {
	few := l.table.common && section > 0 && section < int(elf.SHN_LORESERVE) && l.table.extended == nil
	return func(yield func(dwarf2btf.Symbol, error) bool) {
		var y dwarf2btf.Symbol
		for i := 1; i < l.table.count(); i++ {
			if few && int(binary.LittleEndian.Uint16(l.table.raw[i*symbolLen64+6:])) != section {
				continue
			}
			s, err := l.f.symbol(l.table, i)
			if err == nil {
				if !l.symbol(&y, &s) || !wanted(&y) {
					continue
				}
				if y.Name, err = symbolName(l.table.names, s.name); err != nil {
					err = l.f.errorAt(l.f.Sections[l.table.index].Name, uint64(i*l.table.len), "symbol %d: %v", i, err)
				}
			}
			if !yield(y, err) || err != nil {
				return
			}
		}
	}
}

// symbol fills in y but for the name, and reports whether it is one of those.
func (l *sourceSymbols) symbol(y *dwarf2btf.Symbol, s *rawSymbol) bool {
	switch typ := elf.ST_TYPE(s.info); {
	case s.section == 0:
		return false
	case typ == elf.STT_FUNC, typ == elf.STT_OBJECT, typ == elf.STT_GNU_IFUNC, s.section == l.ids:
	default:
		return false
	}
	*y = dwarf2btf.Symbol{
		Addr: s.value, Value: s.value, Size: s.size,
		Type: elf.ST_TYPE(s.info), Bind: elf.ST_BIND(s.info), Section: s.section,
	}
	if s.section < 0 {
		y.Section = -1
	} else if l.f.Relocatable() {
		y.Addr += l.addrs[s.section]
	}
	return true
}

func symbolName(names []byte, off uint32) ([]byte, error) {
	if off == 0 {
		return nil, nil
	}
	if uint64(off) >= uint64(len(names)) {
		return nil, fmt.Errorf("name at %#x of %#x bytes of names", off, len(names))
	}
	s := names[off:]
	if len(s) > longestName {
		s = s[:longestName]
	}
	n := bytes.IndexByte(s, 0)
	if n < 0 {
		return nil, fmt.Errorf("name at %#x does not end", off)
	}
	return s[:n:n], nil
}
