package docgen

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write testdata/program.txtar anew")

// program has one of everything.
func program() *Program {
	top := pflag.NewFlagSet("prog", pflag.ContinueOnError)
	top.BoolP("version", "V", false, "print the version")
	f := pflag.NewFlagSet("make", pflag.ContinueOnError)
	f.SortFlags = false
	f.StringP("output", "o", "", "write to `OUT`, the user's file: - is standard output")
	f.StringArray("also", nil, "take `DIR` [too]")
	f.String("color", "auto", "`WHEN` to use colour")
	f.String("parts", "", "make these `PARTS`")
	f.IntP("jobs", "j", 0, "use `N` processors")
	f.Lookup("jobs").NoOptDefVal = " "
	f.CountP("verbose", "v", "say more")
	f.String("secret", "", "hidden")
	if err := f.MarkHidden("secret"); err != nil {
		panic(err)
	}
	sub := pflag.NewFlagSet("keep here", pflag.ContinueOnError)
	sub.String("host", "", "`HOST` to keep it on")
	return &Program{
		Command: Command{Name: "prog", Summary: "make things", Flags: top, Mismatch: "not equal", Text: `Usage: prog COMMAND

Makes things.

Files:
  /etc/prog.conf  settings
`},
		Version: "1.2", Date: time.Unix(1700000000, 0), Statuses: []string{"done", "failed", "wrong use"}, SeeAlso: []string{"make(1)"},
		Values: map[string]Value{
			"OUT": {Kind: File}, "DIR": {Kind: Dir}, "WHEN": {Kind: Word, Words: []string{"auto", "never"}},
			"PARTS": {Kind: List, Words: []string{"head", "tail"}}, "HOST": {Kind: Entry, Dir: "/srv/hosts"},
		},
		Commands: []Command{
			{Name: "make", Summary: "make one, it's easy", Flags: f, Argument: "OUT", Text: `Usage: prog make [-o OUT] FILE...
       prog make --all

Makes things with --color never, as
make -j does.

Lists:
  first       \one thing
              in two lines
  .second     another
  1. numbered,
     in two lines
  alone
After the list.

Environment:
  HOME  where
        it is

Examples:
  prog make -o x '~'
  .prog
`},
			{Name: "keep", Summary: "keep things", Text: "Usage: prog keep here\n", Mismatch: "gone", Sub: []Command{
				{Name: "keep here", Summary: "keep them here", Flags: sub},
			}},
			{Name: "help", Summary: "help", Argument: "WHEN"},
		},
	}
}

// TestGolden compares everything with testdata/program.txtar.
func TestGolden(t *testing.T) {
	const golden = "testdata/program.txtar"
	dir := t.TempDir()
	paths, err := program().Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := &txtar.Archive{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		got.Files = append(got.Files, txtar.File{Name: filepath.ToSlash(name), Data: data})
	}
	if *update {
		if err := os.WriteFile(golden, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	a, b := contents(got), contents(want)
	if names := slices.Sorted(maps.Keys(a)); !slices.Equal(names, slices.Sorted(maps.Keys(b))) {
		t.Errorf("files %v", names)
	}
	for name, text := range a {
		if text != b[name] {
			t.Errorf("%s:\n%s\nwant:\n%s", name, text, b[name])
		}
	}
}

func contents(a *txtar.Archive) map[string]string {
	all := map[string]string{}
	for _, f := range a.Files {
		all[f.Name] = string(f.Data)
	}
	return all
}

// TestWriteFails checks that a directory that cannot be made is an error.
func TestWriteFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if paths, err := program().Write(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("wrote %v, %v", paths, err)
	}
}

func TestBlocks(t *testing.T) {
	tests := []struct {
		name, text string
		want       []block
	}{
		{"nothing", "", nil},
		{"paragraphs", "a\nb\n\nc", []block{{"", "a b"}, {"", "c"}}},
		{"list", "of:\n  x  one\n     more\n  yy two  three\n", []block{{"", "of:"}, {"x", "one more"}, {"yy two", "three"}}},
		{"numbers", "  1. a b\n     c\n  2. d", []block{{"1.", "a b c"}, {"2.", "d"}}},
		{"long terms", "  --a, --b\n        text\n  --c", []block{{"--a, --b", "text"}, {"--c", ""}}},
		{"paragraph after a list", "  x  one\ntwo", []block{{"x", "one"}, {"", "two"}}},
		{"lists apart", "  x  one\n\n    y  two", []block{{"x", "one"}, {"y", "two"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := blocks(strings.Split(tt.text, "\n")); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q, want %q", fmt.Sprint(got), fmt.Sprint(tt.want))
			}
		})
	}
}
