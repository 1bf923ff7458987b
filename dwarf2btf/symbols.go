package dwarf2btf

import (
	"bytes"
	"cmp"
	"debug/elf"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"mkbtf/btf"
	"mkbtf/internal/grow"
)

// Symbols is the table of an object file's functions by base name: the name up
// to the first '.'. The compiler's copies of a function (f.isra.0,
// f.constprop.1) have the same base name and form one group with it; what it split
// off (.cold, .part) is left out.
type Symbols struct {
	text    []byte   // base names of groups, and what else symbols have behind them
	slots   []uint32 // open addressing, by hash of the base name; see slot
	bits    int      // of a slot that are the group's
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
	name, size uint32 // in Symbols.text
	first      int32  // in Symbols.all
	count      int32
}

type groupSymbol struct {
	addr   uint64
	size   uint64
	suffix uint32 // where in Symbols.text is what follows the base name
	length uint32 // of that, 0 if nothing does
}

// newSymbols indexes the functions of .symtab, and the data in a range.
func newSymbols(src *Source, variables addressRange) (*Symbols, error) {
	s := new(Symbols)
	s.resize(8)
	if src.Symbols == nil {
		return s, nil
	}
	// Half of a kernel's symbols are functions, with names of 20 bytes.
	n := src.Symbols.Len()
	s.resize(max(8, bits.Len(uint(n))))
	s.groups, s.text = make([]symbolGroup, 0, n/2+n/8), make([]byte, 0, 14*n)
	symbols, of := make([]groupSymbol, 0, n/2+n/8), make([]int32, 0, n/2+n/8)
	wanted := func(y *Symbol) bool {
		return y.Type == elf.STT_FUNC ||
			y.Type == elf.STT_OBJECT && y.Section > 0 && y.Section < len(src.Sections) && variables.holds(y.Addr)
	}
	for y, err := range src.Symbols.All(wanted) {
		if err != nil {
			return nil, err
		}
		if y.Type == elf.STT_OBJECT {
			s.objects = append(s.objects, objectSymbol{y.Addr, y.Section, string(y.Name)})
			continue
		}
		base, suffix := y.Name, []byte(nil)
		if dot := bytes.IndexByte(base, '.'); dot >= 0 {
			if i := bytes.Index(base, []byte(".llvm.")); i >= 0 {
				base = base[:i] // a static function under a name for the whole program; kallsyms cuts it off too
			}
			base, suffix = base[:dot], base[dot:]
		}
		if len(base) == 0 || len(y.Name) > 2*maxName || bytes.Contains(suffix, []byte(".cold")) || bytes.Contains(suffix, []byte(".part")) {
			continue
		}
		if len(s.text) > maxNames {
			return nil, fmt.Errorf("%w: .symtab: names of functions of more than %d bytes", ErrTooLarge, maxNames)
		}
		g := s.intern(base)
		s.groups[g].count++
		z := groupSymbol{addr: y.Addr, size: y.Size, suffix: uint32(len(s.text)), length: uint32(len(suffix))}
		if src.Machine == elf.EM_ARM {
			z.addr &^= 1 // says that the code is Thumb
		}
		s.text = append(s.text, suffix...)
		symbols, of = append(symbols, z), append(of, g)
	}
	s.gather(symbols, of)
	slices.SortStableFunc(s.objects, func(a, b objectSymbol) int { return cmp.Compare(a.addr, b.addr) })
	return s, nil
}

// intern returns the group of a base name.
func (s *Symbols) intern(base []byte) int32 {
	hash := btf.HashOf(base)
	g, at := s.search(base, hash)
	if g >= 0 {
		return g
	}
	g = int32(len(s.groups))
	s.groups = append(s.groups, symbolGroup{name: uint32(len(s.text)), size: uint32(len(base))})
	s.text = append(s.text, base...)
	s.slots[at] = s.slot(g, hash)
	if 2*len(s.groups) > len(s.slots) {
		s.resize(s.bits + 1)
	}
	return g
}

// slot is what stands in the table for a group: its number plus 1, and, as far as there is
// room, bits of the hash that do not say where it stands. It is small so that the
// processor's cache can hold many.
func (s *Symbols) slot(group int32, hash uint64) uint32 {
	return uint32(hash)<<s.bits | uint32(group+1)
}

// search returns the group of a base name with its hash, or -1 and the slot where it should be.
func (s *Symbols) search(base []byte, hash uint64) (group int32, at uint64) {
	mask := uint64(len(s.slots) - 1)
	number := uint32(mask)
	for i := hash >> 32 & mask; ; i = (i + 1) & mask {
		y := s.slots[i]
		if y == 0 {
			return -1, i
		}
		if (y^uint32(hash)<<s.bits)&^number != 0 {
			continue
		}
		if g := &s.groups[y&number-1]; string(s.text[g.name:][:g.size]) == string(base) {
			return int32(y&number - 1), i
		}
	}
}

// resize makes 1<<n slots.
func (s *Symbols) resize(n int) {
	s.slots, s.bits = make([]uint32, 1<<n), n
	for g := range s.groups {
		base := s.nameOf(int32(g))
		hash := btf.HashOf(base)
		_, at := s.search(base, hash)
		s.slots[at] = s.slot(int32(g), hash)
	}
}

// gather puts the symbols of each group side by side, those of the base name first. Nearly
// all are alone in theirs, and stay where they are.
func (s *Symbols) gather(symbols []groupSymbol, of []int32) {
	end := int32(len(symbols))
	for i := range s.groups {
		if g := &s.groups[i]; g.count > 1 {
			g.first = end
			end += g.count
		}
	}
	s.all = grow.Room(symbols, int(end)-len(symbols))[:end]
	for i, n := range of {
		g := &s.groups[n]
		if g.count == 1 {
			g.first = int32(i)
			continue
		}
		s.all[g.first] = symbols[i]
		g.first++
	}
	for i := range s.groups {
		if g := &s.groups[i]; g.count > 1 {
			g.first -= g.count
			slices.SortStableFunc(s.of(int32(i)), func(a, b groupSymbol) int { return bytes.Compare(s.suffix(&a), s.suffix(&b)) })
		}
	}
}

// Len is the number of groups.
func (s *Symbols) Len() int { return len(s.groups) }

// Name returns the base name of a group.
func (s *Symbols) Name(group int) string { return string(s.nameOf(int32(group))) }

func (s *Symbols) nameOf(group int32) []byte {
	g := &s.groups[group]
	return s.text[g.name:][:g.size:g.size]
}

// suffix is what a symbol has behind the base name.
func (s *Symbols) suffix(y *groupSymbol) []byte { return s.text[y.suffix:][:y.length:y.length] }

// find returns the group of a base name, -1 if no function has it.
func (s *Symbols) find(name []byte) int32 { return s.findHashed(name, btf.HashOf(name)) }

// findHashed is find for a name whose hash is known.
func (s *Symbols) findHashed(name []byte, hash uint64) int32 {
	g, _ := s.search(name, hash)
	return g
}

// of returns the symbols of a group, those of the base name first.
func (s *Symbols) of(group int32) []groupSymbol {
	g := &s.groups[group]
	return s.all[g.first:][:g.count]
}

// address returns the address of the base name of a group, 0 if no symbol has it.
func (s *Symbols) address(group int32) uint64 {
	if y := &s.all[s.groups[group].first]; y.length == 0 {
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
