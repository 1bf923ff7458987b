package object

import (
	"errors"
	"fmt"

	"mkbtf/internal/elfhdr"
)

// Errors that a caller can tell apart with errors.Is. ErrNotELF, ErrTruncated and
// ErrMalformed are those of the header reader.
var (
	ErrNotELF    = elfhdr.ErrNotELF
	ErrTruncated = elfhdr.ErrTruncated
	ErrMalformed = elfhdr.ErrMalformed
	ErrNoBTF     = errors.New("no BTF in it")
	// ErrBuiltWithout is the ErrNoBTF of a whole kernel.
	ErrBuiltWithout = fmt.Errorf("was built without CONFIG_DEBUG_INFO_BTF: %w", ErrNoBTF)
	ErrFormat       = errors.New("not ELF, raw BTF or a boot image")
	ErrNotKernel    = errors.New("a base is the BTF of a kernel: take its vmlinux, boot image or raw BTF")
)

// SectionError says what is wrong in the content of a section and where.
type SectionError struct {
	File    string
	Section string
	Offset  uint64 // in the section
	Msg     string
	Err     error // ErrMalformed or the error of a decompressor
}

func (e *SectionError) Error() string {
	return fmt.Sprintf("%s: %s+%#x: %s", e.File, e.Section, e.Offset, e.Msg)
}

func (e *SectionError) Unwrap() error { return e.Err }

func (f *File) errorAt(section string, off uint64, format string, args ...any) error {
	return &SectionError{f.Name, section, off, fmt.Sprintf(format, args...), ErrMalformed}
}
