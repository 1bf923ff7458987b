package dwarf2btf

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers can tell apart with errors.Is.
var (
	ErrMalformed   = errors.New("malformed DWARF")
	ErrUnsupported = errors.New("unsupported DWARF")
	ErrSplitDWARF  = errors.New("the debug information lies in .dwo files")
	ErrAltFile     = errors.New("part of the debug information lies in another file")
	ErrNoDWARF     = errors.New("no DWARF debug information")
	ErrTooLarge    = errors.New("debug information too large")
)

const isDWO = "a .dwo file: give the object that it belongs to, built without -gsplit-dwarf"

// Error says what is wrong in the debug sections and where.
type Error struct {
	Section string // ".debug_info", ...
	Offset  uint64 // in the section
	Tag     uint16 // of the DIE, 0 if the error is not in one
	Msg     string
	Err     error // one of the errors above, or that of the Section that was read
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s+%#x: ", e.Section, e.Offset)
	if e.Tag != 0 {
		s += tagName(e.Tag) + ": "
	}
	return s + e.Msg
}

// Unwrap returns the sentinel, for errors.Is.
func (e *Error) Unwrap() error { return e.Err }

// unreadable is the error of a section that cannot be read. Where the section's own
// error says which place is to blame, that is more exact than off.
func unreadable(section string, off uint64, err error) error {
	if strings.Contains(err.Error(), section+"+0x") {
		return err
	}
	return &Error{Section: section, Offset: off, Msg: err.Error(), Err: err}
}

func malformed(section string, off uint64, format string, args ...any) *Error {
	return &Error{Section: section, Offset: off, Msg: fmt.Sprintf(format, args...), Err: ErrMalformed}
}
