package kernel

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"testing"

	"mkbtf/internal/encode"
)

// TestDeterminism encodes large modules and the kernel itself with different
// numbers of goroutines: the bytes must not differ.
func TestDeterminism(t *testing.T) {
	k := needDebug(t)
	for _, tt := range []struct {
		file string
		form encode.Form
	}{
		{"nf_tables.ko", encode.Split},
		{"xfs.ko", encode.Split},
		{"xfs.ko", encode.Distilled},
		{"xfs.ko", encode.SelfContained},
		{"vmlinux", encode.SelfContained},
	} {
		t.Run(tt.file+"/"+tt.form.String(), func(t *testing.T) {
			path := k.vmlinux()
			if tt.file != "vmlinux" {
				path = k.module(t, tt.file)
			}
			var first []byte
			for _, jobs := range []int{1, 2, 8} {
				e, err := encode.New(encode.Options{Base: k.vmlinux(), Form: tt.form, Jobs: jobs})
				if err != nil {
					t.Fatal(err)
				}
				out, err := e.Open(path, tt.file == "vmlinux")
				if err != nil {
					t.Fatal(err)
				}
				got := append(out.Base, out.BTF...)
				if first == nil {
					first = got
				}
				if !bytes.Equal(got, first) {
					t.Errorf("%d goroutines give other bytes than 1", jobs)
				}
			}
		})
	}
}

// module finds a module of the debug package by file name.
func (k kernel) module(t *testing.T, name string) string {
	t.Helper()
	found := ""
	err := filepath.WalkDir(k.modules(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == name {
			found = path
			return fs.SkipAll
		}
		return err
	})
	if err != nil || found == "" {
		t.Fatalf("no %s in %s: %v", name, k.modules(), err)
	}
	return found
}
