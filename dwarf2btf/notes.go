package dwarf2btf

import "fmt"

// Note tells of one thing that BTF cannot express and what became of it.
type Note struct {
	Section string // ".debug_info" or ".debug_types"
	Offset  uint64 // of the DIE in the section
	Tag     uint16 // of the DIE
	Name    string // of the DIE, "" if it has none
	Msg     string // e.g. "reference written as a pointer"
}

func (n Note) String() string {
	name := ""
	if n.Name != "" {
		name = " '" + n.Name + "'"
	}
	return fmt.Sprintf("%s+%#x: %s%s: %s", n.Section, n.Offset, tagName(n.Tag), name, n.Msg)
}

// note tells Options.Note about the DIE at off (in the terms of the work group).
func (w *Worker) note(off uint32, tag uint16, name string, format string, args ...any) {
	if w.c.opts.Note == nil {
		return
	}
	section, at := w.where(off)
	w.c.opts.Note(Note{section, at, tag, name, fmt.Sprintf(format, args...)})
}
