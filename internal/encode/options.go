package encode

import (
	"errors"
	"fmt"
	"runtime"

	"mkbtf/dwarf2btf"
	"mkbtf/emit"
	"mkbtf/internal/kernels"
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

// FormNames are the names of the forms.
func FormNames() []string { return formNames[:] }

// ParseForm reads the name of a form.
func ParseForm(s string) (Form, error) {
	for i, n := range formNames {
		if s == n {
			return Form(i), nil
		}
	}
	return 0, fmt.Errorf("unknown form %q: want auto, split, distilled or self-contained", s)
}

// Keep is how many of a module's types are kept.
type Keep uint8

// The levels.
const (
	// KeepAll keeps everything that the DWARF has. Over a base, that is what the base
	// lacks and what this needs.
	KeepAll Keep = iota
	// KeepReachable keeps what functions, variables and tags lead to.
	KeepReachable
	// KeepOwn keeps the types that the module itself defines and what its functions
	// and variables need; of kernel types that are only pointed to it keeps name and
	// size. With a base the module's own types are those that the base lacks, without
	// one those that no kernel header declares (see ownFiles). The forms split and
	// distilled hold nothing else anyway.
	KeepOwn
)

var keepNames = [...]string{"all", "reachable", "own"}

func (k Keep) String() string { return keepNames[k] }

// KeepNames are the names of the levels.
func KeepNames() []string { return keepNames[:] }

// ParseKeep reads the name of a level.
func ParseKeep(s string) (Keep, error) {
	for i, n := range keepNames {
		if s == n {
			return Keep(i), nil
		}
	}
	return 0, fmt.Errorf("unknown level %q: want all, reachable or own", s)
}

// SetupError is an error of what all files share, such as the base: it is about none
// of them.
type SetupError struct{ Err error }

func (e *SetupError) Error() string { return e.Err.Error() }
func (e *SetupError) Unwrap() error { return e.Err }

// Errors that a caller can act on.
var (
	// ErrNoBase: the form needs a base and none was given.
	ErrNoBase = errors.New("no base BTF")
	// ErrNoTypes: the debug information names functions and has no types at all, as
	// line tables do (-g1, -gline-tables-only); prototypes would be lies.
	ErrNoTypes = errors.New("the DWARF has functions and no types, as -g1 makes it: build with -g")
)

// Options say what to do with every file.
type Options struct {
	Base string // file with the kernel's BTF; "" none
	// Kernel is an installed kernel whose BTF is looked for if Base is ""; nil: none.
	Kernel   *kernels.Options
	Form     Form
	Keep     Keep
	Hops     int    // with KeepOwn, self-contained: this many pointers away kernel types are still full
	Out      string // write here instead of in place; only with one file; "-" is standard output
	Detached bool   // write raw BTF beside the file (or to Out) and leave the file alone
	// DebugFile has the DWARF of a stripped module; only with one file. "": the file
	// itself if it has DWARF, else where debug packages put it (object.OpenDebug).
	DebugFile string
	// LeaveIDs leaves .BTF_ids as it is, for resolve_btfids to fill in: the kernel's own
	// takes it for what the compiler made, and would give sorted ids others' flags.
	LeaveIDs bool
	// WriteEmpty makes Detached write BTF without types if the module has none of its
	// own. In a module it would do harm; kbuild wants a file to go on with.
	WriteEmpty bool
	Jobs       int // goroutines; 0: one per CPU
	// MaxMemory bounds, roughly, what the files of a batch that are encoded at one time
	// take, in bytes; 0: half of the memory that is available. One file is always encoded.
	MaxMemory int64
	// ExcludeLanguages lists DW_LANG codes of units to leave out; nil: C++ and Rust.
	ExcludeLanguages []uint16
	// NamePrefix is what all names that start with it become; see dwarf2btf.Options.
	NamePrefix    string
	DropSignature bool
	// AcceptOn are kernels, files with BTF, on which the distilled form shall load too.
	AcceptOn []string
	// ForceABI makes it load also where the module's binary does not fit the kernel.
	ForceABI   bool
	BestEffort bool // a file that cannot be encoded is left alone with a warning
	// Features are pahole's; nil: DefaultFeatures.
	Features *Features
	// Note, if set, is told what was decided and why. It may be called concurrently.
	Note func(file, message string)
	// Explain, if set, is told of the types in .BTF.base and who needs them; none if the
	// form has no such section. It may be called concurrently.
	Explain func(file string, conditions []emit.Condition)
	// Warn, if set, is told what the user should know though nothing failed.
	Warn func(file, message string)
}

func (o *Options) note(file, format string, args ...any) {
	if o.Note != nil {
		o.Note(file, fmt.Sprintf(format, args...))
	}
}

func (o *Options) warn(file, format string, args ...any) {
	if o.Warn != nil {
		o.Warn(file, fmt.Sprintf(format, args...))
	}
}

// byDeclaration reports whether the module's own types are told by where they are
// declared.
func (o *Options) byDeclaration() bool {
	return o.Form == SelfContained && o.Keep == KeepOwn && o.Base == ""
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
	c.Explain = o.Note != nil
	c.ExcludeLanguages = o.ExcludeLanguages
	c.NamePrefix = o.NamePrefix
	if o.Note != nil {
		c.Note = func(n dwarf2btf.Note) { o.Note(file, n.String()) }
	}
	return c
}
