package kernels

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"mkbtf/internal/object"
)

// Errors that a caller can tell apart with errors.Is.
var (
	ErrNotFound = errors.New("no BTF of the kernel found")
	ErrRelease  = errors.New("another kernel than the one asked for")
)

// ReleaseError says that a file holds another kernel than its name or its place
// promises. It matches ErrRelease.
type ReleaseError struct {
	Path      string
	Want, Got string
}

func (e *ReleaseError) Error() string {
	return fmt.Sprintf("%s: holds kernel %s, not %s", e.Path, e.Got, e.Want)
}

// Is makes the error match ErrRelease.
func (e *ReleaseError) Is(target error) bool { return target == ErrRelease }

// Attempt is a file that was there and was not taken.
type Attempt struct {
	Path string
	Err  error // begins with the path
}

// NotFoundError says what was looked at in vain. It matches ErrNotFound, and
// whatever the errors of the attempts match.
type NotFoundError struct {
	Release   string
	Sysroot   string // "" or "/" for this system
	KernelDir string // "" if none was given
	Running   bool   // it is the kernel that runs
	Tried     []Attempt
}

func (e *NotFoundError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "no BTF of kernel %s found", e.Release)
	if !root(e.Sysroot).here() {
		fmt.Fprintf(&b, " below %s", e.Sysroot)
	}
	sep := ": "
	say := func(format string, args ...any) {
		fmt.Fprintf(&b, sep+format, args...)
		sep = "; "
	}
	tree := ""
	if e.KernelDir != "" && !slices.ContainsFunc(e.Tried, func(t Attempt) bool { return filepath.Dir(t.Path) == filepath.Clean(e.KernelDir) }) {
		tree = e.KernelDir + ", "
	}
	switch {
	case len(e.Tried) == 0:
		say("there is no vmlinux in %s/lib/modules/%s/build or /usr/lib/debug and no kernel of that release in /boot or /lib/modules/%[2]s", tree, e.Release)
	case tree != "":
		say("there is no vmlinux in %s", e.KernelDir)
	}
	for _, t := range e.Tried {
		say("%v", t.Err)
	}
	if e.Running {
		say("the running kernel has no %s", sysfsBTF)
	}
	if slices.ContainsFunc(e.Tried, func(t Attempt) bool { return errors.Is(t.Err, object.ErrBuiltWithout) }) {
		b.WriteString(": a kernel without BTF takes none from modules; for other uses --form self-contained needs no kernel")
	} else {
		b.WriteString(": install that kernel, or name a file that holds its BTF")
	}
	return b.String()
}

// Is makes the error match ErrNotFound and what the errors of the attempts match.
func (e *NotFoundError) Is(target error) bool {
	return target == ErrNotFound || slices.ContainsFunc(e.Tried, func(t Attempt) bool { return errors.Is(t.Err, target) })
}
