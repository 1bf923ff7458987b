//go:build linux

package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// nobody is a user without rights.
const nobody = 65534

// mount gives a tmpfs with that size and options.
func mount(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("faults", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

func TestDiskFull(t *testing.T) {
	for _, size := range []int{len(oldModule) + 8192, len(oldModule) + 200000, 2*len(oldModule) + 40000} {
		p := placeIn(t, mount(t, fmt.Sprintf("size=%d", size)))
		what := fmt.Sprintf("a disk of %d bytes for a module of %d", size, len(oldModule))
		run(t, encode(p.path)...).fails(t, what, "hello.ko: ")
		p.holds(what, oldModule)
		p.clean(what)
	}
	p := placeIn(t, mount(t, fmt.Sprintf("size=%d", len(oldModule)+8192)))
	run(t, encode(p.path, "--detached")...).fails(t, "detached", "no space left on device")
	p.clean("detached")
}

func TestNoInodes(t *testing.T) {
	p := placeIn(t, mount(t, "size=8m,nr_inodes=2")) // the directory and the module
	run(t, encode(p.path)...).fails(t, "no inodes", "no space left on device")
	p.holds("no inodes", oldModule)
	p.clean("no inodes")
}

func TestFileSizeLimit(t *testing.T) {
	p := newPlace(t)
	// In units of 512 bytes. The limit of a shell ends what goes beyond it with SIGXFSZ.
	r := runLimited(t, "-f 400", encode(p.path)...)
	if r.status == 0 {
		t.Errorf("it succeeds: %v", r)
	}
	p.holds("ulimit -f", oldModule)
	p.clean("ulimit -f")
	r.fails(t, "ulimit -f", "file too large")
}

func TestReadOnlyFileSystem(t *testing.T) {
	dir := mount(t, "size=8m")
	p := placeIn(t, dir)
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skip(err)
	}
	run(t, encode(p.path)...).fails(t, "read-only file system", "hello.ko: read-only file system")
	p.holds("read-only file system", oldModule)
	p.clean("read-only file system")
}

func TestReadOnlyDirectory(t *testing.T) {
	p := newPlace(t)
	for path, mode := range map[string]os.FileMode{p.dir: 0o555, p.path: 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	r := runAs(t, nobody, encode(p.path)...)
	r.fails(t, "read-only directory", "permission denied")
	p.holds("read-only directory", oldModule)
	p.clean("read-only directory")
}

func TestNotAllowed(t *testing.T) {
	p := newPlace(t)
	// The directory may be written to, so that the file could be replaced.
	runAs(t, nobody, encode(p.path)...).fails(t, "not writable", "permission denied")
	p.holds("not writable", oldModule)
	p.clean("not writable")
	if err := os.Chmod(p.path, 0o600); err != nil {
		t.Fatal(err)
	}
	runAs(t, nobody, encode(p.path)...).fails(t, "not readable", "hello.ko: permission denied")
	// Its owner could not be kept.
	if err := os.Chmod(p.path, 0o666); err != nil {
		t.Fatal(err)
	}
	runAs(t, nobody, encode(p.path)...).fails(t, "somebody else's", "attributes")
	p.holds("somebody else's", oldModule)
	p.clean("somebody else's")
}

func TestImmutable(t *testing.T) {
	p := newPlace(t)
	if out, err := exec.Command("chattr", "+i", p.path).CombinedOutput(); err != nil {
		t.Skipf("chattr: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("chattr", "-i", p.path).Run() })
	run(t, encode(p.path)...).fails(t, "immutable", "operation not permitted")
	p.holds("immutable", oldModule)
	p.clean("immutable")
}

func TestNoDirectory(t *testing.T) {
	p := newPlace(t)
	out := filepath.Join(p.dir, "none", "out.ko")
	run(t, encode(p.path, "-o", out)...).fails(t, "no directory", "no such file or directory")
	run(t, encode(p.path, "-o", filepath.Join(p.path, "out.ko"))...).fails(t, "a file for a directory", "not a directory")
	run(t, encode(p.path, "-o", p.dir)...).fails(t, "a directory for a file", "is a directory")
	p.holds("no directory", oldModule)
	p.clean("no directory")
}

func TestStandardOutputFull(t *testing.T) {
	p := newPlace(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	for _, args := range [][]string{encode(p.path, "-o", "-"), encode(p.path, "-o", "/dev/full"), {"dump", filepath.Join(filepath.Dir(program), "hello.ko")}} {
		cmd := exec.Command(program, args...)
		cmd.Stdout = full
		finish(t, cmd).fails(t, strings.Join(args, " "), "no space left on device")
	}
	p.holds("standard output", oldModule)
	p.clean("standard output")
}
