package dwarf2btf

import (
	"mkbtf/btf"
	"mkbtf/internal/grow"
)

// namedFunction is a function with code whose name, in .debug_str, has yet to be looked up
// among the symbols.
type namedFunction struct {
	function int32 // index into Worker.functions
	off      uint32
	length   uint32
	hash     uint64
}

// findGroups looks up the names of the functions with code, for all of a piece at once.
// These names, and their symbols, lie all over memory. What is needed is touched first in
// loops of which no step waits for the one before, so that the processor waits for many
// places at a time. That takes a third of the time.
func (w *Worker) findGroups() {
	names, str := w.named, w.c.str
	touched := uint32(0)
	for i := range names {
		touched ^= uint32(str[names[i].off])
	}
	for i := range names {
		n := &names[i]
		hash, length, ok := btf.HashText(str[n.off:], maxName)
		if !ok || length > maxName {
			length = 0
		}
		n.hash, n.length = hash, uint32(length)
	}
	touched ^= w.c.symbols.touch(names)
	for i := range names {
		n := &names[i]
		f := &w.functions[n.function]
		if n.length == 0 {
			f.group = w.findGroup(formStrp, uint64(n.off))
		} else {
			f.group = w.c.symbols.findHashed(str[n.off:][:n.length], n.hash)
		}
		if f.group >= 0 {
			touched ^= *w.groupName(f.group) ^ w.names.pool.Touch(n.hash)
		}
	}
	w.touched = touched
	if len(w.names.alike) > 0 {
		return
	}
	for i := range names {
		n := &names[i]
		if g := w.functions[n.function].group; g >= 0 && n.length > 0 {
			if name := w.groupName(g); *name == 0 {
				*name = w.names.internHashed(str[n.off:][:n.length], n.hash)
			}
		}
	}
}

// touch reads what the search for names will need, and returns something that depends on
// it.
func (s *Symbols) touch(names []namedFunction) (touched uint32) {
	mask := uint64(len(s.slots) - 1)
	for i := range names {
		touched ^= s.slots[names[i].hash>>32&mask]
	}
	for i := range names {
		if g := s.slots[names[i].hash>>32&mask] & uint32(mask); g != 0 {
			touched ^= s.groups[g-1].name
		}
	}
	for i := range names {
		if g := s.slots[names[i].hash>>32&mask] & uint32(mask); g != 0 {
			touched ^= uint32(s.text[s.groups[g-1].name]) ^ uint32(s.all[s.groups[g-1].first].addr)
		}
	}
	return touched
}

// groupName is where the number of the name of a group of functions stands, 0 if it is not
// known yet.
func (w *Worker) groupName(group int32) *uint32 {
	if n := w.c.symbols.Len(); len(w.groupNames) < n {
		w.groupNames = grow.Scratch(w.groupNames, n)
		clear(w.groupNames)
	}
	return &w.groupNames[group]
}

// nameOf is name for the name of a group of functions.
func (w *Worker) nameOf(group int32) uint32 {
	name := w.groupName(group)
	if *name == 0 {
		*name = w.names.intern(w.c.symbols.nameOf(group))
	}
	return *name
}
