package relocate

import "errors"

// Errors that a caller can tell apart with errors.Is.
var (
	// ErrABI: the module embeds a struct of the kernel that has another size there.
	ErrABI = errors.New("the module does not fit this kernel, whatever its BTF: build it for this kernel")
	// ErrNoOldBase: split BTF of another kernel, and its base was not given.
	ErrNoOldBase = errors.New("split BTF over another kernel")
	// ErrWrongBase: the base that was given is not the one the BTF was made over.
	ErrWrongBase = errors.New("not the base that the module's BTF was made over")
	// ErrNoBTF: there is nothing to relocate.
	ErrNoBTF = errors.New("no BTF in it: encode it first")
)
