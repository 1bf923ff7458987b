// Package fileerr makes errors say which file they are about, first and once, as
// all messages of the program do.
package fileerr

import (
	"errors"
	"io/fs"
	"strings"
)

// In makes an error begin with the name of the file. What it wraps stays.
func In(file string, err error) error {
	return &renamed{file + ": " + rest(file, err), err}
}

// Without takes the name of the file off an error, for those who print it
// themselves. What it wraps stays.
func Without(file string, err error) error {
	return &renamed{rest(file, err), err}
}

// Text is the text of an error without the system call that failed: "open x: no such
// file or directory" is "x: no such file or directory".
func Text(err error) string {
	text := err.Error()
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) && pe.Path != "" {
		return strings.Replace(text, pe.Error(), pe.Path+": "+pe.Err.Error(), 1)
	}
	return text
}

func rest(file string, err error) string {
	return strings.TrimPrefix(Text(err), file+": ")
}

// renamed is an error with another text.
type renamed struct {
	text string
	err  error
}

func (e *renamed) Error() string { return e.text }
func (e *renamed) Unwrap() error { return e.err }
