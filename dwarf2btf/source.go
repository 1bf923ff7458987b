package dwarf2btf

import (
	"debug/elf"
	"iter"

	"mkbtf/btf"
)

// Section is one debug section of an object file. The implementation decides
// whether it lies in a mapping, is decompressed, or is relocated as it is read.
// Methods may be called from several goroutines.
type Section interface {
	// Name is the name in the ELF file, for messages.
	Name() string
	// Size is the size in bytes after decompression.
	Size() uint64
	// Read returns n bytes from offset off, with relocations applied if the
	// file is relocatable. The result lies in buf (grown if need be) or in the
	// mapping; it must not be changed and is valid until buf is reused.
	// A range outside the section is an error.
	Read(off, n uint64, buf []byte) ([]byte, error)
	// Bytes returns the whole section without relocations, for string sections
	// and abbreviations, which never have any. The result must not be changed.
	Bytes() ([]byte, error)
}

// Source is an object file as this package needs it. Sections that the file
// lacks are nil.
type Source struct {
	Name        string // file name for messages
	Machine     elf.Machine
	Order       btf.Order
	AddrSize    int  // 4 or 8
	Relocatable bool // ET_REL: every section with SHF_ALLOC has a made-up address, see Sections

	Info       []Section // .debug_info; several in COMDAT groups (DWARF 5 type units)
	Types      []Section // .debug_types (DWARF 4 type units)
	Abbrev     []Section // .debug_abbrev, as many as Info and Types have between them, or one for all
	Str        Section   // .debug_str
	LineStr    Section   // .debug_line_str
	StrOffsets Section   // .debug_str_offsets
	Addr       Section   // .debug_addr
	Loc        Section   // .debug_loc (DWARF 2-4)
	Loclists   Section   // .debug_loclists (DWARF 5)
	Ranges     Section   // .debug_ranges (DWARF 2-4)
	Rnglists   Section   // .debug_rnglists (DWARF 5)
	Line       Section   // .debug_line, read only with Options.DeclFiles

	// Sections lists the ELF sections by index (0 is the null section).
	Sections []ELFSection
	// Symbols are the functions and objects of .symtab that have a section or are
	// absolute, and all symbols in .BTF_ids; nil if there are none.
	Symbols SymbolTable
	// BTFIDs is the content of .BTF_ids, nil if there is none; BTFIDsIndex its section index.
	BTFIDs      []byte
	BTFIDsIndex int
}

// ELFSection is a section header in short. In a relocatable file Addr is a
// made-up address: every section with SHF_ALLOC gets a range of its own, no two
// overlap, none starts at 0, so that one number tells section and offset.
// Relocated debug sections use the same addresses.
type ELFSection struct {
	Name  string
	Type  elf.SectionType
	Flags elf.SectionFlag
	Addr  uint64
	Size  uint64
}

// SymbolTable hands out symbols.
type SymbolTable interface {
	// Len is not less than the number of symbols.
	Len() int
	// All returns the symbols one by one: those for which wanted, which sees them without
	// their names, is true. After an error there are no more.
	All(wanted func(y *Symbol) bool) iter.Seq2[Symbol, error]
	// In returns those that lie in a section.
	In(section int) iter.Seq2[Symbol, error]
}

// Symbol is a symbol of .symtab. Addr is Value plus, in a relocatable file, the
// made-up address of its section.
type Symbol struct {
	Name    []byte // must not be changed, and is valid as long as the file is open
	Addr    uint64
	Value   uint64 // st_value as in the file
	Size    uint64
	Type    elf.SymType
	Bind    elf.SymBind
	Section int // index into Sections; SHN_XINDEX resolved; -1 absolute or common
}

// SymbolList is a SymbolTable that lies in memory.
type SymbolList []Symbol

// Len implements SymbolTable.
func (l SymbolList) Len() int { return len(l) }

// All implements SymbolTable.
func (l SymbolList) All(wanted func(y *Symbol) bool) iter.Seq2[Symbol, error] {
	return func(yield func(Symbol, error) bool) {
		for i := range l {
			if wanted(&l[i]) && !yield(l[i], nil) {
				return
			}
		}
	}
}

// In implements SymbolTable.
func (l SymbolList) In(section int) iter.Seq2[Symbol, error] {
	return l.All(func(y *Symbol) bool { return y.Section == section })
}
