package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReadCases(t *testing.T) {
	cases, err := readCases(strings.NewReader("# comment\n\na | x | cmd 1\na | y | cmd  2 {out}\nb|x|cmd\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 2 || len(cases[0].programs) != 2 || cases[1].name != "b" {
		t.Fatalf("cases %+v", cases)
	}
	if got := strings.Join(cases[0].programs[1].command, ","); got != "cmd,2,{out}" {
		t.Errorf("command %q", got)
	}
	for _, bad := range []string{"a | b", "a | b | "} {
		if _, err := readCases(strings.NewReader(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestMedian(t *testing.T) {
	m := median([]sample{{wall: 5, peak: 1}, {wall: 1, peak: 9}, {wall: 2, peak: 3}})
	if m.wall != 2 || m.peak != 3 || m.cpu != 0 {
		t.Errorf("median %+v", m)
	}
	if m := median(nil); m != (sample{}) {
		t.Errorf("of nothing: %+v", m)
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(source, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second run must not find what the first one left
		s, err := run([]string{"mv", "--no-clobber", "{copy:" + source + "}", "{out}"}, dir)
		if err != nil {
			t.Fatal(err)
		}
		if s.bytes != 5 || s.wall <= 0 || s.wall > time.Minute || s.peak <= 0 {
			t.Errorf("sample %+v", s)
		}
	}
	if _, err := run([]string{"false"}, dir); err == nil {
		t.Error("a command that fails gives no error")
	}
}
