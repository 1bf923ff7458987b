package dwarf2btf

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// renderFile converts a file and renders all that it holds. Every unit is checked.
func renderFile(t *testing.T, path string) map[string]bool {
	t.Helper()
	set := map[string]bool{}
	convertAll(t, elfSource(t, path), DefaultOptions(), func(u *Unit) {
		if err := checkUnit(u); err != nil {
			t.Errorf("unit %s: %v", u.Name, err)
		}
		renderUnit(u, set)
	})
	return set
}

// TestVariants makes sure that the same source means the same, whatever version
// and form of DWARF the compiler writes.
func TestVariants(t *testing.T) {
	const reference = "../testdata/obj/x86_64-gcc-dwarf5"
	const static = "VAR percpu_" // a linker's default script has no .data..percpu
	for _, tt := range []struct {
		variant string
		except  []string // parts of what the compiler itself writes differently
	}{
		{"x86_64-gcc-dwarf2", []string{"restrict", "sc_qualified"}}, // came with DWARF 3
		{"x86_64-gcc-dwarf2-strict", []string{"restrict", "sc_qualified"}},
		{"x86_64-gcc-dwarf3", nil},
		{"x86_64-gcc-dwarf4", nil},
		{"x86_64-gcc-dwarf4-64bit", nil},
		{"x86_64-gcc-dwarf4-dwz", []string{static}},
		{"x86_64-gcc-dwarf4-linked", []string{static}},
		{"x86_64-gcc-dwarf4-typeunits", []string{"const volatile", "sc_qualified"}}, // gcc 12 loses const there
		{"x86_64-gcc-dwarf5-64bit", nil},
		{"x86_64-gcc-dwarf5-dwz", []string{static}},
		{"x86_64-gcc-dwarf5-linked", []string{static}},
		{"x86_64-gcc-dwarf5-typeunits", []string{"const volatile", "sc_qualified"}},
		{"x86_64-gcc-dwarf5-zlib", nil},
		{"x86_64-gcc-dwarf5-zstd", nil},
		{"x86_64-gcc-lto", []string{"FUNC opt_", "VAR percpu_local_name"}}, // other clones, and variables that get numbers
	} {
		variant := tt.variant
		files, err := filepath.Glob("../testdata/obj/" + variant + "/*")
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no files (%v)", variant, err)
		}
		for _, file := range files {
			module := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".elf"), ".ko")
			t.Run(variant+"/"+module, func(t *testing.T) {
				want := renderFile(t, filepath.Join(reference, module+".ko"))
				got := renderFile(t, file)
				report := func(what string, list []string) {
					for _, s := range list {
						if !slices.ContainsFunc(tt.except, func(part string) bool { return strings.Contains(s, part) }) {
							t.Errorf("%s %s", what, s)
						}
					}
				}
				report("lacks", missing(want, got))
				report("besides", missing(got, want))
			})
		}
	}
}
