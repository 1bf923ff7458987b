package golden

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"mkbtf/internal/dump"
)

var update = flag.Bool("update", false, "write testdata/golden anew")

const (
	goldenDir = testdata + "/golden"
	refused   = "refused.txtar"
)

// TestGolden compares the dump of every object with a golden file. Objects with
// equal dumps share one, which lists them: that all encodings of DWARF lead to the
// same BTF is part of what is tested. What cannot be encoded is in refused.txtar,
// with the message.
func TestGolden(t *testing.T) {
	got := map[string]string{} // object -> dump
	message := map[string]string{}
	for _, o := range objects(t) {
		blob, err := encodeObject(o)
		if err != nil {
			message[o.name()] = strings.ReplaceAll(err.Error(), o.path, filepath.Base(o.path))
			continue
		}
		var text bytes.Buffer
		if err := dump.Text(&text, blob); err != nil {
			t.Fatal(err)
		}
		got[o.name()] = text.String()
	}
	if *update {
		write(t, got, message)
	}
	seen := map[string]bool{}
	for _, g := range goldenFiles(t) {
		for _, name := range g.objects {
			seen[name] = true
			switch text, ok := got[name]; {
			case !ok:
				t.Errorf("%s: %s", name, cmp.Or(message[name], "not in testdata/obj"))
			case text != g.text:
				t.Errorf("%s differs from %s:\n%s", name, g.file, firstDifference(g.text, text))
			}
		}
	}
	for name := range got {
		if !seen[name] {
			t.Errorf("%s has no golden file", name)
		}
	}
	checkRefused(t, message)
}

type golden struct {
	file    string
	objects []string
	text    string
}

func goldenFiles(t *testing.T) []golden {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(goldenDir, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	var list []golden
	for _, p := range paths {
		if filepath.Base(p) == refused {
			continue
		}
		a, err := txtar.ParseFile(p)
		if err != nil || len(a.Files) != 1 {
			t.Fatalf("%s: %d files, %v", p, len(a.Files), err)
		}
		list = append(list, golden{filepath.Base(p), strings.Fields(string(a.Comment)), string(a.Files[0].Data)})
	}
	return list
}

func checkRefused(t *testing.T, message map[string]string) {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join(goldenDir, refused))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, f := range a.Files {
		want[f.Name] = strings.TrimSpace(string(f.Data))
	}
	for name, m := range message {
		if want[name] != m {
			t.Errorf("%s: error %q, want %q", name, m, want[name])
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s: no error", name)
	}
}

// write groups objects by dump. A group is named after its first member, and the
// plainest variant comes first.
func write(t *testing.T, got, message map[string]string) {
	t.Helper()
	if err := os.RemoveAll(goldenDir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(goldenDir, 0o755); err != nil {
		t.Fatal(err)
	}
	groups := map[string][]string{}
	for name, text := range got {
		module := filepath.Base(name)
		groups[module+"\n"+text] = append(groups[module+"\n"+text], name)
	}
	for key, names := range groups {
		module, text, _ := strings.Cut(key, "\n")
		slices.SortFunc(names, func(a, b string) int {
			return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
		})
		archive := txtar.Archive{
			Comment: []byte(strings.Join(names, "\n") + "\n"),
			Files:   []txtar.File{{Name: "dump", Data: []byte(text)}},
		}
		file := fmt.Sprintf("%s.%s.txtar", module, filepath.Dir(names[0]))
		if err := os.WriteFile(filepath.Join(goldenDir, file), txtar.Format(&archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var errors txtar.Archive
	for name, m := range message {
		errors.Files = append(errors.Files, txtar.File{Name: name, Data: []byte(m + "\n")})
	}
	slices.SortFunc(errors.Files, func(a, b txtar.File) int { return cmp.Compare(a.Name, b.Name) })
	if err := os.WriteFile(filepath.Join(goldenDir, refused), txtar.Format(&errors), 0o644); err != nil {
		t.Fatal(err)
	}
}

func rank(name string) int {
	for i, prefix := range []string{"x86_64-gcc-dwarf5/", "x86_64-gcc", "x86_64-clang-dwarf5/", "x86_64"} {
		if strings.HasPrefix(name, prefix) {
			return i
		}
	}
	return 9
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d:\n-%s\n+%s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("%d lines, %d wanted", len(g), len(w))
}
