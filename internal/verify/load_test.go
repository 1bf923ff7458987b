package verify

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// linux618 is the kernel that the tables of cases speak of.
func linux618() *Abilities {
	ab := Release(6, 18)
	ab.Order = newBuilder().order
	return &ab
}

func allLoadCases() []loadCase { return slices.Concat(headerCases, metaCases, resolveCases) }

func verdict(err error) (Errno, string) {
	var e *Error
	if errors.As(err, &e) {
		return e.Errno, e.Msg
	}
	return 0, ""
}

func TestLoad(t *testing.T) {
	names := map[string]bool{}
	for _, tt := range allLoadCases() {
		if names[tt.name] {
			t.Errorf("%q is there twice", tt.name)
		}
		names[tt.name] = true
		t.Run(tt.name, func(t *testing.T) {
			no, msg := verdict(Load(tt.blob, linux618()))
			if no != tt.no || msg != tt.msg {
				t.Errorf("got %v %q\nwant %v %q", no, msg, tt.no, tt.msg)
			}
		})
	}
}

// live asks the running kernel. It gives the errno and the log, whose last lines
// are the message.
func live(t testing.TB, blob []byte) (Errno, string) {
	t.Helper()
	log, err := KernelLoad(blob)
	if errors.Is(err, ErrNotPermitted) {
		t.Skip("the running kernel does not let this process load BTF: ", err)
	}
	var no syscall.Errno
	if err != nil && !errors.As(err, &no) {
		t.Fatal(err)
	}
	return Errno(no), strings.TrimSuffix(log, "\n")
}

// endsIn reports whether a log ends in a message, at the start of a line.
func endsIn(log, msg string) bool {
	rest, ok := strings.CutSuffix(log, msg)
	return ok && (rest == "" || strings.HasSuffix(rest, "\n"))
}

// TestLoadLive gives all cases to the running kernel.
func TestLoadLive(t *testing.T) {
	ab := running(t)
	for _, tt := range allLoadCases() {
		t.Run(tt.name, func(t *testing.T) { agree(t, tt.blob, ab) })
	}
}
