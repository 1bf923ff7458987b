package fileerr

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestErrors(t *testing.T) {
	bad := errors.New("bad")
	tests := []struct {
		name        string
		err         error
		in, without string
	}{
		{"plain", bad, "x.ko: bad", "bad"},
		{"has the name", fmt.Errorf("x.ko: %w", bad), "x.ko: bad", "bad"},
		{"system", &fs.PathError{Op: "open", Path: "x.ko", Err: bad}, "x.ko: bad", "bad"},
		{"system, other file", &fs.PathError{Op: "open", Path: "y", Err: bad}, "x.ko: y: bad", "y: bad"},
		{"system, within", fmt.Errorf("x.ko: base: %w", &fs.PathError{Op: "open", Path: "y", Err: bad}), "x.ko: base: y: bad", "base: y: bad"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, without := In("x.ko", tt.err), Without("x.ko", tt.err)
			if in.Error() != tt.in || without.Error() != tt.without || !errors.Is(in, bad) || !errors.Is(without, bad) {
				t.Errorf("got %q and %q, want %q and %q that wrap the cause", in, without, tt.in, tt.without)
			}
		})
	}
}
