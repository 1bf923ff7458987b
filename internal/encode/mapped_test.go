//go:build unix

package encode

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/internal/elfhdr/elftest"
	"mkbtf/internal/object"
)

// TestMappedBase encodes over a base that lies in an ELF file, as New does and as Files
// does, and cuts the file off meanwhile.
func TestMappedBase(t *testing.T) {
	const hello = "../../testdata/hello.ko"
	alone, err := New(Options{Form: SelfContained})
	if err != nil {
		t.Fatal(err)
	}
	out, err := alone.Open(hello, true)
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := os.ReadFile(halfKernel(t, out.BTF))
	if err != nil {
		t.Fatal(err)
	}
	elf := elftest.File{Sections: []elftest.Section{{Name: ".fill", Data: make([]byte, 1<<16)}, {Name: ".BTF", Data: kernel}}}
	dir := t.TempDir()
	base, result := filepath.Join(dir, "vmlinux"), filepath.Join(dir, "out")
	put := func() {
		t.Helper()
		if err := os.WriteFile(base, elf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put()
	opts := Options{Form: Split, Base: base, Detached: true, Out: result}
	copied, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	want, err := copied.Open(hello, true)
	if err != nil {
		t.Fatal(err)
	}
	if errs := Files([]string{hello}, opts, io.Discard); errs[0] != nil {
		t.Fatal(errs[0])
	}
	if got, err := os.ReadFile(result); err != nil || !bytes.Equal(got, want.BTF) {
		t.Errorf("over a mapped base: %d bytes instead of %d, %v", len(got), len(want.BTF), err)
	}
	for _, size := range []int64{0, 1 << 12, int64(len(elf.Bytes())) - 1<<12} {
		put()
		if err := os.Remove(result); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		e, err := newMapped(opts)
		if err != nil {
			t.Fatal(err)
		}
		if e.base.data == nil {
			t.Fatal("the base was copied")
		}
		if err := os.Truncate(base, size); err != nil {
			t.Fatal(err)
		}
		if err := e.File(hello, io.Discard); !errors.Is(err, object.ErrChanged) || !strings.Contains(err.Error(), "vmlinux") {
			t.Errorf("cut to %d bytes: %v", size, err)
		}
		if _, err := os.Stat(result); err == nil {
			t.Errorf("cut to %d bytes: something was written", size)
		}
		e.close()
		if size > 0 {
			continue
		}
		if _, err := newMapped(opts); err == nil {
			t.Error("an empty base is taken")
		}
	}
}
