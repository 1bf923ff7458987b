package encode

import (
	"errors"
	"fmt"
	"strings"

	"mkbtf/dwarf2btf"
	"mkbtf/internal/object"
)

// inDebugFile makes an error about DWARF name the file that has it.
func inDebugFile(f *object.File, err error) error {
	name := f.DebugName()
	if name == "" || strings.Contains(err.Error(), name) {
		return err
	}
	return fmt.Errorf("its debug file %s: %w", name, err)
}

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
