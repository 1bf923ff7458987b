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
	all     []groupSymbol // by group
	objects map[string][]int
}

type symbolGroup struct {
	name        btf.Str
	first, last int32 // symbols in Symbols.all
}

type groupSymbol struct {
	group  int32
	addr   uint64
	suffix string // what follows the base name, "" if nothing does
}

// newSymbols indexes the functions of .symtab.
func newSymbols(src *Source) *Symbols {
	s := &Symbols{names: btf.NewStrings(), group: []int32{-1}}
	for i := range src.Symbols {
		y := &src.Symbols[i]
		if y.Type == elf.STT_OBJECT && y.Section > 0 && y.Section < len(src.Sections) && y.Addr == src.Sections[y.Section].Addr {
			if s.objects == nil {
				s.objects = map[string][]int{}
			}
			s.objects[y.Name] = append(s.objects[y.Name], y.Section)
		}
		if y.Type != elf.STT_FUNC {
			continue
		}
		base, suffix := y.Name, ""
		if i := strings.Index(base, ".llvm."); i >= 0 {
			base = base[:i] // a static function under a name for the whole program; kallsyms cuts it off too
		}
		if i := strings.IndexByte(base, '.'); i >= 0 {
			base, suffix = base[:i], base[i:]
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
		s.all = append(s.all, groupSymbol{group: s.group[n], addr: addr, suffix: suffix})
	}
	slices.SortStableFunc(s.all, func(a, b groupSymbol) int {
		return cmp.Or(cmp.Compare(a.group, b.group), strings.Compare(a.suffix, b.suffix))
	})
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

// objectAtStart reports whether a section has a data symbol of that name at its
// very beginning.
func (s *Symbols) objectAtStart(name []byte, section int) bool {
	return slices.Contains(s.objects[string(name)], section)
}
