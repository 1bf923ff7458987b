package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/pflag"
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

// inFile makes an error begin with the name of the file, once.
func inFile(file string, err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) && pe.Path == file {
		return fmt.Errorf("%s: %w", file, pe.Err)
	}
	if strings.HasPrefix(err.Error(), file+":") {
		return err
	}
	return fmt.Errorf("%s: %w", file, err)
}

// finish prints an error in one line and gives the exit status.
func finish(err error, s streams) int {
	usage := (*usageError)(nil)
	switch {
	case err == nil, errors.Is(err, pflag.ErrHelp):
		return exitDone
	case errors.Is(err, errMismatch):
		return exitMismatch
	}
	fmt.Fprintln(s.err, "mkbtf:", strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' }), "; "))
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}
