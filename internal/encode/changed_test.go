package encode

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mkbtf/internal/object"
)

// TestTruncatedWhileRead cuts a module off while it is converted: one error that says
// so, no fault, and nothing written.
func TestTruncatedWhileRead(t *testing.T) {
	module, err := os.ReadFile("../../testdata/hello.ko")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "hello.ko")
	e := func(jobs int) *Encoder {
		e, err := New(Options{Form: SelfContained, Jobs: jobs})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	check := func(name string, err error, size int) {
		t.Helper()
		if !errors.Is(err, object.ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, module[:size]) {
			t.Errorf("%s: the file was written to: %d bytes, %v", name, len(now), err)
		}
		if list, _ := os.ReadDir(dir); len(list) != 1 {
			t.Errorf("%s: files: %v", name, list)
		}
	}
	put := func() {
		t.Helper()
		if err := os.WriteFile(path, module, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, size := range []int{0, 100, 4096, 100000, 300000} {
		for _, jobs := range []int{1, 4} {
			put()
			err := object.Edit(path, func(f *object.File) error {
				if err := os.Truncate(path, int64(size)); err != nil {
					return err
				}
				return e(jobs).file(path, f, io.Discard)
			})
			check("at the start", err, size)
		}
	}
	// At any time: the module is encoded, or left as it was cut.
	old := e(2)
	put()
	if err := old.File(path, io.Discard); err != nil {
		t.Fatal(err)
	}
	encoded, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		put()
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		cut := make(chan error)
		go func() {
			time.Sleep(time.Duration(i) * 200 * time.Microsecond)
			cut <- f.Truncate(8192)
		}()
		failed := old.File(path, io.Discard)
		if err := errors.Join(<-cut, f.Close()); err != nil {
			t.Fatal(err)
		}
		want := encoded
		if failed != nil {
			want = module[:8192]
			// Cut before it was opened, it is a broken module.
			if !errors.Is(failed, object.ErrChanged) && !errors.Is(failed, object.ErrTruncated) {
				t.Errorf("run %d: %v", i, failed)
			}
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, want) {
			t.Errorf("run %d: %v: %d bytes instead of %d, %v", i, failed, len(now), len(want), err)
		}
	}
}
