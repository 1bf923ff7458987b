package verify

import (
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"mkbtf/internal/testkernel"
)

// elfSection returns the content of a section, nil if there is none.
func elfSection(t testing.TB, path, name string) []byte {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := f.Section(name)
	if s == nil {
		return nil
	}
	data, err := s.Data()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// realModules are the modules of the kernel that have BTF of their own.
func realModules(t testing.TB, dir string) (paths []string, blobs [][]byte) {
	t.Helper()
	root, err := filepath.EvalSymlinks(filepath.Join(dir, "modules"))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".ko" {
			return err
		}
		if b := elfSection(t, path, ".BTF"); len(b) > 0 {
			paths, blobs = append(paths, path), append(blobs, b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("no modules with BTF under %s", dir)
	}
	return paths, blobs
}

// TestRealKernel takes a kernel and all its modules as they were shipped: they
// load, and there is nothing to say against them.
func TestRealKernel(t *testing.T) {
	dir := filepath.Join(testkernel.Dir(t), "debug")
	vmlinux := elfSection(t, filepath.Join(dir, "vmlinux"), ".BTF")
	ab := newest()
	if err := Load(vmlinux, &ab); err != nil {
		t.Errorf("vmlinux: %v", err)
	}
	target, err := NewTarget(vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	if !target.Abilities.ModuleBTF {
		t.Error("not recognised as a kernel that reads the BTF of modules")
	}
	paths, blobs := realModules(t, dir)
	for i, path := range paths {
		r := target.Module(blobs[i], nil)
		if r.Outcome != Loads || len(r.Problems) > 0 {
			t.Errorf("%s: %v %v %v", path, r.Outcome, r.Err, r.Problems)
		}
	}
	t.Logf("%d modules", len(paths))
	for i := 0; i < len(paths); i += max(1, len(paths)/20) {
		joined, err := Join(vmlinux, blobs[i])
		if err != nil {
			t.Fatalf("%s: %v", paths[i], err)
		}
		if err := Load(joined, &ab); err != nil {
			t.Errorf("%s: %v", paths[i], err)
		}
		if no, log := live(t, joined); no != 0 {
			t.Errorf("%s: the running kernel says %v %q", paths[i], no, log[max(0, len(log)-200):])
		}
	}
}

func BenchmarkNewTarget(b *testing.B) {
	vmlinux := elfSection(b, filepath.Join(filepath.Join(testkernel.Dir(b), "debug"), "vmlinux"), ".BTF")
	b.SetBytes(int64(len(vmlinux)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewTarget(vmlinux); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkModules is all modules of a kernel against it.
func BenchmarkModules(b *testing.B) {
	dir := filepath.Join(testkernel.Dir(b), "debug")
	target, err := NewTarget(elfSection(b, filepath.Join(dir, "vmlinux"), ".BTF"))
	if err != nil {
		b.Fatal(err)
	}
	target.resolved()
	_, blobs := realModules(b, dir)
	b.ReportAllocs()
	for b.Loop() {
		for _, blob := range blobs {
			target.Module(blob, nil)
		}
	}
}
