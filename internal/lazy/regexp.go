// Package lazy makes what few calls of the program need when it is asked for, so that
// the others begin sooner: encoding a small module takes little longer than starting.
package lazy

import (
	"regexp"
	"sync"
)

// Regexp returns a function that compiles a pattern when it is first called. It panics
// if the pattern is wrong.
func Regexp(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
