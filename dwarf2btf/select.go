package dwarf2btf

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
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

// Reason says why a function is not written, as far as possible in pahole's words.
type Reason string

// The reasons.
const (
	Selected          Reason = ""
	SkipWrongRegister Reason = "unexpected register used for parameter"
	SkipInconsistent  Reason = "multiple inconsistent function prototypes"
	SkipUncertain     Reason = "uncertain parameter location"
	SkipReordered     Reason = "reordered parameters"
	SkipOptimized     Reason = "optimized-out parameters"
	SkipAmbiguous     Reason = "ambiguous address"
	// SkipCopy: the optimizer's copies have all the code, under names of their own.
	SkipCopy Reason = "no symbol of that name"
	// SkipUnknown: no debug information describes the code at the symbol.
	SkipUnknown Reason = "unknown prototype"
)

// SelectOptions say which functions are refused.
type SelectOptions struct {
	// Consistent refuses a function if the debug information has several prototypes
	// for its code [consistent_func].
	Consistent bool
	// Copies writes the optimizer's copies under their own names (f.constprop.0); it
	// takes Options.Copies as well [true_signature].
	Copies bool
}

// Selection is the verdict on one name.
type Selection struct {
	Group  int32
	Chosen int    // index into the candidates; valid also if the function is refused
	Suffix string // what the name has behind the base name, "" but for copies
	Reason Reason
	Why    string // details, if Options.Explain was set
}

// Written reports whether the function becomes a FUNC.
func (s *Selection) Written() bool { return s.Reason == Selected }

// SelectFunctions decides which functions become FUNCs: at most one for each name,
// and none where a tracer that trusts the prototype would read wrong arguments. It
// sorts the candidates by unit and position; verdicts come in the order of each
// base name's first candidate, so that they depend on neither workers nor symbol
// order.
//
// What is traced is the code at a symbol, so a FUNC has the name of a symbol and
// the prototype of the debug information for the code at its address. It is
// refused if there is no such symbol, if symbols of the name have different
// addresses, if nothing describes the code there, if two descriptions differ, or if
// the description has a parameter in an unexpected register, in another place than
// the source has it, or packed on the stack, or lost one in a copy made by the
// optimizer (.isra, .constprop; clang: a changed calling convention). Functions of
// the name that have no code of their own, because they are inlined everywhere, and
// parts that the compiler split off count for nothing.
//
// A function that GCC found to equal another one (-fipa-icf) may have code and a
// symbol and yet be described without an address. It is taken if the symbol lies in
// the code of the unit that describes it. Where the symbol lies in no such unit,
// the code is assembly.
//
// The reference encoder looks at all functions of a base name together, which
// refuses more (a split-off part has its parameters in another order). In
// relocatable files its addresses do not match: there it writes optimized copies
// with the prototype of the source and takes the first function of a name for all.
func SelectFunctions(symbols *Symbols, candidates []Candidate, opts SelectOptions) []Selection {
	return slices.Collect(Selections(symbols, candidates, opts))
}

// Selections is SelectFunctions for verdicts that are looked at one by one. The candidates
// must not be changed meanwhile.
func Selections(symbols *Symbols, candidates []Candidate, opts SelectOptions) iter.Seq[Selection] {
	return func(yield func(Selection) bool) {
		slices.SortFunc(candidates, func(a, b Candidate) int {
			return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Index, b.Index))
		})
		starts, members := groupCandidates(candidates, symbols.Len())
		s := selector{symbols: symbols, candidates: candidates, opts: opts}
		var list []Selection // of one group
		for i := range candidates {
			list = list[:0]
			if g := candidates[i].Group; g < 0 {
				list = append(list, Selection{Group: g, Chosen: i})
			} else if of := members[starts[g]:starts[g+1]]; of[0] == int32(i) {
				list = s.judge(list, g, of)
			}
			for _, sel := range list {
				if !yield(sel) {
					return
				}
			}
		}
	}
}

// groupCandidates lists the candidates by group, of which there are n, and where those of
// each group start.
func groupCandidates(candidates []Candidate, n int) (starts, members []int32) {
	starts = make([]int32, n+2)
	for i := range candidates {
		if g := candidates[i].Group; g >= 0 {
			starts[g+2]++
		}
	}
	for g := range n {
		starts[g+2] += starts[g+1]
	}
	members = make([]int32, starts[n+1])
	for i := range candidates {
		if g := candidates[i].Group; g >= 0 {
			members[starts[g+1]] = int32(i)
			starts[g+1]++
		}
	}
	return starts[:n+1], members
}

// selector holds what all verdicts of one call need.
type selector struct {
	symbols    *Symbols
	candidates []Candidate
	opts       SelectOptions
}

// judge decides about the names of a group: the base name and, if asked for, those
// of the copies.
func (s *selector) judge(list []Selection, group int32, members []int32) []Selection {
	all := s.symbols.of(group)
	if all[0].length == 0 { // they are sorted
		list = append(list, s.judgeName(all, "", members))
	} else if !s.opts.Copies {
		return append(list, s.judgeCopies(group, members))
	}
	if !s.opts.Copies {
		return list
	}
	for i := range all {
		suffix := s.symbols.suffix(&all[i])
		if len(suffix) > 0 && (i == 0 || !bytes.Equal(suffix, s.symbols.suffix(&all[i-1]))) {
			list = append(list, s.judgeName(all, string(suffix), members))
		}
	}
	return list
}

// judgeName decides about one name: base name and suffix.
func (s *selector) judgeName(all []groupSymbol, suffix string, members []int32) Selection {
	sel := Selection{Group: s.candidates[members[0]].Group, Chosen: int(members[0]), Suffix: suffix}
	known := false
	addr := uint64(0)
	for i := range all {
		y := &all[i]
		switch {
		case string(s.symbols.suffix(y)) != suffix:
		case known && y.addr != addr:
			sel.Reason = SkipAmbiguous
			return sel
		default:
			known, addr = true, y.addr
		}
	}
	if !s.choose(&sel, addr, members) && (suffix != "" || !s.choose(&sel, 0, members)) {
		sel.Reason = SkipUnknown
	}
	return sel
}

// choose takes the first function with its entry at addr, 0: the first that was
// folded, and reports whether there is one.
func (s *selector) choose(sel *Selection, addr uint64, members []int32) (found bool) {
	for _, i := range members {
		c := &s.candidates[i]
		switch {
		case c.LowPC != addr || addr == 0 && c.Flags&FuncFolded == 0:
		case !found:
			found = true
			sel.Chosen, sel.Reason = int(i), s.symbols.flaw(c)
			if sel.Reason != Selected {
				sel.Why = c.Why
			}
		case s.opts.Consistent && sel.Reason == Selected && c.Likeness != s.candidates[sel.Chosen].Likeness:
			sel.Reason = SkipInconsistent
		}
	}
	return found
}

// judgeCopies says why a base name that only copies have is not written.
func (s *selector) judgeCopies(group int32, members []int32) Selection {
	sel := Selection{Group: group, Chosen: int(members[0]), Reason: SkipCopy}
	for _, i := range members {
		if c := &s.candidates[i]; s.symbols.copyAt(group, c.LowPC) != nil {
			sel.Chosen = int(i)
			if flaw := s.symbols.flaw(c); flaw != Selected {
				sel.Reason, sel.Why = flaw, c.Why
				break
			}
		}
	}
	return sel
}

// flaw says what is wrong with the prototype of a function, if anything.
func (s *Symbols) flaw(c *Candidate) Reason {
	switch {
	case c.Flags&FuncFitted != 0:
		if c.Flags&FuncWrongRegister != 0 {
			return SkipOptimized
		}
		return Selected
	case c.Flags&FuncOptimized != 0 && (c.Flags&FuncChanged != 0 || s.copyAt(c.Group, c.LowPC) != nil):
		return SkipOptimized
	case c.Flags&FuncReordered != 0:
		return SkipReordered
	case c.Flags&FuncUncertain != 0:
		return SkipUncertain
	case c.Flags&FuncWrongRegister != 0:
		return SkipWrongRegister
	}
	return Selected
}

// copyAt returns the symbol of a copy that the optimizer made with other
// parameters, nil if there is none at the address.
func (s *Symbols) copyAt(group int32, addr uint64) *groupSymbol {
	if addr == 0 {
		return nil
	}
	list := s.of(group)
	for i := range list {
		y := &list[i]
		if y.addr != addr || y.length == 0 {
			continue
		}
		if suffix := s.suffix(y); bytes.Contains(suffix, []byte(".constprop")) || bytes.Contains(suffix, []byte(".isra")) {
			return y
		}
	}
	return nil
}
