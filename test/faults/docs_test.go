package faults

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTable makes sure that the tests in the last column of docs/faults.md exist, and that
// no test here is missing there.
func TestTable(t *testing.T) {
	doc, err := os.ReadFile("../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{}
	name := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	others := []string{"", "btf", "cmd/mkbtf", "dedup", "dwarf2btf", "emit", "internal/compress", "internal/dump", "internal/encode", "internal/object"}
	for _, in := range others {
		dir := filepath.Join("../..", in)
		if in == "" {
			dir = "."
		}
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range name.FindAllSubmatch(text, -1) {
				tests[string(m[1])+" "+in] = ""
			}
		}
	}
	rows := 0
	proof := regexp.MustCompile(`(Test\w+)(?: \(([\w/]+)\))?`)
	named := map[string]bool{}
	for line := range strings.Lines(string(doc)) {
		cells := strings.Split(line, " | ")
		if len(cells) != 4 || !strings.Contains(cells[3], "Test") {
			continue
		}
		rows++
		for _, m := range proof.FindAllStringSubmatch(cells[3], -1) {
			named[m[1]] = true
			if _, ok := tests[m[1]+" "+m[2]]; !ok {
				t.Errorf("no test %s in %q", m[0], m[2])
			}
		}
	}
	if rows < 30 {
		t.Errorf("%d rows", rows)
	}
	for test := range tests {
		if test, here := strings.CutSuffix(test, " "); here && !named[test] && test != "TestTable" && test != "TestMain" {
			t.Errorf("%s is not in the table", test)
		}
	}
}
