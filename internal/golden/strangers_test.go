package golden

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
	"mkbtf/internal/dump"
	"mkbtf/internal/encode"
)

// TestSupplementary splits off what two objects have in common, as dwz -m does for
// the objects of a package: it is not read, and the error says so.
func TestSupplementary(t *testing.T) {
	if _, err := exec.LookPath("dwz"); err != nil {
		t.Skip("dwz is not installed")
	}
	for _, flags := range [][]string{nil, {"--dwarf-5"}} {
		dir := t.TempDir()
		var files []string
		for _, name := range []string{"a.elf", "b.elf"} {
			data, err := os.ReadFile(testdata + "/obj/x86_64-gcc-dwarf5-linked/scopes.elf")
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, filepath.Join(dir, name))
			if err := os.WriteFile(files[len(files)-1], data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args := append(append(flags, "-m", filepath.Join(dir, "common.debug")), files...)
		if out, err := exec.Command("dwz", args...).CombinedOutput(); err != nil {
			t.Fatalf("dwz %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		_, err := encodeObject(object{path: files[0]})
		if !errors.Is(err, dwarf2btf.ErrAltFile) || !strings.HasSuffix(err.Error(), "give the object as it was before dwz") {
			t.Errorf("%v: %v", flags, err)
		}
	}
}

const rustSource = `#![no_std]
#[repr(C)]
pub struct Point { pub x: i32, pub y: i64 }
pub enum Shape<'a> { Dot(&'a Point), Line { from: &'a Point, to: Option<&'a Point> }, Empty }
#[no_mangle]
pub extern "C" fn rust_entry(p: &Point, n: usize) -> i32 {
	let s = if n == 0 { Shape::Empty } else { Shape::Line { from: p, to: Some(p) } };
	match s { Shape::Dot(q) => q.x, Shape::Line { from, .. } => from.x, Shape::Empty => 0 }
}
#[no_mangle]
pub static RUST_TABLE: [Option<&'static str>; 2] = [None, Some("x")];
`

// TestRust joins a unit in Rust with a module in C. It costs the module nothing and is
// told of; who asks for it gets what C has words for, in BTF that others read.
func TestRust(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("joins objects for x86-64 with one for this machine")
	}
	if _, err := exec.LookPath("rustc"); err != nil {
		t.Skip("rustc is not installed")
	}
	dir := t.TempDir()
	source, rust, joined := filepath.Join(dir, "r.rs"), filepath.Join(dir, "r.o"), filepath.Join(dir, "joined.ko")
	module := testdata + "/obj/x86_64-gcc-dwarf5/scopes.ko"
	if err := os.WriteFile(source, []byte(rustSource), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"rustc", "--crate-type", "lib", "--emit", "obj", "-g", "-C", "panic=abort", "-C", "opt-level=1", "-C", "relocation-model=static", "-o", rust, source},
		{"ld", "-r", "-o", joined, module, rust},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%s: %v\n%s", strings.Join(args, " "), err, out) // a rustc without a library for this target
		}
	}
	text := func(path string, languages []uint16) (string, []string) {
		t.Helper()
		var mu sync.Mutex
		var notes []string
		e, err := encode.New(encode.Options{Form: encode.SelfContained, ExcludeLanguages: languages, Note: func(_, message string) {
			mu.Lock()
			notes = append(notes, message)
			mu.Unlock()
		}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Open(path, true)
		if err != nil {
			t.Fatal(err)
		}
		blob, err := btf.Parse(out.BTF, nil)
		if err != nil {
			t.Fatal(err)
		}
		if readable(t, blob); languages == nil {
			judge(t, object{path: path, module: "scopes"}, blob)
		}
		var b bytes.Buffer
		if err := dump.Text(&b, blob); err != nil {
			t.Fatal(err)
		}
		return b.String(), notes
	}
	want, _ := text(module, nil)
	got, notes := text(joined, nil)
	if got != want {
		t.Errorf("with a unit in Rust there is other BTF: %s", firstDifference(want, got))
	}
	if all := strings.Join(notes, "\n"); !strings.Contains(all, "left out, since it is in Rust") {
		t.Errorf("not told that a unit is left out:\n%s", all)
	}
	if all, _ := text(joined, []uint16{}); !strings.Contains(all, "STRUCT 'Point' size=16 vlen=2") {
		t.Errorf("struct Point is missing:\n%s", all)
	}
}
