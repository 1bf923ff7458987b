package object

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestModules reads the units of all modules below the directory that
// MKBTF_MODULES names: their lengths must add up to the section, and the offset of
// their abbreviations, which is relocated, must lie in .debug_abbrev.
func TestModules(t *testing.T) {
	dir := os.Getenv("MKBTF_MODULES")
	if dir == "" {
		t.Skip("MKBTF_MODULES does not name a directory with modules")
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".ko" {
			t.Run(d.Name(), func(t *testing.T) { readUnits(t, path) })
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func readUnits(t *testing.T, path string) {
	src := sourceOf(t, path)
	if len(src.Info) == 0 {
		t.Fatal("no .debug_info")
	}
	var buf []byte
	for _, s := range src.Info {
		for off := uint64(0); off < s.Size(); {
			head, err := s.Read(off, 12, nil)
			if err != nil {
				t.Fatal(err)
			}
			n := uint64(src.Order.Uint32(head)) + 4
			abbrev := src.Order.Uint32(head[8:])
			if version := src.Order.Uint16(head[4:]); version < 5 {
				abbrev = src.Order.Uint32(head[6:])
			}
			if uint64(abbrev) >= src.Abbrev[0].Size() {
				t.Fatalf("unit at %#x: abbreviations at %#x", off, abbrev)
			}
			if buf, err = s.Read(off, n, buf); err != nil {
				t.Fatal(err)
			}
			off += n
		}
	}
}
