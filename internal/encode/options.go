package encode

import (
	"errors"
	"fmt"
	"runtime"

	"mkbtf/dwarf2btf"
)

// Form is what kind of BTF is written.
type Form uint8

// The forms; see package emit. Auto is distilled if the kernel of the base can
// relocate module BTF (Linux 6.11 and later), else split.
const (
	Auto Form = iota
	Split
	Distilled
	SelfContained
)

var formNames = [...]string{"auto", "split", "distilled", "self-contained"}

func (f Form) String() string { return formNames[f] }

// ParseForm reads the name of a form.
func ParseForm(s string) (Form, error) {
	for i, n := range formNames {
		if s == n {
			return Form(i), nil
		}
	}
	return 0, fmt.Errorf("unknown form %q: want auto, split, distilled or self-contained", s)
}

// Errors that a caller can act on.
var (
	// ErrNoBase: the form needs a base and none was given.
	ErrNoBase = errors.New("no base BTF")
	// ErrSigned: the module is signed, and changing it would void the signature.
	ErrSigned = errors.New("module is signed")
	// ErrNoDWARF: the file has no debug information to convert.
	ErrNoDWARF = errors.New("no DWARF")
)

// Options say what to do with every file.
type Options struct {
	Base     string // file with the kernel's BTF; "" none
	Form     Form
	Out      string // write here instead of in place; only with one file; "-" is standard output
	Detached bool   // write raw BTF beside the file (or to Out) and leave the file alone
	Jobs     int    // goroutines; 0: one per CPU
	// ExcludeLanguages lists DW_LANG codes of units to leave out; nil: C++ and Rust.
	ExcludeLanguages []uint16
	DropSignature    bool
	BestEffort       bool // a file that cannot be encoded is left alone with a warning
	// Note, if set, is told what was decided and why. It may be called concurrently.
	Note func(file, message string)
	// Warn, if set, is told what the user should know though nothing failed.
	Warn func(file, message string)
}

func (o *Options) note(file, format string, args ...any) {
	if o.Note != nil {
		o.Note(file, fmt.Sprintf(format, args...))
	}
}

func (o *Options) jobs() int {
	if o.Jobs > 0 {
		return o.Jobs
	}
	return runtime.GOMAXPROCS(0)
}

// converter gives the options of the conversion of one file.
func (o *Options) converter(file string) dwarf2btf.Options {
	c := dwarf2btf.DefaultOptions()
	c.ExcludeLanguages = o.ExcludeLanguages
	if o.Note != nil {
		c.Note = func(n dwarf2btf.Note) { o.Note(file, n.String()) }
	}
	return c
}
