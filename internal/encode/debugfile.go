package encode

import (
	"errors"

	"mkbtf/dwarf2btf"
	"mkbtf/internal/object"
)

// source gives what is converted: of the file itself, or of its debug file if it was
// stripped.
func (e *Encoder) source(f *object.File) (*dwarf2btf.Source, error) {
	return e.sourceWith(f, e.opts.DebugFile)
}

// sourceWith is source with a debug file for this file alone; "" if none is named.
func (e *Encoder) sourceWith(f *object.File, debugFile string) (*dwarf2btf.Source, error) {
	if debugFile == "" && f.HasDWARF() {
		return f.Source()
	}
	sysroot := ""
	if e.opts.Kernel != nil {
		sysroot = e.opts.Kernel.Sysroot
	}
	debug, how, err := f.OpenDebug(debugFile, sysroot)
	if errors.Is(err, object.ErrNoDebugFile) {
		// The error of the conversion says what to do about it.
		e.opts.note("", "%v", err)
		return f.Source()
	}
	if err != nil {
		return nil, err
	}
	e.opts.note(f.Name, "DWARF from %s (%s)", debug.Name, how)
	return f.SourceWith(debug)
}
