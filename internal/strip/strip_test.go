package strip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/emit"
	"mkbtf/internal/elfhdr"
	"mkbtf/internal/elfhdr/elftest"
	"mkbtf/internal/object"
	"mkbtf/internal/testkernel"
)

// byStrip is what "strip -g" makes of a file; ok is false if it does not know the format.
func byStrip(t *testing.T, data []byte) (out []byte, ok bool) {
	t.Helper()
	dir := t.TempDir()
	in := filepath.Join(dir, "in.ko")
	if err := os.WriteFile(in, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command("strip", "-g", in).CombinedOutput(); err != nil {
		if strings.Contains(string(msg), "file format not recognized") || strings.Contains(string(msg), "Unable to recognise the format") {
			return nil, false
		}
		t.Fatalf("strip -g: %v: %s", err, msg)
	}
	out, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	return out, true
}

func needStrip(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("strip", "--version").Output(); err != nil || !bytes.HasPrefix(out, []byte("GNU strip")) {
		t.Skip("no GNU strip: install binutils")
	}
}

var added = []emit.ELFSection{
	{Name: ".BTF", Data: bytes.Repeat([]byte("own."), 999), Align: 4},
	{Name: ".BTF.base", Data: []byte("base"), Align: 4},
	{Name: ".note.mkbtf", Data: nil, Align: 4},
}

// sameAsStrip strips a file as it is and with sections added, both ways.
func sameAsStrip(t *testing.T, f *object.File) (known bool) {
	t.Helper()
	p, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, sections := range [][]emit.ELFSection{nil, added} {
		edit, err := emit.EditELF(f.Bytes(), sections, emit.ELFOptions{DropSignature: true})
		if err != nil {
			t.Fatal(err)
		}
		want, known := byStrip(t, edit.Bytes())
		if !known {
			return false
		}
		got, err := p.Bytes(sections, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			t.Errorf("%s, %d sections added: %d bytes, strip makes %d; they differ from %#x on", f.Name, len(sections), len(got), len(want), at)
		}
	}
	return true
}

func TestLikeStrip(t *testing.T) {
	needStrip(t)
	files, err := filepath.Glob("../../testdata/obj/*/*")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, path := range append(files, "../../testdata/hello.ko", "../../testdata/kfuncs.ko") {
		f, err := object.Open(path)
		if err != nil || !f.Relocatable() {
			continue // a source, a note, a program
		}
		t.Run(strings.TrimPrefix(path, "../../testdata/"), func(t *testing.T) {
			if !sameAsStrip(t, f) {
				t.Skip("strip here does not know this machine")
			}
			compared++
		})
		f.Close()
	}
	if compared < 2 {
		t.Errorf("%d files were compared", compared)
	}
}

// With MKBTF_KERNEL_DIR, a directory that scripts/fetch-kernel.sh has made, every module
// is stripped as strip itself does it.
func TestLikeStripOnKernelModules(t *testing.T) {
	dir := testkernel.Dir(t)
	needStrip(t)
	root, err := filepath.EvalSymlinks(filepath.Join(dir, "debug/modules"))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".ko") {
			return err
		}
		f, err := object.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if sameAsStrip(t, f) {
			compared++
		}
		return nil
	})
	if err != nil || compared == 0 {
		t.Errorf("%d modules compared, then %v", compared, err)
	}
	t.Logf("%d modules", compared)
}

func TestUnsupported(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := object.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := New(f); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a program: error %v, want one that is ErrUnsupported", err)
	}
}

func TestStrings(t *testing.T) {
	s := newStrings()
	var refs []int
	words := []string{"", "abc", "bc", "xbc", "c", "abc", "d", "zabc"}
	for _, w := range words {
		refs = append(refs, s.add(w))
	}
	table, at := s.layout()
	if want := "\x00xbc\x00d\x00zabc\x00"; string(table) != want {
		t.Errorf("table %q, want %q", table, want)
	}
	for i, w := range words {
		if got := elfhdr.Names(table).At(at[refs[i]]); got != w {
			t.Errorf("%q is %q in the table", w, got)
		}
	}
}

// FuzzBytes strips damaged objects: the answer is an error or a file whose headers hold.
func FuzzBytes(f *testing.F) {
	for _, data := range small(f) {
		f.Add(data, []byte{})
	}
	f.Fuzz(func(t *testing.T, data, mutations []byte) { checkDamaged(t, data, mutations) })
}

// TestDamaged is the same for a few thousand plausible changes of headers.
func TestDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	all := small(t)
	stripped := 0
	for range 5000 {
		var mutations []byte
		for range 1 + r.IntN(3) {
			mutations = append(mutations, byte(r.IntN(60)), byte(r.IntN(10)))
			mutations = binary.LittleEndian.AppendUint16(mutations, uint16(r.IntN([]int{4, 12, 64, 65536}[r.IntN(4)])))
		}
		if checkDamaged(t, all[r.IntN(len(all))], mutations) {
			stripped++
		}
	}
	if stripped == 0 {
		t.Error("every change made the object unreadable")
	}
}

// small are objects of 64 and 32 bits, of both byte orders, with and without groups.
func small(t testing.TB) (all [][]byte) {
	for _, path := range []string{"x86_64-gcc-dwarf4-typeunits/shapes.ko", "s390x-gcc-dwarf5/shapes.ko", "i386-gcc-dwarf5/shapes.ko"} {
		data, err := os.ReadFile("../../testdata/obj/" + path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

func checkDamaged(t *testing.T, data, mutations []byte) (stripped bool) {
	data = bytes.Clone(data)
	elftest.Mutate(data, mutations)
	o, err := object.OpenBytes("damaged", data)
	if err != nil {
		return false
	}
	p, err := New(o)
	if err != nil {
		return false
	}
	out, err := p.Bytes(added, nil)
	if err != nil {
		return false
	}
	if _, err := object.OpenBytes("stripped", out); err != nil {
		t.Fatal(err)
	}
	return true
}

// Thousands of sections that all claim the same content must not become so many copies.
func TestOverlap(t *testing.T) {
	o := elftest.File{Sections: []elftest.Section{{Name: "big", Data: make([]byte, 1<<20)}}}
	for range 4000 {
		o.Sections = append(o.Sections, elftest.Section{Name: "copy"})
	}
	data := o.Bytes()
	h := o.Header()
	list, err := elfhdr.ParseHeader(data)
	if err != nil {
		t.Fatal(err)
	}
	headers := list.ParseSections(data)
	table := data[:list.ShOff:list.ShOff]
	for i := range headers {
		if i > 1 && i <= 4001 {
			headers[i].Off, headers[i].Size = headers[1].Off, headers[1].Size
		}
		table = h.AppendSection(table, &headers[i])
	}
	f, err := object.OpenBytes("overlap", append(table, data[len(table):]...))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Bytes(nil, nil); !errors.Is(err, elfhdr.ErrMalformed) {
		t.Errorf("error %v, want one that is ErrMalformed", err)
	}
}
