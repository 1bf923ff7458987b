//go:build linux && amd64

package faults

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// disturb does something to the module when the program has read its last part and is
// about to make the temporary file, or, with early, as soon as it has opened it.
func disturb(t *testing.T, p *place, early bool, what func() error) result {
	t.Helper()
	opened, done := false, false
	return trace(t, func(c call) action {
		now := c.phase == 1
		if early {
			// Behind the first call that has to do with the open file.
			now = opened && c.nr == unix.SYS_FSTAT
			opened = opened || c.nr == unix.SYS_OPENAT && c.n > 0
		}
		if now && !done {
			done = true
			if err := what(); err != nil {
				t.Error(err)
			}
		}
		return action{}
	}, encode(p.path)...)
}

// TestTruncatedMeanwhile cuts the module off while the program has it mapped.
func TestTruncatedMeanwhile(t *testing.T) {
	for _, size := range []int64{0, 64, 4096, 200000} {
		p := newPlace(t)
		r := disturb(t, p, false, func() error { return os.Truncate(p.path, size) })
		r.fails(t, "truncated before writing", "changed while it was read")
		p.holds("truncated before writing", oldModule[:size])
		p.clean("truncated before writing")
	}
}

// TestWrittenMeanwhile changes the module in place while the program reads it.
func TestWrittenMeanwhile(t *testing.T) {
	p := newPlace(t)
	content := append([]byte{}, oldModule...)
	content[len(content)-1] ^= 1
	r := disturb(t, p, false, func() error {
		f, err := os.OpenFile(p.path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteAt(content[len(content)-1:], int64(len(content)-1))
		return err
	})
	r.fails(t, "written to", "changed while it was read")
	p.holds("written to", content)
	p.clean("written to")
}

// TestReplacedAtTheEnd puts another module in the place of the one that was read. The
// program begins again with that.
func TestReplacedAtTheEnd(t *testing.T) {
	p := newPlace(t)
	r := disturb(t, p, false, func() error {
		if err := os.WriteFile(p.path+".new", oldModule, 0o600); err != nil {
			return err
		}
		return os.Rename(p.path+".new", p.path)
	})
	r.succeeds(t, "replaced")
	p.holds("replaced", newModule)
	p.clean("replaced")
	if st, err := os.Stat(p.path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the mode is not that of the file that was there last: %v, %v", st.Mode(), err)
	}
	p.put(oldModule)
	r = disturb(t, p, false, func() error { return os.Remove(p.path) })
	r.fails(t, "removed", "hello.ko: ")
	if _, err := os.Stat(p.path); err == nil {
		t.Error("removed: the file is there again")
	}
	p.clean("removed")
}
