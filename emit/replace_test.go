//go:build linux

package emit

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mkbtf/internal/elfhdr/elftest"
)

// contents returns a write function for ReplaceFile.
func contents(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func tempFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.ko")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// check compares the content of a file and makes sure that its directory holds
// the named files and nothing else.
func check(t *testing.T, path, want string, names ...string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("content %.40q, want %.40q", got, want)
	}
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range list {
		found = append(found, e.Name())
	}
	if strings.Join(found, " ") != strings.Join(names, " ") {
		t.Errorf("files %q, want %q", found, names)
	}
}

func stat(t *testing.T, path string) (fs.FileInfo, *syscall.Stat_t) {
	t.Helper()
	st, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st, st.Sys().(*syscall.Stat_t)
}

func TestReplaceFile(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 20000)
	tests := []struct {
		name     string
		old, new string
		changed  bool
	}{
		{"other", "old", "new content", true},
		{"equal", "same", "same", false},
		{"longer", "same", "same and more", true},
		{"shorter", "same and more", "same", true},
		{"empty to something", "", "x", true},
		{"to empty", "x", "", true},
		{"both empty", "", "", false},
		{"long and equal", long, long, false},
		{"long, different at the end", long, long[:len(long)-1] + "!", true},
		{"long, longer", long, long + long, true},
		{"long, shorter", long, long[:len(long)/2], true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := tempFile(t, tt.old)
			before := time.Now().Add(-time.Hour)
			if err := os.Chtimes(path, before, before); err != nil {
				t.Fatal(err)
			}
			_, was := stat(t, path)
			changed, err := ReplaceFile(path, func(w io.Writer) error {
				// In pieces, the later ones as a copy from another file would come.
				half := len(tt.new) / 2
				if _, err := io.WriteString(w, tt.new[:half]); err != nil {
					return err
				}
				_, err := io.Copy(w, io.LimitReader(strings.NewReader(tt.new[half:]), 1<<30))
				return err
			}, ReplaceOptions{})
			if err != nil || changed != tt.changed {
				t.Fatalf("changed %v, error %v", changed, err)
			}
			check(t, path, tt.new, "x.ko")
			_, is := stat(t, path)
			if same := is.Ino == was.Ino && is.Mtim == was.Mtim; same == tt.changed {
				t.Errorf("the file is touched: %v, want %v", !same, tt.changed)
			}
		})
	}
}

func TestReplaceFileFails(t *testing.T) {
	failure := errors.New("failure")
	path := tempFile(t, "old")
	for _, text := range []string{"", "o", "other"} {
		_, err := ReplaceFile(path, func(w io.Writer) error {
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
			return failure
		}, ReplaceOptions{})
		if !errors.Is(err, failure) {
			t.Errorf("error %v, want that of the function", err)
		}
		check(t, path, "old", "x.ko")
	}
	if _, err := ReplaceFile(filepath.Dir(path), contents("x"), ReplaceOptions{}); err == nil {
		t.Error("a directory: no error")
	}
	if _, err := ReplaceFile(path+"/y", contents("x"), ReplaceOptions{}); err == nil {
		t.Error("below a file: no error")
	}
}

func TestReplaceFileKeepsAttributes(t *testing.T) {
	path := tempFile(t, "old")
	if err := os.Chmod(path, 0o751|fs.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	xattr := unix.Setxattr(path, "user.origin", []byte("here"), 0) == nil
	chown := os.Chown(path, 12, 34) == nil
	if chown { // chown clears the bit
		if err := os.Chmod(path, 0o751|fs.ModeSetgid); err != nil {
			t.Fatal(err)
		}
	}
	was, wasSys := stat(t, path)
	if _, err := ReplaceFile(path, contents("new"), ReplaceOptions{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	is, isSys := stat(t, path)
	if is.Mode() != was.Mode() || is.Mode()&fs.ModeSetgid == 0 {
		t.Errorf("mode %v, was %v", is.Mode(), was.Mode())
	}
	if isSys.Uid != wasSys.Uid || isSys.Gid != wasSys.Gid {
		t.Errorf("owner %d:%d, was %d:%d", isSys.Uid, isSys.Gid, wasSys.Uid, wasSys.Gid)
	}
	if xattr {
		b := make([]byte, 10)
		n, err := unix.Getxattr(path, "user.origin", b)
		if err != nil || string(b[:n]) != "here" {
			t.Errorf("extended attribute %q, %v", b[:max(n, 0)], err)
		}
	}
	if !xattr || !chown {
		t.Logf("not tried here: extended attributes %v, owner %v", !xattr, !chown)
	}
}

func TestReplaceFileLinks(t *testing.T) {
	path := tempFile(t, "old")
	dir := filepath.Dir(path)
	link, hard := filepath.Join(dir, "link"), filepath.Join(dir, "hard")
	if err := os.Symlink("x.ko", link); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, hard); err != nil {
		t.Fatal(err)
	}
	if _, err := ReplaceFile(link, contents("new"), ReplaceOptions{}); err != nil {
		t.Fatal(err)
	}
	check(t, path, "new", "hard", "link", "x.ko")
	check(t, hard, "old", "hard", "link", "x.ko")
	if st, _ := stat(t, link); st.Mode()&fs.ModeSymlink == 0 {
		t.Error("the symbolic link is gone")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := ReplaceFile(link, contents("again"), ReplaceOptions{}); err != nil {
		t.Fatal(err)
	}
	check(t, path, "again", "hard", "link", "x.ko")
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	if _, err := ReplaceFile(filepath.Join(dir, "loop"), contents("x"), ReplaceOptions{}); err == nil {
		t.Error("a link to itself: no error")
	}
}

func TestReplaceFileCreates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.btf")
	if changed, err := ReplaceFile(path, contents("content"), ReplaceOptions{}); err != nil || !changed {
		t.Fatal(changed, err)
	}
	check(t, path, "content", "new.btf")
	ref := filepath.Join(t.TempDir(), "ref")
	if err := os.WriteFile(ref, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	is, _ := stat(t, path)
	want, _ := stat(t, ref)
	if is.Mode() != want.Mode() {
		t.Errorf("mode %v, other new files have %v", is.Mode(), want.Mode())
	}
}

func TestReplaceFileDirectly(t *testing.T) {
	if _, err := ReplaceFile("/dev/null", contents("x"), ReplaceOptions{}); err != nil {
		t.Error(err)
	}
	if st, _ := stat(t, "/dev/null"); st.Mode().IsRegular() {
		t.Error("/dev/null has become a file")
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Skip(err)
	}
	done := make(chan string)
	go func() {
		b, _ := os.ReadFile(fifo)
		done <- string(b)
	}()
	if _, err := ReplaceFile(fifo, contents("through"), ReplaceOptions{}); err != nil {
		t.Error(err)
	}
	if got := <-done; got != "through" {
		t.Errorf("read %q", got)
	}
}

// TestNamedTemp goes the way of file systems without O_TMPFILE.
func TestNamedTemp(t *testing.T) {
	path := tempFile(t, "old")
	for _, commit := range []bool{false, true} {
		tmp := &temp{dir: filepath.Dir(path), base: strings.Repeat("long", 60)}
		if err := tmp.openNamed(); err != nil {
			t.Fatal(err)
		}
		if _, err := tmp.file.WriteString("new"); err != nil {
			t.Fatal(err)
		}
		want := "old"
		if commit {
			want = "new"
			if err := tmp.commit(path, true); err != nil {
				t.Fatal(err)
			}
		}
		tmp.discard()
		check(t, path, want, "x.ko")
	}
}

// TestSignal ends a process that is writing a named temporary file.
func TestSignal(t *testing.T) {
	if path := os.Getenv("EMIT_TEST_SIGNAL"); path != "" {
		// The child. Started by a program that ignores a signal, it must get it.
		signal.Reset(syscall.SIGTERM)
		tmp := &temp{dir: filepath.Dir(path), base: "x.ko"}
		if err := tmp.openNamed(); err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("ready\n")
		select {}
	}
	path := tempFile(t, "old")
	cmd := exec.Command(os.Args[0], "-test.run=^TestSignal$")
	cmd.Env = append(os.Environ(), "EMIT_TEST_SIGNAL="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	if list, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.tmp")); len(list) != 1 {
		t.Errorf("temporary files: %q", list)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v, not by the signal", err)
	}
	check(t, path, "old", "x.ko")
}

// TestReplaceWithEdit is the way that the two halves are used together.
func TestReplaceWithEdit(t *testing.T) {
	f := object(0, nil, elftest.Section{Name: ".debug_info", Data: blob(3<<20, 1)})
	path := tempFile(t, string(f.Bytes()))
	for i, want := range []bool{true, false} {
		in, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		old, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		e, err := EditELF(in, []ELFSection{{".BTF", blob(100, 1), 4}}, ELFOptions{})
		if err != nil {
			t.Fatal(err)
		}
		e.CopyFrom(old)
		changed, err := ReplaceFile(path, func(w io.Writer) error { _, err := e.WriteTo(w); return err }, ReplaceOptions{})
		if err != nil || changed != want {
			t.Errorf("run %d: changed %v, error %v", i, changed, err)
		}
		out, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(out, e.Bytes()) {
			t.Errorf("run %d: other bytes, %v", i, err)
		}
	}
}

// TestStale leaves alone what others have in use, and removes what nobody has.
func TestStale(t *testing.T) {
	path := tempFile(t, "old")
	dir := filepath.Dir(path)
	for _, name := range []string{".x.ko.0123abcd.tmp", ".x.ko.0123abcde.tmp", ".y.ko.0123abcd.tmp", "x.ko.0123abcd.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("x.ko", filepath.Join(dir, ".x.ko.00000000.tmp")); err != nil {
		t.Fatal(err)
	}
	other := &temp{dir: dir, base: "x.ko"}
	if err := other.openNamed(); err != nil {
		t.Fatal(err)
	}
	defer other.discard()
	if _, err := ReplaceFile(path, contents("new"), ReplaceOptions{}); err != nil {
		t.Fatal(err)
	}
	check(t, path, "new", slices.Sorted(slices.Values([]string{
		".x.ko.00000000.tmp", ".x.ko.0123abcde.tmp", ".y.ko.0123abcd.tmp", "x.ko", "x.ko.0123abcd.tmp", filepath.Base(other.name),
	}))...)
	if !other.hasName() {
		t.Error("the file of another writer is gone")
	}
}
