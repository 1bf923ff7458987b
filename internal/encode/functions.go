package encode

import (
	"slices"

	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/dwarf2btf"
	"mkbtf/internal/grow"
)

// function is a candidate, with its type as the merged dedup knows it. A kernel has 60,000
// of them, so that they have no pointers.
type function struct {
	unit, index, group int32
	name               btf.Str
	ref                dedup.Ref // its prototype
	more               int32     // 1 + index in the list of what few have, 0: nothing
	lowPC              uint64
	likeness           uint64
	die                uint64
	flags              dwarf2btf.FunctionFlags
}

// functionMore is what few functions have.
type functionMore struct {
	why  string
	tags []dwarf2btf.Tag
}

// functions are those of a file, or of one goroutine.
type functions struct {
	list []function
	more []functionMore
}

// add appends the functions of a unit, whose types have become refs.
func (fs *functions) add(u int, unit *dwarf2btf.Unit, refs []dedup.Ref) {
	for i := range unit.Functions {
		f := &unit.Functions[i]
		if len(f.Tags) > 0 || f.Why != "" {
			fs.more = append(fs.more, functionMore{f.Why, slices.Clone(f.Tags)})
		}
		fs.list = append(grow.Room(fs.list, 1), function{
			unit: int32(u), index: int32(i), group: f.Group, name: f.Name, ref: refs[f.Proto],
			lowPC: f.LowPC, likeness: f.Likeness, die: f.DIE, flags: f.Flags,
		})
		if len(f.Tags) > 0 || f.Why != "" {
			fs.list[len(fs.list)-1].more = int32(len(fs.more))
		}
	}
}

// moreOf is what few functions have.
func (fs *functions) moreOf(f *function) functionMore {
	if f.more == 0 {
		return functionMore{}
	}
	return fs.more[f.more-1]
}

// candidates are the functions as dwarf2btf chooses among them.
func (fs *functions) candidates() []dwarf2btf.Candidate {
	list := make([]dwarf2btf.Candidate, len(fs.list))
	for i := range fs.list {
		f := &fs.list[i]
		list[i] = dwarf2btf.Candidate{
			Unit: f.unit, Index: f.index, Group: f.group, Flags: f.flags, LowPC: f.lowPC, Likeness: f.likeness, DIE: f.die, Why: fs.moreOf(f).why,
		}
	}
	return list
}

// addFunctions adds a FUNC for each function that a tracer can trust. Linkage is
// static whatever the source says, as all readers know it from pahole, unless linkage
// asks for the real one.
func addFunctions(res *dedup.Result, fs *functions, symbols *dwarf2btf.Symbols, opts dwarf2btf.SelectOptions, linkage bool, note func(string, ...any)) error {
	t := res.Table()
	t.Types = grow.Room(t.Types, min(len(fs.list), symbols.Len()))
	for s := range dwarf2btf.Selections(symbols, fs.candidates(), opts) {
		f := &fs.list[s.Chosen]
		name := f.name
		if s.Suffix != "" {
			name = t.Strings.InternString(t.Name(name) + s.Suffix)
		}
		if !s.Written() {
			why := s.Why
			if why != "" {
				why = " (" + why + ")"
			}
			note("function %s: left out: %s%s", t.Name(name), s.Reason, why)
			continue
		}
		proto, err := res.ID(int(f.unit), f.ref)
		if err != nil {
			return err
		}
		link := uint32(btf.LinkStatic)
		if linkage && f.flags&dwarf2btf.FuncExternal != 0 && s.Suffix == "" {
			link = btf.LinkGlobal
		}
		id := t.Add(btf.Type{Kind: btf.Func, Name: name, Ref: proto, Extra: link})
		addTags(t, id, fs.moreOf(f).tags)
	}
	return nil
}
