// Package dumptest has C compilers judge the headers that package dump writes.
package dumptest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Compiler finds a C compiler: gcc, clang or a cross gcc, under its own name or, as
// Debian names some of them, with its version behind it. It returns "" if there is none.
func Compiler(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	best, version := "", 0
	for _, dir := range []string{"/usr/bin", "/usr/local/bin"} {
		found, _ := filepath.Glob(filepath.Join(dir, name+"-[0-9]*"))
		for _, path := range found {
			if v, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), name+"-")); err == nil && v > version {
				best, version = path, v
			}
		}
	}
	return best
}

// Compilers are those at hand for machines whose pointers have that many bytes, each with
// the arguments that it needs. It skips the test if there are none.
func Compilers(t *testing.T, pointer int) [][]string {
	t.Helper()
	all := [][]string{
		{"gcc"},
		{"gcc", "-std=gnu2x"},
		{"clang"},
		{"clang", "-target", "bpf"},
		{"aarch64-linux-gnu-gcc"},
		{"powerpc64le-linux-gnu-gcc"},
		{"riscv64-linux-gnu-gcc"},
		{"s390x-linux-gnu-gcc"},
	}
	if pointer == 4 {
		all = [][]string{
			{"i686-linux-gnu-gcc"},
			{"arm-linux-gnueabihf-gcc"},
			{"clang", "-target", "i386-linux-gnu"},
			{"clang", "-target", "armeb-linux-gnueabi"},
			{"clang", "-target", "mips-linux-gnu"},
			{"clang", "-target", "powerpc-linux-gnu"},
		}
	}
	var list [][]string
	for _, cc := range all {
		if cc[0] = Compiler(cc[0]); cc[0] != "" {
			list = append(list, cc)
		}
	}
	if list == nil {
		t.Skip("no C compiler is installed")
	}
	return list
}

// Check has the compiler cc[0], with the arguments that follow it, check a header. All
// warnings are errors.
func Check(cc []string, header []byte) error {
	args := append(slices.Clone(cc[1:]), "-fsyntax-only", "-Wall", "-Werror", "-x", "c", "-")
	cmd := exec.Command(cc[0], args...)
	cmd.Stdin = bytes.NewReader(header)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%.3000s", cc, err, out)
	}
	return nil
}

// Precompile compiles a header into a file in the directory dir, and returns the command
// that has it included before anything else.
func Precompile(cc []string, dir string, header []byte) ([]string, error) {
	plain := filepath.Join(dir, "base.h")
	if err := os.WriteFile(plain, header, 0o644); err != nil {
		return nil, err
	}
	flag, out := "-include", plain+".gch"
	if strings.Contains(filepath.Base(cc[0]), "clang") {
		flag, out = "-include-pch", plain+".pch"
	}
	cmd := exec.Command(cc[0], append(slices.Clone(cc[1:]), "-Wall", "-x", "c-header", "-o", out, plain)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%.3000s", cc, err, text)
	}
	if flag == "-include" {
		out = plain // gcc takes the .gch beside it
	}
	return append(slices.Clone(cc), flag, out), nil
}
