package funccheck

import (
	"bytes"
	"debug/dwarf"
	"debug/elf"
	"errors"
	"fmt"
	"strings"
)

// File is what an object file says of its functions and data.
type File struct {
	// Code lists the functions by the address of their first instruction.
	Code map[uint64][]Function
	// Symbols lists the different addresses of the symbols of type FUNC by name.
	Symbols map[string][]uint64
	// Folded lists functions that are described without an address by a unit whose code
	// a symbol of that name is in: GCC found them to equal others.
	Folded map[string][]Function

	elf     *elf.File
	objects map[place]uint64  // size of each data symbol
	sizes   map[uint64]uint64 // of functions, by address
}

// Function is a subprogram of the debug information that has code.
type Function struct {
	Name   string
	Text   string   // prototype, see typeTexts
	Params []string // their names
	DIE    dwarf.Offset
	unit   [][2]uint64 // address ranges of its unit
}

// place is where a data symbol lies.
type place struct {
	section, name string
	off           uint64
}

// ErrNoDWARF means that a file has no debug information in itself.
var ErrNoDWARF = errors.New("no debug information")

// Read reads an object file, which it may change. The units of languages that the
// encoder leaves out do not count.
func Read(data []byte) (*File, error) {
	e, err := addressed(data)
	if err != nil {
		return nil, err
	}
	f := &File{elf: e, Code: map[uint64][]Function{}, Symbols: map[string][]uint64{}, Folded: map[string][]Function{}, objects: map[place]uint64{}, sizes: map[uint64]uint64{}}
	symbols, err := e.Symbols()
	if err != nil {
		return nil, err
	}
	for _, s := range symbols {
		switch elf.ST_TYPE(s.Info) {
		case elf.STT_FUNC:
			f.addFunction(s)
		case elf.STT_OBJECT:
			if int(s.Section) < len(e.Sections) {
				sec := e.Sections[s.Section]
				name, _, _ := strings.Cut(s.Name, ".llvm.") // as kallsyms has it
				f.objects[place{sec.Name, name, s.Value - sec.Addr}] = s.Size
			}
		}
	}
	units := 0
	for _, s := range e.Sections {
		if s.Name == ".debug_info" || s.Name == ".zdebug_info" {
			units++
		}
	}
	switch {
	case units == 0:
		return nil, ErrNoDWARF
	case units > 1: // DWARF 5
		return nil, ErrTypeUnit
	}
	d, err := e.DWARF()
	if err != nil {
		return nil, err
	}
	return f, f.readFunctions(d)
}

func (f *File) addFunction(s elf.Symbol) {
	addr := s.Value
	if f.elf.Machine == elf.EM_ARM {
		addr &^= 1
	}
	f.sizes[addr] = max(f.sizes[addr], s.Size)
	name, _, _ := strings.Cut(s.Name, ".llvm.")
	for _, a := range f.Symbols[name] {
		if a == addr {
			return
		}
	}
	f.Symbols[name] = append(f.Symbols[name], addr)
}

// addressed opens an object file. If it is relocatable, each section in memory gets an
// address first, and symbols are moved along, so that what debug/elf relocates with
// them tells sections apart.
func addressed(data []byte) (*elf.File, error) {
	e, err := elf.NewFile(bytes.NewReader(data))
	if err != nil || e.Type != elf.ET_REL {
		return e, err
	}
	next := uint64(1 << 20)
	for _, s := range e.Sections {
		if s.Flags&elf.SHF_ALLOC != 0 {
			s.Addr = next
			next += (s.Size + 0x1fff) &^ 0xfff
		}
	}
	table := e.SectionByType(elf.SHT_SYMTAB)
	if table == nil {
		return e, nil
	}
	raw := data[table.Offset:][:table.Size]
	size, value, shndx := 24, 8, 6
	if e.Class == elf.ELFCLASS32 {
		size, value, shndx = 16, 4, 14
	}
	for ; len(raw) >= size; raw = raw[size:] {
		i := int(e.ByteOrder.Uint16(raw[shndx:]))
		if i == 0 || i >= len(e.Sections) {
			continue
		}
		if e.Class == elf.ELFCLASS32 {
			e.ByteOrder.PutUint32(raw[value:], e.ByteOrder.Uint32(raw[value:])+uint32(e.Sections[i].Addr))
		} else {
			e.ByteOrder.PutUint64(raw[value:], e.ByteOrder.Uint64(raw[value:])+e.Sections[i].Addr)
		}
	}
	return e, nil
}

// excluded lists the DW_LANG codes that the encoder leaves out: C++, Rust, assembly.
var excluded = map[int64]bool{
	0x04: true, 0x1a: true, 0x21: true, 0x2b: true, 0x1c: true, 0x9000: true, 0x8001: true, 0x31: true, 0x3a: true,
}

// readFunctions fills in Code.
func (f *File) readFunctions(d *dwarf.Data) error {
	t := newTypeTexts(d)
	r := d.Reader()
	for {
		unit, err := r.Next()
		if err != nil || unit == nil {
			return err
		}
		if lang, _ := unit.Val(dwarf.AttrLanguage).(int64); unit.Tag != dwarf.TagCompileUnit || excluded[lang] {
			r.SkipChildren()
			continue
		}
		if !unit.Children {
			continue
		}
		ranges, err := d.Ranges(unit)
		if err != nil {
			return err
		}
		for {
			e, err := r.Next()
			if err != nil {
				return err
			}
			if e == nil || e.Tag == 0 {
				break
			}
			if e.Tag == dwarf.TagSubprogram {
				err = f.readFunction(d, t, r, e, ranges)
			} else {
				r.SkipChildren()
			}
			if err != nil {
				return fmt.Errorf("DIE %#x: %w", e.Offset, err)
			}
		}
	}
}

// readFunction reads the subprogram e; its children are next in r. unit are the
// ranges of its unit.
func (f *File) readFunction(d *dwarf.Data, t *typeTexts, r *dwarf.Reader, e *dwarf.Entry, unit [][2]uint64) error {
	ranges, err := d.Ranges(e)
	if err != nil {
		return err
	}
	fn := Function{DIE: e.Offset, unit: unit}
	if fn.Name, err = t.name(e); err != nil {
		return err
	}
	hasCode := len(ranges) > 0 && ranges[0][0] != 0
	if declared, _ := e.Val(dwarf.AttrDeclaration).(bool); declared || !hasCode && f.Symbols[fn.Name] == nil {
		r.SkipChildren()
		return nil
	}
	var params []string
	seen := map[dwarf.Offset]bool{}
	for e.Children {
		c, err := r.Next()
		if err != nil {
			return err
		}
		if c == nil || c.Tag == 0 {
			break
		}
		switch c.Tag {
		case dwarf.TagFormalParameter:
			if origin, ok := c.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset); ok {
				if seen[origin] {
					break // once more, for an inlined part
				}
				seen[origin] = true
			}
			name, err := t.name(c)
			if err != nil {
				return err
			}
			typ, err := t.typeOf(c)
			if err != nil {
				return err
			}
			fn.Params = append(fn.Params, name)
			params = append(params, name+" "+typ)
		case dwarf.TagUnspecifiedParameters:
			params = append(params, "...")
		}
		r.SkipChildren()
	}
	ret, err := t.typeOf(e)
	fn.Text = functionText(params, ret)
	if !hasCode {
		for _, addr := range f.Symbols[fn.Name] {
			if f.within(unit, addr) {
				f.Folded[fn.Name] = append(f.Folded[fn.Name], fn)
			}
		}
		return err
	}
	f.Code[ranges[0][0]] = append(f.Code[ranges[0][0]], fn)
	return err
}
