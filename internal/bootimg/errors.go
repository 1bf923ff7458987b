package bootimg

import (
	"errors"
	"fmt"
)

// Errors that a caller can tell apart with errors.Is. A decompressor's error is
// wrapped as it is.
var (
	ErrUnknown   = errors.New("no kernel image")
	ErrTruncated = errors.New("truncated")
	ErrMalformed = errors.New("malformed kernel image")
	ErrNoBTF     = errors.New("no BTF in the kernel")
	ErrAmbiguous = errors.New("more than one BTF in the kernel")
)

// Error says what is wrong in an image and where.
type Error struct {
	How    string // the wrapping, from outside inwards: "bzImage", "gzip, uImage"
	Offset uint64 // in the innermost of those
	Msg    string
	Err    error
}

func (e *Error) Error() string {
	if e.How == "" {
		return e.Msg
	}
	return fmt.Sprintf("%s at %#x: %s", e.How, e.Offset, e.Msg)
}

func (e *Error) Unwrap() error { return e.Err }
