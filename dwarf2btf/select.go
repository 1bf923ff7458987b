package dwarf2btf

import (
	"cmp"
	"slices"
	"strings"
)

// Candidate is what SelectFunctions has to know of a Function. It outlives the
// Unit.
type Candidate struct {
	Unit     int32 // piece of work, for the order and for the caller
	Index    int32 // in Unit.Functions
	Group    int32
	Flags    FunctionFlags
	LowPC    uint64
	Likeness uint64
	DIE      uint64
	Why      string
}

// AppendCandidates appends the functions of a unit, the result of piece number
// unit, to list.
func (u *Unit) AppendCandidates(list []Candidate, unit int) []Candidate {
	for i := range u.Functions {
		f := &u.Functions[i]
		list = append(list, Candidate{
			Unit: int32(unit), Index: int32(i), Group: f.Group, Flags: f.Flags, LowPC: f.LowPC, Likeness: f.Likeness, DIE: f.DIE, Why: f.Why,
		})
	}
	return list
}

// Reason says why a function is not written, in pahole's words.
type Reason string

// The reasons. Later ones hide earlier ones where several hold.
const (
	Selected           Reason = ""
	SkipWrongRegister  Reason = "unexpected register used for parameter"
	SkipInconsistent   Reason = "multiple inconsistent function prototypes"
	SkipUncertain      Reason = "uncertain parameter location"
	SkipReordered      Reason = "reordered parameters"
	SkipOptimized      Reason = "optimized-out parameters"
	SkipAmbiguous      Reason = "ambiguous address"
	noFunctionSelected        = -1
)

// SelectOptions say which functions are refused.
type SelectOptions struct {
	// Consistent refuses functions of one name with different prototypes
	// [consistent_func].
	Consistent bool
	// OptimizedAnyway keeps functions of which the compiler dropped parameters.
	OptimizedAnyway bool
}

// Selection is the verdict on all functions of one base name.
type Selection struct {
	Group  int32
	Chosen int // index into the candidates; valid also if the function is refused
	Reason Reason
	Why    string // details, if Options.Explain was set
}

// Written reports whether the function becomes a FUNC.
func (s *Selection) Written() bool { return s.Reason == Selected }

// SelectFunctions decides which functions become FUNCs: at most one for each
// base name, and none where a tracer that trusts the prototype would read wrong
// arguments. It sorts the candidates by unit and position; verdicts come in the
// order of each name's first candidate, so that they depend on neither workers nor
// symbol order.
//
// A name is refused if one of its functions has a parameter in an unexpected
// register, in another place than the source has it or packed on the stack, if
// two have different prototypes, if its symbols have different addresses, or if
// the chosen one has lost a parameter in a copy made by the optimizer
// (.isra, .constprop; clang: a changed calling convention). Chosen is the first
// whose code a symbol stands for; else the first.
//
// Addresses are compared with the section taken into account, which the reference
// encoder does not do in relocatable files: there it writes optimized copies with
// the prototype of the source and sees ambiguity by chance.
func SelectFunctions(symbols *Symbols, candidates []Candidate, opts SelectOptions) []Selection {
	slices.SortFunc(candidates, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Index, b.Index))
	})
	byGroup := make([][]int32, symbols.Len())
	for i := range candidates {
		if g := candidates[i].Group; g >= 0 {
			byGroup[g] = append(byGroup[g], int32(i))
		}
	}
	list := make([]Selection, 0, symbols.Len())
	for i := range candidates {
		g := candidates[i].Group
		if g < 0 {
			list = append(list, Selection{Group: g, Chosen: i})
			continue
		}
		if byGroup[g][0] == int32(i) {
			list = append(list, symbols.judge(g, candidates, byGroup[g], opts))
		}
	}
	return list
}

// judge decides about the functions of one base name.
func (s *Symbols) judge(group int32, candidates []Candidate, members []int32, opts SelectOptions) Selection {
	sel := Selection{Group: group, Chosen: noFunctionSelected}
	var all FunctionFlags
	inconsistent := false
	best := 0
	for n, i := range members {
		c := &candidates[i]
		all |= c.Flags
		if n > 0 && c.Likeness != candidates[members[0]].Likeness {
			inconsistent = true
		}
		rank := 1
		if s.hasAddress(group, c.LowPC) {
			if rank = 3; s.optimizedAway(group, c) {
				rank = 2
			}
		}
		if rank > best {
			best, sel.Chosen = rank, int(i)
		}
	}
	refuse := func(r Reason, flags FunctionFlags) {
		sel.Reason, sel.Why = r, ""
		for _, i := range members {
			if c := &candidates[i]; sel.Why == "" && c.Flags&flags != 0 {
				sel.Why = c.Why
			}
		}
	}
	if all&FuncWrongRegister != 0 {
		refuse(SkipWrongRegister, FuncWrongRegister)
	}
	// Prototypes that were changed are expected to differ.
	if inconsistent && opts.Consistent && all&(FuncWrongRegister|FuncReordered) == 0 {
		refuse(SkipInconsistent, 0)
	}
	if all&FuncUncertain != 0 {
		refuse(SkipUncertain, FuncUncertain)
	}
	if all&FuncReordered != 0 {
		refuse(SkipReordered, FuncReordered)
	}
	if c := &candidates[sel.Chosen]; !opts.OptimizedAnyway && s.optimizedAway(group, c) {
		refuse(SkipOptimized, FuncOptimized|FuncChanged)
	}
	if s.ambiguous(group) {
		refuse(SkipAmbiguous, 0)
	}
	return sel
}

// hasAddress reports whether a symbol of the group has the address.
func (s *Symbols) hasAddress(group int32, addr uint64) bool {
	if addr == 0 {
		return false
	}
	for _, y := range s.of(group) {
		if y.addr == addr {
			return true
		}
	}
	return false
}

// optimizedAway reports whether a function lacks a parameter and is known to have
// been changed for it.
func (s *Symbols) optimizedAway(group int32, c *Candidate) bool {
	if c.Flags&FuncOptimized == 0 {
		return false
	}
	if c.Flags&FuncChanged != 0 {
		return true
	}
	for _, y := range s.of(group) {
		if c.LowPC != 0 && y.addr == c.LowPC && (strings.Contains(y.suffix, ".constprop") || strings.Contains(y.suffix, ".isra")) {
			return true
		}
	}
	return false
}

// ambiguous reports whether the base name stands for code at several places.
func (s *Symbols) ambiguous(group int32) bool {
	list := s.of(group)
	for i := range list {
		if list[i].addr != list[0].addr {
			return true
		}
	}
	return false
}
