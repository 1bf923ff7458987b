package readme

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are the files of docs.
func pages(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(files) < 5 {
		t.Fatalf("pages %v: %v", files, err)
	}
	return files
}

// TestDocsLinks checks that files that the pages refer to exist, and that
// docs/README.md refers to each page.
func TestDocsLinks(t *testing.T) {
	var listed []string
	for _, page := range pages(t) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(data), -1) {
			if _, err := os.Stat(filepath.Join(root, "docs", m[1])); err != nil {
				t.Errorf("%s: %v", filepath.Base(page), err)
			}
			if filepath.Base(page) == "README.md" {
				listed = append(listed, m[1])
			}
		}
	}
	for _, page := range pages(t) {
		if name := filepath.Base(page); name != "README.md" && !slices.Contains(listed, name) {
			t.Errorf("docs/README.md does not list %s", name)
		}
	}
}

var (
	// named is a test and, if it is said, its package: `TestX` in `pkg`.
	named = regexp.MustCompile("`(Test\\w+)`(?:, `Test\\w+`)*(?: in `([\\w/]+)`)?")
	// tests are functions of test files.
	tests = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	// source is a file of the tree, or one beside the last that had a directory.
	source = regexp.MustCompile("`((?:[\\w.-]+/)*[\\w-]+\\.go)`")
)

// TestNamedTests checks that tests that the pages name exist where they say.
func TestNamedTests(t *testing.T) {
	where := map[string][]string{} // directories with a test of that name
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		for _, m := range tests.FindAllStringSubmatch(string(data), -1) {
			dir, _ := filepath.Rel(root, filepath.Dir(path))
			where[m[1]] = append(where[m[1]], dir)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages(t) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(data), -1) {
			if dirs := where[m[1]]; len(dirs) == 0 || m[2] != "" && !slices.Contains(dirs, m[2]) {
				t.Errorf("%s: no %s in %s, but in %v", filepath.Base(page), m[1], m[2], dirs)
			}
		}
	}
}

// TestNamedFiles checks that source files that the pages name exist: with their path,
// or in the directory that was named last.
func TestNamedFiles(t *testing.T) {
	for _, page := range pages(t) {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		dir, count := "", 0
		for _, m := range source.FindAllStringSubmatch(string(data), -1) {
			name := m[1]
			if strings.Contains(name, "/") {
				dir = filepath.Dir(name)
			} else if dir != "" {
				name = filepath.Join(dir, name)
			} else {
				continue // such as doc.go, of each package
			}
			count++
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s: %v", filepath.Base(page), err)
			}
		}
		if filepath.Base(page) == "how-it-works.md" && count < 40 {
			t.Errorf("how-it-works.md: %d files found, it names more", count)
		}
	}
}
