package emit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/elfhdr"
	"mkbtf/internal/elfhdr/elftest"
)

func blob(n int, fill byte) []byte { return bytes.Repeat([]byte{fill, 0xeb, 0x9f}, n)[:n] }

// edit edits in, checks the result, and checks that doing it again changes
// nothing.
func edit(t *testing.T, in []byte, sections ...ELFSection) []byte {
	t.Helper()
	e, err := EditELF(in, sections, ELFOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := e.Bytes()
	if uint64(len(out)) != e.Size() {
		t.Fatalf("%d bytes, Size says %d", len(out), e.Size())
	}
	if e.Unchanged() != bytes.Equal(in, out) {
		t.Errorf("Unchanged is %v", e.Unchanged())
	}
	if err := checkEdit(in, out, sections); err != nil {
		t.Fatal(err)
	}
	again, err := EditELF(out, sections, ELFOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !again.Unchanged() {
		t.Error("the second run changes the file")
	}
	return out
}

// checkEdit compares the file before and after with debug/elf.
func checkEdit(in, out []byte, sections []ELFSection) error {
	a, err := elf.NewFile(bytes.NewReader(in))
	if err != nil {
		return err
	}
	b, err := elf.NewFile(bytes.NewReader(out))
	if err != nil {
		return err
	}
	if a.FileHeader != b.FileHeader {
		return fmt.Errorf("file header %+v, was %+v", b.FileHeader, a.FileHeader)
	}
	h, err := elfhdr.ParseHeader(in)
	if err != nil {
		return err
	}
	edited := make(map[string]*ELFSection)
	for i := range sections {
		edited[sections[i].Name] = &sections[i]
	}
	for i, x := range a.Sections {
		if i == 0 || edited[x.Name] != nil {
			continue
		}
		if i >= len(b.Sections) {
			return fmt.Errorf("section %d (%s) is gone", i, x.Name)
		}
		y := b.Sections[i]
		got, want := y.SectionHeader, x.SectionHeader
		if x.Addralign > 0 && x.Type != elf.SHT_NOBITS && (got.Offset-want.Offset)%x.Addralign != 0 {
			return fmt.Errorf("section %d (%s) is at %#x, was at %#x", i, x.Name, got.Offset, want.Offset)
		}
		got.Offset = want.Offset
		xd, yd := raw(in, x), raw(out, y)
		if i == h.ShStrNdx && len(yd) >= len(xd) {
			got.Size, got.FileSize, yd = want.Size, want.FileSize, yd[:len(xd)]
		}
		if got != want || !bytes.Equal(xd, yd) {
			return fmt.Errorf("section %d: %+v, was %+v", i, y.SectionHeader, x.SectionHeader)
		}
	}
	for _, s := range sections {
		n := 0
		for _, y := range b.Sections {
			if y.Name != s.Name {
				continue
			}
			n++
			if y.Flags != 0 || y.Addr != 0 || y.Type == elf.SHT_NULL || y.Addralign != max(s.Align, 1) || y.Offset%y.Addralign != 0 {
				return fmt.Errorf("section %s: %+v", s.Name, y.SectionHeader)
			}
			if !bytes.Equal(raw(out, y), s.Data) {
				return fmt.Errorf("section %s has %d bytes, not the %d wanted", s.Name, y.Size, len(s.Data))
			}
		}
		if want := map[bool]int{true: 0, false: 1}[s.Data == nil]; n != want {
			return fmt.Errorf("%d sections %s, want %d", n, s.Name, want)
		}
	}
	for i, p := range a.Progs {
		if q := b.Progs[i]; q.ProgHeader != p.ProgHeader {
			return fmt.Errorf("segment %d: %+v, was %+v", i, q.ProgHeader, p.ProgHeader)
		}
		// Segment 0 may hold the file header, which has changed.
		start := max(p.Off, 64)
		if end := p.Off + p.Filesz; start < end && !bytes.Equal(in[start:end], out[start:end]) {
			return fmt.Errorf("segment %d has other bytes", i)
		}
	}
	return nil
}

// raw returns the bytes of a section as they lie in the file.
func raw(file []byte, s *elf.Section) []byte {
	if s.Type == elf.SHT_NOBITS || s.Type == elf.SHT_NULL {
		return nil
	}
	return file[s.Offset : s.Offset+s.FileSize]
}

// object is a small ET_REL file; extra sections come after .text.
func object(class elf.Class, order btf.Order, extra ...elftest.Section) elftest.File {
	f := elftest.File{Class: class, Order: order, Sections: []elftest.Section{
		{Name: ".text", Flags: elf.SHF_ALLOC, Data: blob(33, 1), Align: 16},
	}}
	f.Sections = append(f.Sections, extra...)
	n := uint32(len(f.Sections))
	f.Sections = append(f.Sections,
		elftest.Section{Name: ".bss", Type: elf.SHT_NOBITS, Flags: elf.SHF_ALLOC, Size: 1 << 20, Align: 32},
		elftest.Section{Name: ".symtab", Type: elf.SHT_SYMTAB, Link: n + 3, Align: 8, EntSize: 24, Data: f.Symtab(elftest.Symbol{Section: 1})},
		elftest.Section{Name: ".strtab", Type: elf.SHT_STRTAB, Data: []byte("\x00x\x00")},
	)
	return f
}

func TestAddSections(t *testing.T) {
	for _, l := range elftest.Layouts {
		t.Run(l.Name, func(t *testing.T) {
			f := object(l.Class, l.Order)
			in := f.Bytes()
			sections := []ELFSection{{".BTF", blob(101, 7), 8}, {".BTF.base", blob(45, 8), 4}}
			one := edit(t, in, sections...)
			// Other content and back again: nothing piles up.
			other := edit(t, one, ELFSection{".BTF", blob(5000, 9), 8}, ELFSection{".BTF.base", blob(9, 9), 8})
			if got := edit(t, other, sections...); !bytes.Equal(got, one) {
				t.Errorf("%d bytes after two changes, %d before", len(got), len(one))
			}
			// Without .BTF.base, and with it again.
			less := edit(t, one, ELFSection{Name: ".BTF.base"})
			if len(less) >= len(one) {
				t.Errorf("%d bytes without .BTF.base, %d with it", len(less), len(one))
			}
			if got := edit(t, less, sections...); !bytes.Equal(got, one) {
				t.Error("adding .BTF.base again gives another file")
			}
			// Without either: the names stay, all else is as it was.
			none := edit(t, one, ELFSection{Name: ".BTF"}, ELFSection{Name: ".BTF.base"})
			if got := edit(t, none, sections...); !bytes.Equal(got, one) {
				t.Error("adding both again gives another file")
			}
			edit(t, one, ELFSection{".BTF", []byte{}, 8})
			edit(t, in, ELFSection{Name: ".BTF"})
			edit(t, in, ELFSection{".note.x", blob(12, 3), 4})
		})
	}
}

// TestReplaceInTheMiddle starts from files in which the section lies before
// others, as objcopy and ld leave it.
func TestReplaceInTheMiddle(t *testing.T) {
	sizes := []int{0, 1, 63, 64, 65, 4000, 9001}
	for _, l := range elftest.Layouts {
		for _, flags := range []elf.SectionFlag{0, elf.SHF_ALLOC} {
			for _, old := range sizes {
				f := object(l.Class, l.Order,
					elftest.Section{Name: ".data", Flags: elf.SHF_ALLOC | elf.SHF_WRITE, Data: blob(7, 2), Align: 8},
					elftest.Section{Name: ".BTF", Flags: flags, Data: blob(old, 3), Align: 1},
					elftest.Section{Name: ".empty"},
					elftest.Section{Name: ".page", Flags: elf.SHF_ALLOC, Data: blob(70, 4), Align: 64})
				in := f.Bytes()
				for _, n := range sizes {
					t.Run(fmt.Sprintf("%s/%v/%d to %d", l.Name, flags, old, n), func(t *testing.T) {
						out := edit(t, in, ELFSection{".BTF", blob(n, 5), 4})
						if limit := len(in) - old + n + 64 + 16; len(out) > limit {
							t.Errorf("%d bytes, at most %d expected", len(out), limit)
						}
						edit(t, out, ELFSection{".BTF", blob(n+1, 5), 4})
						edit(t, out, ELFSection{Name: ".BTF"})
					})
				}
			}
		}
	}
}

// TestSegments: in a file with program headers nothing moves.
func TestSegments(t *testing.T) {
	for _, l := range elftest.Layouts {
		t.Run(l.Name, func(t *testing.T) {
			f := object(l.Class, l.Order,
				elftest.Section{Name: ".rodata", Flags: elf.SHF_ALLOC, Data: blob(70, 4), Align: 64},
				elftest.Section{Name: ".comment", Data: blob(900, 5)},
				elftest.Section{Name: ".later", Data: blob(3, 4)})
			f.Type = elf.ET_EXEC
			f.Segments = []elftest.Segment{{Type: elf.PT_LOAD, First: 1, Last: 2}}
			in := f.Bytes()
			out := edit(t, in, ELFSection{".BTF", blob(99, 1), 4})
			out = edit(t, out, ELFSection{".comment", blob(1000, 1), 4})
			file, err := elf.NewFile(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range file.Sections {
				if was := f.Sections; i > 0 && i <= len(was) && s.Name != ".comment" && !bytes.Contains(in[s.Offset:], was[i-1].Data) {
					t.Errorf("%s has moved", s.Name)
				}
			}
			if n := bytes.Count(out, blob(900, 5)); n != 0 {
				t.Error("old content is still there")
			}
		})
	}
}

func TestRefusedEdits(t *testing.T) {
	signature := append([]byte{0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 6}, "~Module signature appended~\n"...)
	plain := object(0, nil)
	loaded := object(0, nil, elftest.Section{Name: ".BTF", Flags: elf.SHF_ALLOC, Data: blob(8, 1)})
	loaded.Type = elf.ET_EXEC
	segment := object(0, nil, elftest.Section{Name: ".BTF", Data: blob(8, 1)})
	segment.Segments = []elftest.Segment{{Type: elf.PT_LOAD, First: 1, Last: 2}}
	relocated := object(0, nil,
		elftest.Section{Name: ".BTF", Data: blob(8, 1)},
		elftest.Section{Name: ".rela.BTF", Type: elf.SHT_RELA, Info: 2, EntSize: 24})
	group := object(0, nil, elftest.Section{Name: ".BTF", Flags: elf.SHF_GROUP, Data: blob(8, 1)})
	noNames := plain.Bytes()
	binary.LittleEndian.PutUint16(noNames[62:], 0)
	noTable := plain.Bytes()
	binary.LittleEndian.PutUint64(noTable[40:], 0)
	binary.LittleEndian.PutUint16(noTable[60:], 0)
	binary.LittleEndian.PutUint16(noTable[62:], 0)
	long := elftest.File{Sections: []elftest.Section{{Name: ".text", Size: 1 << 40}}}
	add := []ELFSection{{".BTF", blob(9, 1), 4}}
	tests := []struct {
		name     string
		in       []byte
		sections []ELFSection
		want     error
	}{
		{"not ELF", []byte("hello"), add, elfhdr.ErrNotELF},
		{"signed", append(plain.Bytes(), append([]byte("PKCS#7"), signature...)...), add, ErrSigned},
		{"loaded", loaded.Bytes(), add, ErrLoaded},
		{"in a segment", segment.Bytes(), add, ErrLoaded},
		{"relocated", relocated.Bytes(), add, ErrReferenced},
		{"relocated, removed", relocated.Bytes(), []ELFSection{{Name: ".BTF"}}, ErrReferenced},
		{"in a group", group.Bytes(), add, ErrReferenced},
		{"symbol names", plain.Bytes(), []ELFSection{{Name: ".strtab"}}, ErrReferenced},
		{"section names", plain.Bytes(), []ELFSection{{Name: ".shstrtab"}}, ErrReferenced},
		{"no section names", noNames, add, elfhdr.ErrMalformed},
		{"no section headers", noTable, add, elfhdr.ErrNoSections},
		{"truncated", plain.Bytes()[:200], add, elfhdr.ErrTruncated},
		{"section behind the end", long.Bytes(), add, elfhdr.ErrTruncated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if e, err := EditELF(tt.in, tt.sections, ELFOptions{}); e != nil || !errors.Is(err, tt.want) {
				t.Errorf("%v, error %v, want %v", e, err, tt.want)
			}
		})
	}
	for _, s := range [][]ELFSection{{{".BTF", nil, 3}}, {{"", nil, 1}}, {{".BTF", nil, 1 << 20}}, {add[0], add[0]}} {
		if _, err := EditELF(plain.Bytes(), s, ELFOptions{}); err == nil {
			t.Errorf("%+v: no error", s)
		}
	}
}

func TestDropSignature(t *testing.T) {
	f := object(0, nil)
	in := f.Bytes()
	signed := append(bytes.Clone(in), "PKCS#7\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x06~Module signature appended~\n"...)
	add := []ELFSection{{".BTF", blob(9, 1), 4}}
	e, err := EditELF(signed, add, ELFOptions{DropSignature: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := edit(t, in, add...); !bytes.Equal(e.Bytes(), want) {
		t.Error("not the same as from the unsigned module")
	}
	e, err = EditELF(signed, []ELFSection{{Name: ".BTF"}}, ELFOptions{DropSignature: true})
	if err != nil || !bytes.Equal(e.Bytes(), in) || e.Unchanged() {
		t.Errorf("dropping nothing but the signature: %v", err)
	}
}

// TestManySections crosses the number of sections that 16 bits can count, in both
// directions.
func TestManySections(t *testing.T) {
	for _, n := range []int{0xfefc, 0xfefd, 0xfefe, 0x10002} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var f elftest.File
			for i := range n {
				f.Sections = append(f.Sections, elftest.Section{Name: fmt.Sprintf(".s%d", i), Data: []byte{byte(i)}})
			}
			out := edit(t, f.Bytes(), ELFSection{".BTF", blob(9, 1), 4}, ELFSection{".BTF.base", blob(3, 1), 4})
			out = edit(t, out, ELFSection{Name: ".BTF.base"})
			edit(t, out, ELFSection{Name: ".BTF"})
		})
	}
}

// TestUnknownBytes: what no header describes is kept.
func TestUnknownBytes(t *testing.T) {
	f := object(0, nil)
	in := append(f.Bytes(), "appended by somebody"...)
	for range 3 {
		in = edit(t, in, ELFSection{".BTF", blob(len(in), 1), 4})
		if !bytes.Contains(in, []byte("appended by somebody")) {
			t.Fatal("lost")
		}
	}
}

// TestNameSuffix uses the end of another name, as string tables made by linkers do.
func TestNameSuffix(t *testing.T) {
	f := object(0, nil, elftest.Section{Name: ".rela.BTF"})
	in := f.Bytes()
	out := edit(t, in, ELFSection{".BTF", blob(8, 1), 8})
	file, err := elf.NewFile(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	was, err := elf.NewFile(bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := file.Section(".shstrtab").Size, was.Section(".shstrtab").Size; got != want {
		t.Errorf(".shstrtab has %d bytes, had %d", got, want)
	}
}

// TestSharedNames is about files with one string table for symbols and sections,
// which clang writes.
func TestSharedNames(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.o")
	compile(t, "clang", path, "-g")
	for _, n := range []int{10, 400} {
		editFile(t, path, ELFSection{".BTF", blob(n, 1), 4}, ELFSection{".BTF.base", blob(n/2, 1), 4})
	}
}

// compile makes an object out of a few lines of C.
func compile(t *testing.T, compiler, out string, flags ...string) {
	t.Helper()
	src := filepath.Join(filepath.Dir(out), "a.c")
	if err := os.WriteFile(src, []byte("struct s { int a; } x; char buf[999]; int f(struct s *p) { return p->a + x.a; }\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	tool(t, compiler, append(flags, "-c", src, "-o", out)...)
}

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// editFile edits a file in place and has readelf and eu-elflint look at it.
func editFile(t *testing.T, path string, sections ...ELFSection) {
	t.Helper()
	in, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, edit(t, in, sections...), 0o666); err != nil {
		t.Fatal(err)
	}
	if out := tool(t, "readelf", "-aW", path); strings.Contains(out, "Warning") || strings.Contains(out, "Error") {
		t.Errorf("readelf: %s", out)
	}
}

// TestObjcopy starts from files that objcopy has written, and lets it and strip
// work on the result.
func TestObjcopy(t *testing.T) {
	for _, objcopy := range []string{"objcopy", "llvm-objcopy-14"} {
		for _, size := range []int{3, 300, 30000} {
			t.Run(fmt.Sprint(objcopy, " ", size), func(t *testing.T) {
				dir := t.TempDir()
				path, btfPath := filepath.Join(dir, "a.o"), filepath.Join(dir, "btf")
				compile(t, "gcc", path, "-g")
				if err := os.WriteFile(btfPath, blob(300, 7), 0o666); err != nil {
					t.Fatal(err)
				}
				tool(t, objcopy, "--add-section", ".BTF="+btfPath, path)
				want := ELFSection{".BTF", blob(size, 2), 4}
				editFile(t, path, want)
				editFile(t, path, ELFSection{".BTF.base", blob(45, 2), 4})
				tool(t, objcopy, "--strip-debug", path)
				after, err := elf.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer after.Close()
				for _, name := range []string{".BTF", ".BTF.base"} {
					s := after.Section(name)
					if s == nil {
						t.Fatalf("strip has lost %s", name)
					}
					if data, err := s.Data(); err != nil || name == ".BTF" && !bytes.Equal(data, want.Data) {
						t.Errorf("strip has changed %s", name)
					}
				}
				editFile(t, path, ELFSection{".BTF", blob(size+1, 2), 4})
			})
		}
	}
}

// TestModules edits all modules below the directory that MKBTF_MODULES names, with
// their .BTF in whatever place it has there.
func TestModules(t *testing.T) {
	dir := os.Getenv("MKBTF_MODULES")
	if dir == "" {
		t.Skip("MKBTF_MODULES does not name a directory with modules")
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".ko" {
			return err
		}
		in, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		t.Run(d.Name(), func(t *testing.T) {
			sections := []ELFSection{{".BTF", blob(len(in)%5000, 1), 8}, {".BTF.base", blob(45, 2), 8}}
			out := edit(t, in, sections...)
			if limit := len(in) + 5000 + 45 + 128 + 8192; len(out) > limit {
				t.Errorf("%d bytes, had %d", len(out), len(in))
			}
		})
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestLinkable: the linker reads the result and gives the same program.
func TestLinkable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.o")
	compile(t, "gcc", path, "-g", "-ffunction-sections")
	editFile(t, path, ELFSection{".BTF", blob(123, 1), 8})
	tool(t, "ld", "-r", path, "-o", filepath.Join(dir, "b.o"))
	editFile(t, filepath.Join(dir, "b.o"), ELFSection{".BTF", blob(77, 1), 8})
}
