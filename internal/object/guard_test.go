//go:build unix

package object

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mkbtf/internal/elfhdr/elftest"
)

// large writes an ELF file of many pages and opens it.
func large(t *testing.T) (string, *File) {
	t.Helper()
	f := elftest.File{Sections: []elftest.Section{{Name: ".BTF", Data: make([]byte, 1<<20)}}}
	path := filepath.Join(t.TempDir(), "x.ko")
	if err := os.WriteFile(path, f.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	o, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	if o.disk.unmap == nil {
		t.Fatal("the file is not mapped")
	}
	return path, o
}

// TestGuard does to a file under a reader what others may do.
func TestGuard(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name string
		do   func(path string, f *File) error
		want error
		text string
	}{
		{"nothing", func(string, *File) error { return nil }, nil, ""},
		{"an error of its own", func(string, *File) error { return boom }, boom, "boom"},
		{"truncated", func(path string, f *File) error {
			if err := os.Truncate(path, 5000); err != nil {
				return err
			}
			_, err := f.BTF() // copies all pages
			return err
		}, ErrChanged, "x.ko: had "},
		{"truncated before a system call", func(path string, f *File) error {
			if err := os.Truncate(path, 5000); err != nil {
				return err
			}
			_, err := unix.Write(int(devNull(t).Fd()), f.Bytes()[500000:])
			if err == nil {
				return os.WriteFile(filepath.Join(t.TempDir(), "y"), f.Bytes()[500000:], 0o600) // EFAULT
			}
			return err
		}, ErrChanged, "bad address"},
		{"other content", func(path string, f *File) error {
			if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil {
				return err
			}
			var none []byte
			_ = none[len(f.Sections)] // as if what was checked had become another number
			return nil
		}, ErrChanged, "x.ko: was written to"},
		{"other content and an error", func(path string, f *File) error {
			if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil {
				return err
			}
			return boom
		}, ErrChanged, "(boom)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path, f := large(t)
			err := f.Guard(func() error { return tt.do(path, f) })
			if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v, want %v with %q in it", err, tt.want, tt.text)
			}
		})
	}
	t.Run("a mistake of ours stays a panic", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_, f := large(t)
		f.Guard(func() error {
			var p *File
			p.Name = "x"
			return nil
		})
	})
}

func devNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestEdit begins again with a file that has taken the place of the first.
func TestEdit(t *testing.T) {
	path, _ := large(t)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, times := range []int{0, 1, 2, 3} {
		runs := 0
		err := Edit(path, func(f *File) error {
			if runs++; runs <= times {
				if err := os.WriteFile(path+".new", content, 0o600); err != nil {
					return err
				}
				if err := os.Rename(path+".new", path); err != nil {
					return err
				}
			}
			return f.Current()
		})
		if want := times == 3; errors.Is(err, ErrReplaced) != want || runs != min(times+1, 3) {
			t.Errorf("replaced %d times: %d runs, %v", times, runs, err)
		}
	}
}

// TestNotFiles opens what is no file.
func TestNotFiles(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge")
	if err := os.WriteFile(huge, []byte("MZ"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, 5<<30); err != nil {
		t.Skip(err)
	}
	for path, want := range map[string]string{
		dir: "is a directory", "/dev/zero": "is a device", huge: "5368709120 bytes, too large",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
		if _, err := LoadBTF(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s as base: %v, want %q", path, err, want)
		}
	}
}
