package diff

import (
	"debug/elf"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/testkernel"
)

// load returns nil if the file has no BTF.
func load(t testing.TB, path string, base *btf.Blob) *btf.Blob {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := f.Section(".BTF")
	if s == nil {
		return nil
	}
	data, err := s.Data()
	if err != nil {
		t.Fatal(err)
	}
	b, err := btf.Parse(data, base)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// eachModule calls f for the modules of a kernel that have BTF.
func eachModule(t *testing.T, dir string, base *btf.Blob, f func(path string, b *btf.Blob)) {
	t.Helper()
	root, err := filepath.EvalSymlinks(filepath.Join(dir, "modules"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".ko" {
			return err
		}
		if b := load(t, path, base); b != nil {
			n++
			f(path, b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Fatalf("no modules with BTF under %s", dir)
	}
}

// TestRealModules compares each module of a kernel with itself in another order, and
// with itself after one random change, which must be seen.
func TestRealModules(t *testing.T) {
	dir := filepath.Join(testkernel.Dir(t), "debug")
	base := load(t, filepath.Join(dir, "vmlinux"), nil)
	rnd := rand.New(rand.NewPCG(3, 4))
	c := NewComparer(Options{})
	eachModule(t, dir, base, func(path string, a *btf.Blob) {
		tab := shuffle(a.Table(nil), rnd)
		if r := c.Compare(a, encode(t, tab, base)); r.Different() {
			t.Errorf("%s differs from itself in another order:\n%s", path, text(t, r))
		}
		what := change(tab, rnd)
		if what != "" && !c.Compare(a, encode(t, tab, base)).Different() {
			t.Errorf("%s: %s is not seen", path, what)
		}
	})
}

// change changes something that means something, and says what.
func change(tab *btf.Table, rnd *rand.Rand) string {
	for range 100 {
		t := &tab.Types[rnd.IntN(len(tab.Types))]
		what := t.Kind.String() + " '" + tab.Name(t.Name) + "': "
		switch {
		case t.Kind.IsComposite() && t.Len > 0:
			m := &tab.MembersOf(t)[rnd.IntN(int(t.Len))]
			m.Off += 8
			return what + "offset of '" + tab.Name(m.Name) + "'"
		case t.Kind.IsEnum() && t.Len > 0:
			m := &tab.MembersOf(t)[rnd.IntN(int(t.Len))]
			m.Off ^= 1
			return what + "value of '" + tab.Name(m.Name) + "'"
		case t.Kind == btf.FuncProto && t.Len > 0:
			m := &tab.MembersOf(t)[rnd.IntN(int(t.Len))]
			m.Name = tab.Strings.InternString("changed")
			return what + "name of a parameter"
		case t.Kind == btf.Ptr && t.Ref != 0:
			t.Ref = 0
			return what + "pointee"
		}
	}
	return ""
}

// TestRealBase compares the base with itself in another order.
func TestRealBase(t *testing.T) {
	a := load(t, filepath.Join(filepath.Join(testkernel.Dir(t), "debug"), "vmlinux"), nil)
	b := encode(t, shuffle(a.Table(nil), rand.New(rand.NewPCG(5, 6))), nil)
	if r := Compare(a, b, Options{}); r.Different() {
		t.Errorf("differs from itself in another order:\n%.2000s", text(t, r))
	}
}

func BenchmarkVmlinux(b *testing.B) {
	a := load(b, filepath.Join(filepath.Join(testkernel.Dir(b), "debug"), "vmlinux"), nil)
	c := encode(b, shuffle(a.Table(nil), rand.New(rand.NewPCG(7, 8))), nil)
	for b.Loop() {
		if Compare(a, c, Options{}).Different() {
			b.Fatal("different")
		}
	}
}
