package elfhdr

import (
	"errors"
	"fmt"
)

// Errors that a reader of headers can tell apart with errors.Is.
var (
	ErrNotELF     = errors.New("not an ELF file")
	ErrNoSections = errors.New("no section headers")
	ErrTruncated  = errors.New("truncated")
	ErrMalformed  = errors.New("malformed ELF file")
)

// FormatError says what is wrong in an ELF file and where.
type FormatError struct {
	What   string // "file header", "section headers", "section .BTF", ...
	Offset uint64 // file offset of the offending header
	Msg    string
	Err    error // one of the sentinels above
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s at %#x: %s", e.What, e.Offset, e.Msg)
}

func (e *FormatError) Unwrap() error { return e.Err }

// TruncatedError says that something lies partly or wholly behind the end of the
// file. It matches ErrTruncated.
type TruncatedError struct {
	What string // "section .BTF", "section headers", ...
	End  uint64 // file offset at which it ends
	Size uint64 // of the file
}

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("%s ends at %d, the file at %d: truncated", e.What, e.End, e.Size)
}

// Is makes the error match ErrTruncated.
func (e *TruncatedError) Is(target error) bool { return target == ErrTruncated }
