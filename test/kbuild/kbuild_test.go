package kbuild

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"mkbtf/internal/check"
	"mkbtf/internal/object"
)

var (
	root    string // of the source tree
	program string // mkbtf, of TestMain
	links   string // directory with pahole and resolve_btfids
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if root, err = filepath.Abs("../.."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if os.Getenv("MKBTF_KERNEL_TESTS") != "" {
		dir, err := os.MkdirTemp("", "mkbtf-kbuild-test")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program, links = filepath.Join(dir, "mkbtf"), filepath.Join(dir, "links")
		for _, args := range [][]string{{"go", "build", "-o", program, "./cmd/mkbtf"}, {program, "kbuild-links", links}} {
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Dir, cmd.Stderr = root, os.Stderr
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // static: it runs in other systems too
			if err := cmd.Run(); err != nil {
				fmt.Fprintln(os.Stderr, strings.Join(args, " "), err)
				return 1
			}
		}
	}
	return m.Run()
}

// script runs one of scripts and returns the line that it prints.
func script(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(root, "scripts", name), args...)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, messages.Bytes())
	}
	return strings.TrimSpace(string(out))
}

// headers are those of an installed kernel.
type headers struct {
	release string
	dir     string
}

func (h headers) vmlinux() string { return filepath.Join(h.dir, "vmlinux") }

// needHeaders installs Debian's headers if they are missing, or skips the test where
// that is impossible.
func needHeaders(t *testing.T) headers {
	t.Helper()
	if os.Getenv("MKBTF_KERNEL_TESTS") == "" {
		t.Skip("MKBTF_KERNEL_TESTS is not set: make test-kernel sets it")
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("Debian's headers for amd64 hold programs that only run there")
	}
	if found, _ := filepath.Glob("/lib/modules/6.12*+deb12-amd64/build/include"); found == nil && os.Getuid() != 0 {
		t.Skip("no headers of Debian's 6.12 kernel are installed, and only root can install them")
	}
	release := script(t, "install-headers.sh")
	return headers{release, filepath.Join("/lib/modules", release, "build")}
}

// withoutVMLinux is a copy of the headers that lacks vmlinux, made of links.
func (h headers) withoutVMLinux(t *testing.T) headers {
	t.Helper()
	dir := plainDir(t)
	real, err := filepath.EvalSymlinks(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(real)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "vmlinux" {
			continue
		}
		if err := os.Symlink(filepath.Join(real, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return headers{h.release, dir}
}

// plainDir makes a directory with nothing in its path that kbuild or DKMS stumble
// over, as they do over the commas in the name of a test.
func plainDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mkbtf-kbuild")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// source copies the sources of modules to a new directory.
func source(t *testing.T, dir string) string {
	t.Helper()
	to := plainDir(t)
	files, err := filepath.Glob(filepath.Join(root, dir, "*"))
	if err != nil || files == nil {
		t.Fatalf("%s: %v", dir, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(f)), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// command runs a program with additions to the environment and returns what it
// prints.
func command(t *testing.T, env []string, args ...string) (out string, err error) {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL="), env...)
	b, err := cmd.CombinedOutput()
	return string(b), err
}

// mustRun is command for programs that must not fail.
func mustRun(t *testing.T, env []string, args ...string) string {
	t.Helper()
	out, err := command(t, env, args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// state says what a module's BTF is and what the kernel will do with it.
func state(t *testing.T, h headers, ko string) *check.Verdict {
	t.Helper()
	k, err := check.LoadKernel(h.vmlinux())
	if err != nil {
		t.Fatal(err)
	}
	m, err := check.LoadModule(ko)
	if err != nil {
		t.Fatal(err)
	}
	return k.Check(m)
}

// wantForm makes sure that a module has BTF of a form that the kernel takes, and that
// mkbtf has made it.
func wantForm(t *testing.T, h headers, ko, form string) {
	t.Helper()
	f, err := object.Open(ko)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, noted := f.Section(".note.mkbtf")
	v := state(t, h, ko)
	got := v.Form
	if got == "self-contained" && noted {
		got = "distilled" // needs no type of the kernel, and so works like the other one
	}
	if got != form || v.Outcome != check.Loads || len(v.Warnings) > 0 {
		t.Errorf("%s: want form %s that loads, got form %s: %s", filepath.Base(ko), form, got, v.Line())
	}
	if !noted && form != "self-contained" {
		t.Errorf("%s: not made by mkbtf", filepath.Base(ko))
	}
}

// sections returns the content of sections of a module, nil for those that it lacks.
func sections(t *testing.T, ko string, names ...string) [][]byte {
	t.Helper()
	f, err := object.Open(ko)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all [][]byte
	for _, n := range names {
		data, err := f.DataOf(n)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, bytes.Clone(data))
	}
	return all
}
