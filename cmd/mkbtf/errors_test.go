package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestFinish(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want int
		out  string
	}{
		{"done", nil, exitDone, ""},
		{"help", pflag.ErrHelp, exitDone, ""},
		{"failed", errors.New("x.ko: bad"), exitFailed, "mkbtf: x.ko: bad\n"},
		{"several lines", errors.New("x.ko: bad\nworse\n"), exitFailed, "mkbtf: x.ko: bad; worse\n"},
		{"several files", errors.Join(errors.New("x.ko: bad"), errors.New("y.ko: bad")), exitFailed, "mkbtf: x.ko: bad\nmkbtf: y.ko: bad\n"},
		{"two causes", fmt.Errorf("x.ko: %w: %w", fs.ErrNotExist, fs.ErrPermission), exitFailed, "mkbtf: x.ko: file does not exist: permission denied\n"},
		{"system", &fs.PathError{Op: "open", Path: "x.ko", Err: fs.ErrNotExist}, exitFailed, "mkbtf: x.ko: file does not exist\n"},
		{"usage", usageErrorf("dump: %d files", 2), exitUsage, "mkbtf: dump: 2 files\n"},
		{"mismatch", errMismatch, exitMismatch, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			if got := finish(tt.err, streams{err: &out}); got != tt.want || out.String() != tt.out {
				t.Errorf("status %d and %q, want %d and %q", got, out.String(), tt.want, tt.out)
			}
		})
	}
}
