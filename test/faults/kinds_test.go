//go:build linux

package faults

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSymbolicLink(t *testing.T) {
	p := newPlace(t)
	other := t.TempDir()
	link := filepath.Join(other, "link.ko")
	if err := os.Symlink(p.path, link); err != nil {
		t.Fatal(err)
	}
	run(t, encode(link)...).succeeds(t, "through a link")
	p.holds("through a link", newModule)
	p.clean("through a link")
	if to, err := os.Readlink(link); err != nil || to != p.path {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if list, _ := os.ReadDir(other); len(list) != 1 {
		t.Errorf("beside the link: %v", list)
	}
	loop := filepath.Join(other, "loop.ko")
	if err := os.Symlink("loop.ko", loop); err != nil {
		t.Fatal(err)
	}
	run(t, encode(loop)...).fails(t, "a loop", "loop.ko: too many levels of symbolic links")
	nowhere := filepath.Join(other, "nowhere.ko")
	if err := os.Symlink("none", nowhere); err != nil {
		t.Fatal(err)
	}
	run(t, encode(nowhere)...).fails(t, "to nothing", "nowhere.ko: no such file or directory")
}

func TestHardLink(t *testing.T) {
	p := newPlace(t)
	hard := filepath.Join(p.dir, "hard.ko")
	if err := os.Link(p.path, hard); err != nil {
		t.Fatal(err)
	}
	run(t, encode(p.path)...).succeeds(t, "hard link")
	p.holds("hard link", newModule)
	p.clean("hard link", "hard.ko")
	if other, err := os.ReadFile(hard); err != nil || !bytes.Equal(other, oldModule) {
		t.Errorf("the other name has %d bytes, %v, want the old content", len(other), err)
	}
}

func TestOutputIsInput(t *testing.T) {
	p := newPlace(t)
	run(t, encode(p.path, "-o", p.path)...).succeeds(t, "same name")
	p.holds("same name", newModule)
	p.put(oldModule)
	for name, link := range map[string]func(string, string) error{"sym.ko": os.Symlink, "hard.ko": os.Link} {
		p.put(oldModule)
		out := filepath.Join(p.dir, name)
		if err := link(p.path, out); err != nil {
			t.Fatal(err)
		}
		run(t, encode(p.path, "-o", out)...).succeeds(t, name)
		if now, err := os.ReadFile(out); err != nil || !bytes.Equal(now, newModule) {
			t.Errorf("%s: %d bytes, %v", name, len(now), err)
		}
	}
	p.holds("hard link as output", oldModule, newModule)
	p.clean("same name", "sym.ko", "hard.ko")
}

func TestOtherFileSystem(t *testing.T) {
	p := newPlace(t)
	q := placeIn(t, mount(t, "size=8m"))
	run(t, encode(p.path, "-o", q.path)...).succeeds(t, "other file system")
	p.holds("other file system", oldModule)
	q.holds("other file system", newModule)
	q.clean("other file system")
}

func TestAttributes(t *testing.T) {
	const none = ^uint32(0)
	p := newPlace(t)
	acl := bytes.Join([][]byte{{2, 0, 0, 0}, aclEntry(1, 6, none), aclEntry(2, 4, 12), aclEntry(4, 4, none), aclEntry(16, 6, none), aclEntry(32, 0, none)}, nil)
	attrs := map[string][]byte{"user.origin": []byte("here"), "trusted.mark": {1, 2}, "system.posix_acl_access": acl}
	if os.Geteuid() == 0 {
		if err := os.Chown(p.path, 12, 34); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(p.path, 0o640|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	for name, value := range attrs {
		if err := unix.Setxattr(p.path, name, value, 0); err != nil {
			t.Logf("not tried here: %s: %v", name, err)
			delete(attrs, name)
		}
	}
	was, err := os.Stat(p.path)
	if err != nil {
		t.Fatal(err)
	}
	run(t, encode(p.path)...).succeeds(t, "attributes")
	p.holds("attributes", newModule)
	is, err := os.Stat(p.path)
	if err != nil {
		t.Fatal(err)
	}
	a, b := was.Sys().(*syscall.Stat_t), is.Sys().(*syscall.Stat_t)
	if was.Mode() != is.Mode() || a.Uid != b.Uid || a.Gid != b.Gid {
		t.Errorf("mode %v, owner %d:%d; were %v, %d:%d", is.Mode(), b.Uid, b.Gid, was.Mode(), a.Uid, a.Gid)
	}
	for name, value := range attrs {
		got := make([]byte, 200)
		n, err := unix.Getxattr(p.path, name, got)
		if err != nil || !bytes.Equal(got[:n], value) {
			t.Errorf("%s: % x, %v, want % x", name, got[:max(n, 0)], err, value)
		}
	}
}

// aclEntry is struct posix_acl_xattr_entry.
func aclEntry(tag, perm uint16, id uint32) []byte {
	b := binary.LittleEndian.AppendUint16(nil, tag)
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint16(b, perm), id)
}

// spread moves the section headers of a module behind a hole of so many bytes.
func (p *place) spread(hole int64) {
	p.t.Helper()
	le := binary.LittleEndian
	shoff := int64(le.Uint64(oldModule[40:]))
	size := int64(le.Uint16(oldModule[58:])) * int64(le.Uint16(oldModule[60:]))
	head := bytes.Clone(oldModule)
	at := (int64(len(head)) + hole) &^ 7
	le.PutUint64(head[40:], uint64(at))
	f, err := os.Create(p.path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(head); err != nil {
		p.t.Fatal(err)
	}
	if _, err := f.WriteAt(oldModule[shoff:shoff+size], at); err != nil {
		p.t.Skip(err)
	}
}

func TestSparse(t *testing.T) {
	p := newPlace(t)
	p.spread(64 << 20)
	run(t, encode(p.path)...).succeeds(t, "sparse")
	p.clean("sparse")
	st, err := os.Stat(p.path)
	if err != nil {
		t.Fatal(err)
	}
	if taken := st.Sys().(*syscall.Stat_t).Blocks * 512; taken > 4<<20 {
		t.Errorf("it has %d bytes and takes %d on disk: the hole is gone", st.Size(), taken)
	}
	run(t, "dump", p.path).succeeds(t, "dump")
	before, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	run(t, encode(p.path)...).succeeds(t, "again")
	p.holds("again", before)
}

func TestHuge(t *testing.T) {
	p := newPlace(t)
	p.spread(5 << 30)
	run(t, encode(p.path, "--detached")...).succeeds(t, "5 GB")
	p.clean("5 GB", "hello.ko.BTF")
	p.spread(9 << 30)
	run(t, encode(p.path)...).fails(t, "9 GB", "too large for a module")
	// What is no ELF file would have to be read into memory.
	if err := os.WriteFile(p.path, []byte("MZ"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(p.path, 5<<30); err != nil {
		t.Skip(err)
	}
	run(t, "dump", p.path).fails(t, "no ELF file", "too large")
}

func TestNoFile(t *testing.T) {
	p := newPlace(t)
	run(t, encode(p.dir)...).fails(t, "directory", "is a directory")
	run(t, encode("/dev/null")...).fails(t, "device", "/dev/null: is a device")
	run(t, "dump", "/dev/zero").fails(t, "device", "/dev/zero: is a device")
	run(t, encode(filepath.Join(p.dir, "none.ko"))...).fails(t, "missing", "none.ko: no such file or directory")
	p.put(nil)
	run(t, encode(p.path)...).fails(t, "empty", "hello.ko: file header at 0x0")
	p.holds("empty", nil)
	fifo := filepath.Join(p.dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Skip(err)
	}
	feed := func() {
		if err := os.WriteFile(fifo, oldModule, 0); err != nil {
			t.Error(err)
		}
	}
	go feed()
	run(t, encode(fifo)...).fails(t, "pipe", "fifo: is not a regular file")
	go feed()
	run(t, encode(fifo, "-o", p.path)...).succeeds(t, "pipe to a file")
	p.holds("pipe to a file", newModule)
	p.clean("pipe", "fifo")
}

// TestNoReader writes to a pipe that nobody reads.
func TestNoReader(t *testing.T) {
	p := newPlace(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	cmd := exec.Command(program, encode(p.path, "-o", "-")...)
	cmd.Stdout = w
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if res := finish(t, cmd); res.status == 0 {
		t.Errorf("it succeeds: %v", res)
	}
	w.Close()
	p.holds("no reader", oldModule)
	p.clean("no reader")
}
