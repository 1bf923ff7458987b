package dwarf2btf

import (
	"cmp"
	"debug/elf"
	"slices"
	"strings"

	"mkbtf/btf"
)

// Symbols is the table of an object file's functions by base name: the name up
// to the first '.'. The compiler's copies of a function (f.isra.0,
// f.constprop.1) have the same base name and form one group with it; what it split
// off (.cold, .part) is left out.
type Symbols struct {
	names   *btf.Strings // base names; only read after newSymbols
	group   []int32      // by btf.Str of names
	groups  []symbolGroup
	all     []groupSymbol  // by group
	objects []objectSymbol // by address
}

// objectSymbol is a data symbol.
type objectSymbol struct {
	addr    uint64
	section int
	name    string
}

type symbolGroup struct {
	name        btf.Str
	first, last int32 // symbols in Symbols.all
}

type groupSymbol struct {
	group  int32
	addr   uint64
	size   uint64
	suffix string // what follows the base name, "" if nothing does
}

// newSymbols indexes the functions of .symtab, and the data in a range.
func newSymbols(src *Source, variables addressRange) *Symbols {
	s := &Symbols{names: btf.NewStrings(), group: []int32{-1}}
	functions := 0
	for i := range src.Symbols {
		if src.Symbols[i].Type == elf.STT_FUNC {
			functions++
		}
	}
	s.group, s.groups, s.all = slices.Grow(s.group, functions), make([]symbolGroup, 0, functions), make([]groupSymbol, 0, functions)
	for i := range src.Symbols {
		y := &src.Symbols[i]
		if y.Type == elf.STT_OBJECT && y.Section > 0 && y.Section < len(src.Sections) && variables.holds(y.Addr) {
			s.objects = append(s.objects, objectSymbol{y.Addr, y.Section, y.Name})
		}
		if y.Type != elf.STT_FUNC {
			continue
		}
		base, suffix := y.Name, ""
		if dot := strings.IndexByte(base, '.'); dot >= 0 {
			if i := strings.Index(base, ".llvm."); i >= 0 {
				base = base[:i] // a static function under a name for the whole program; kallsyms cuts it off too
			}
			base, suffix = base[:dot], base[dot:]
		}
		if base == "" || strings.Contains(suffix, ".cold") || strings.Contains(suffix, ".part") {
			continue
		}
		n := s.names.InternString(base)
		if int(n) == len(s.group) {
			s.group = append(s.group, int32(len(s.groups)))
			s.groups = append(s.groups, symbolGroup{name: n})
		}
		addr := y.Addr
		if src.Machine == elf.EM_ARM {
			addr &^= 1 // says that the code is Thumb
		}
		s.all = append(s.all, groupSymbol{group: s.group[n], addr: addr, size: y.Size, suffix: suffix})
	}
	inOrder := func(a, b groupSymbol) int {
		if a.group != b.group {
			return cmp.Compare(a.group, b.group)
		}
		return strings.Compare(a.suffix, b.suffix)
	}
	if !slices.IsSortedFunc(s.all, inOrder) {
		slices.SortStableFunc(s.all, inOrder)
	}
	slices.SortStableFunc(s.objects, func(a, b objectSymbol) int { return cmp.Compare(a.addr, b.addr) })
	for i := range s.all {
		g := &s.groups[s.all[i].group]
		if g.last == 0 {
			g.first = int32(i)
		}
		g.last = int32(i) + 1
	}
	return s
}

// Len is the number of groups.
func (s *Symbols) Len() int { return len(s.groups) }

// Name returns the base name of a group.
func (s *Symbols) Name(group int) string { return s.names.String(s.groups[group].name) }

// find returns the group of a base name, -1 if no function has it.
func (s *Symbols) find(name []byte) int32 {
	if n, ok := s.names.Find(name); ok {
		return s.group[n]
	}
	return -1
}

// of returns the symbols of a group, those of the base name first.
func (s *Symbols) of(group int32) []groupSymbol {
	g := s.groups[group]
	return s.all[g.first:g.last]
}

// address returns the address of the base name of a group, 0 if no symbol has it.
func (s *Symbols) address(group int32) uint64 {
	if y := &s.all[s.groups[group].first]; y.suffix == "" {
		return y.addr
	}
	return 0
}

// mostOfOneName bounds the search among symbols of one base name, against hostile input.
const mostOfOneName = 1 << 10

// entry returns the address of the symbol of a group that has the code at pc, where the
// DWARF says that a function begins; pc if none has. On riscv and loongarch the code
// begins behind the no-operations of -fpatchable-function-entry, for ftrace, and the
// symbol before them.
func (s *Symbols) entry(group int32, pc uint64) uint64 {
	at := pc
	list := s.of(group)
	for _, y := range list[:min(len(list), mostOfOneName)] {
		switch {
		case y.addr == pc:
			return pc
		case y.addr < pc && pc-y.addr < y.size && (at == pc || y.addr > at):
			at = y.addr
		}
	}
	return at
}

// objectsAt returns the data symbols at an address of a section.
func (s *Symbols) objectsAt(addr uint64, section int) []objectSymbol {
	i, _ := slices.BinarySearchFunc(s.objects, addr, func(y objectSymbol, addr uint64) int { return cmp.Compare(y.addr, addr) })
	n := i
	for n < len(s.objects) && s.objects[n].addr == addr && s.objects[n].section == section {
		n++
	}
	return s.objects[i:n]
}

// variableName is the name by which the kernel knows the variable at an address, which
// the source calls name: that of its symbol, without the ".llvm.…" that kallsyms cuts off
// too. It is another one if link-time optimization told static variables of one name
// apart (a number or ".lto_priv.0" behind it), if the source says so (asm), or if
// symbols were renamed, as the kernel's build does for code of the arm64 hypervisor. ours is
// false if no symbol there is name, or name and something more.
func (s *Symbols) variableName(name []byte, addr uint64, section int) (symbol string, ours bool) {
	for _, y := range s.objectsAt(addr, section) {
		text, _, _ := strings.Cut(y.name, ".llvm.")
		base, _, _ := strings.Cut(text, ".")
		switch {
		case text == string(name):
			return text, true
		case base == string(name) && !ours:
			symbol, ours = text, true
		case !ours && validIdentifier([]byte(text)) && (symbol == "" || text < symbol):
			symbol = text
		}
	}
	return symbol, ours
}
