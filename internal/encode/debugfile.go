package encode

import (
	"errors"

	"mkbtf/dwarf2btf"
	"mkbtf/internal/object"
)

// source gives what is converted: of the file itself, or of its debug file if it was
// stripped. done must be called when the result is not needed any more.
func (e *Encoder) source(f *object.File) (src *dwarf2btf.Source, done func(), err error) {
	done = func() {}
	if e.opts.DebugFile == "" && f.HasDWARF() {
		src, err = f.Source()
		return src, done, err
	}
	sysroot := ""
	if e.opts.Kernel != nil {
		sysroot = e.opts.Kernel.Sysroot
	}
	debug, how, err := f.OpenDebug(e.opts.DebugFile, sysroot)
	if errors.Is(err, object.ErrNoDebugFile) {
		// The error of the conversion says what to do about it.
		e.opts.note("", "%v", err)
		src, err = f.Source()
		return src, done, err
	}
	if err != nil {
		return nil, nil, err
	}
	e.opts.note(f.Name, "DWARF from %s (%s)", debug.Name, how)
	src, err = f.SourceWith(debug)
	return src, func() { debug.Close() }, err
}
