package object

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/dwarf2btf"
	"mkbtf/internal/elfhdr/elftest"
)

// splitModule compiles a module and splits its debug information off. full has
// everything, x.ko is stripped, x.ko.debug has what was taken away.
func splitModule(t *testing.T, dir string, flags ...string) {
	t.Helper()
	writeFile(t, dir, "x.c", source+"\nunsigned ids[4] __attribute__((section(\".BTF_ids\"))) = {1, 2, 3};\n")
	run(t, dir, "gcc", append([]string{"-g", "-O2", "-c", "-fno-asynchronous-unwind-tables", "-o", "x.o", "x.c"}, flags...)...)
	run(t, dir, "ld", "-r", "--build-id=sha1", "-o", "full", "x.o")
	run(t, dir, "objcopy", "--only-keep-debug", "full", "x.ko.debug")
	run(t, dir, "strip", "-g", "-o", "x.ko", "full")
	run(t, dir, "objcopy", "--add-gnu-debuglink=x.ko.debug", "x.ko")
}

func TestOpenDebug(t *testing.T) {
	made := t.TempDir()
	splitModule(t, made)
	other := t.TempDir()
	splitModule(t, other, "-DCHANGED", "-O1")
	full, err := Open(filepath.Join(made, "full"))
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	id := full.BuildID()
	if len(id) != 20 {
		t.Fatalf("build-id % x", id)
	}
	byID := fmt.Sprintf(".build-id/%x/%x.debug", id[:1], id[1:])
	const noID = "no build-id"
	tests := []struct {
		name  string
		at    string // where the debug file goes, below the global directory or, with ./, beside the module
		from  string
		strip string // a section to be taken from the module first
		how   string
		err   error
	}{
		{"build-id", byID, "x.ko.debug", "", "by build-id", nil},
		{"build-id, complete module", byID, "full", "", "by build-id", nil},
		{"debug link beside", "./x.ko.debug", "x.ko.debug", "", "by debug link", nil},
		{"debug link in .debug", "./.debug/x.ko.debug", "x.ko.debug", "", "by debug link", nil},
		{"debug link without build-id", "./x.ko.debug", "x.ko.debug", noID, "by debug link", nil},
		{"debug link below the global directory", "MODULE/x.ko.debug", "x.ko.debug", "", "by debug link", nil},
		{"Debian's debug package", "MODULE/x.ko", "full", "", "by its path", nil},
		{"without build-id", "MODULE/x.ko", "full", noID, "by its path", nil},
		{"another build under its name", "MODULE/x.ko", "OTHER", "", "", ErrMismatch},
		{"another build, no build-id", "MODULE/x.ko", "OTHER", noID, "", ErrMismatch},
		{"another build by debug link", "./x.ko.debug", "OTHER", noID, "", ErrMismatch},
		{"no DWARF", "MODULE/x.ko", "x.ko", "", "", ErrNoDebugFile},
		{"nothing", "", "", "", "", ErrNoDebugFile},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, global := t.TempDir(), t.TempDir()
			module := filepath.Join(dir, "x.ko")
			put(t, filepath.Join(made, "x.ko"), module)
			if tt.strip == noID {
				run(t, dir, "objcopy", "-R", ".note.gnu.build-id", "x.ko")
			}
			if tt.at != "" {
				to := filepath.Join(global, strings.ReplaceAll(tt.at, "MODULE", dir))
				if beside, ok := strings.CutPrefix(tt.at, "./"); ok {
					to = filepath.Join(dir, beside)
				}
				from := filepath.Join(made, tt.from)
				if tt.from == "OTHER" {
					from = filepath.Join(other, "full")
				}
				put(t, from, to)
				if tt.strip == noID && tt.how != "by debug link" { // that has a checksum
					run(t, filepath.Dir(to), "objcopy", "-R", ".note.gnu.build-id", filepath.Base(to))
				}
			}
			f, err := Open(module)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.HasDWARF() {
				t.Error("the stripped module has DWARF")
			}
			d, how, err := f.openDebug("", "", global)
			if tt.err != nil {
				if !errors.Is(err, tt.err) || !errors.Is(err, ErrNoDebugFile) {
					t.Fatalf("%q, %v", how, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if how != tt.how {
				t.Errorf("found %s, want %s", how, tt.how)
			}
			src, err := f.SourceWith(d)
			if err != nil {
				t.Fatal(err)
			}
			whole := full
			if tt.name == "without build-id" {
				whole = d // the made-up addresses are others without that section
			}
			want, err := whole.Source()
			if err != nil {
				t.Fatal(err)
			}
			sameSource(t, src, want)
		})
	}
}

// sameSource compares what package dwarf2btf sees.
func sameSource(t *testing.T, got, want *dwarf2btf.Source) {
	t.Helper()
	read := func(s *dwarf2btf.Source) []byte {
		if len(s.Info) != 1 {
			t.Fatalf("%d .debug_info", len(s.Info))
		}
		b, err := s.Info[0].Read(0, s.Info[0].Size(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(read(got), read(want)) {
		t.Error(".debug_info differs")
	}
	if !bytes.Equal(got.BTFIDs, want.BTFIDs) || len(got.BTFIDs) != 16 {
		t.Errorf(".BTF_ids % x, want % x", got.BTFIDs, want.BTFIDs)
	}
	if got.Sections[got.BTFIDsIndex].Name != ".BTF_ids" {
		t.Errorf("section %d is %s", got.BTFIDsIndex, got.Sections[got.BTFIDsIndex].Name)
	}
	place := func(s *dwarf2btf.Source) map[string]string {
		m := make(map[string]string)
		for _, x := range allSymbols(t, s) {
			if x.Section >= 0 && len(x.Name) > 0 {
				m[string(x.Name)] = s.Sections[x.Section].Name + fmt.Sprintf("+%#x", x.Addr)
			}
		}
		return m
	}
	a, b := place(got), place(want)
	for name := range b {
		if a[name] != b[name] {
			t.Errorf("symbol %s at %s, want %s", name, a[name], b[name])
		}
	}
	if len(a) != len(b) || len(b) == 0 {
		t.Errorf("%d symbols, want %d", len(a), len(b))
	}
}

func TestOpenDebugNamed(t *testing.T) {
	made, other := t.TempDir(), t.TempDir()
	splitModule(t, made)
	splitModule(t, other, "-O1")
	f, err := Open(filepath.Join(made, "x.ko"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, how, err := f.OpenDebug(filepath.Join(made, "x.ko.debug"), "")
	if err != nil || how != "named" {
		t.Fatalf("%q, %v", how, err)
	}
	d.Close()
	if _, _, err := f.OpenDebug(filepath.Join(other, "full"), ""); !errors.Is(err, ErrMismatch) || !strings.Contains(err.Error(), "its build-id is ") {
		t.Errorf("another build: %v", err)
	}
	if _, _, err := f.OpenDebug(filepath.Join(made, "missing"), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// put copies a file, making directories.
func put(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o777)
	}
	if err == nil {
		err = os.WriteFile(to, data, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestOpenDebugBelow has module and debug package in a directory that is the root of
// another system.
func TestOpenDebugBelow(t *testing.T) {
	made, dir := t.TempDir(), t.TempDir()
	splitModule(t, made)
	module := filepath.Join(dir, "lib/modules/6.12.1-test/kernel/x.ko")
	debug := filepath.Join(dir, "usr/lib/debug/lib/modules/6.12.1-test/kernel/x.ko")
	put(t, filepath.Join(made, "x.ko"), module)
	put(t, filepath.Join(made, "full"), debug)
	f, err := Open(module)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, how, err := f.OpenDebug("", dir)
	if err != nil || how != "by its path" || d.Name != debug {
		t.Fatalf("%v, %q, %v", d, how, err)
	}
	d.Close()
	if d, how, err := f.OpenDebug("", ""); !errors.Is(err, ErrNoDebugFile) {
		t.Errorf("in this system: %v, %q, %v", d, how, err)
	}
}

// FuzzDebugFile reads the notes and links that lead to a debug file.
func FuzzDebugFile(f *testing.F) {
	note := append([]byte("\x04\x00\x00\x00\x04\x00\x00\x00\x03\x00\x00\x00GNU\x00"), 1, 2, 3, 4)
	file := elftest.File{Sections: []elftest.Section{
		{Name: ".note.gnu.build-id", Type: elf.SHT_NOTE, Data: note},
		{Name: ".gnu_debuglink", Data: []byte("x.ko.debug\x00\x00\x01\x02\x03\x04")},
	}}
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := OpenBytes("fuzz", data)
		if err != nil {
			return
		}
		if name, _, ok := x.debugLink(); ok && (name == "" || strings.ContainsRune(name, '/')) {
			t.Errorf("debug link %q", name)
		}
		for _, c := range x.debugCandidates("", "/usr/lib/debug") {
			if c.path != filepath.Clean(c.path) {
				t.Errorf("candidate %q", c.path)
			}
		}
		x.matches(x, nil)
	})
}
