package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"mkbtf/internal/fileerr"
)

// errMismatch is how check and diff say that they found what they look for. It is
// not printed: the report says it.
var errMismatch = errors.New("mismatch")

// usageError is a wrong command line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usageErrorf(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// each takes errors apart that errors.Join has joined, so that each file's has a
// line of its own. Errors that wrap several causes in one text stay whole.
func each(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || err.Error() != errors.Join(joined.Unwrap()...).Error() {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, each(e)...)
	}
	return all
}

// finish prints an error, one line for each file, and gives the exit status.
func finish(err error, s streams) int {
	usage := (*usageError)(nil)
	switch {
	case err == nil, errors.Is(err, pflag.ErrHelp):
		return exitDone
	case errors.Is(err, errMismatch):
		return exitMismatch
	}
	for _, e := range each(err) {
		fmt.Fprintln(s.err, "mkbtf:", cut(strings.ReplaceAll(strings.TrimSpace(fileerr.Text(e)), "\n", "; ")))
	}
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}
