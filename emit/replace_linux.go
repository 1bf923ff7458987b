package emit

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// temp is a file that is to take the place of another. It has no name (O_TMPFILE)
// until the last moment if the file system can do that, so that nothing is left
// whatever happens; else a hidden name.
type temp struct {
	file *os.File
	dir  string
	base string
	name string // "" while it has none

	mu          sync.Mutex // guards name and interrupted against a signal
	interrupted os.Signal
	signals     chan os.Signal
}

// newTemp creates a temporary file in dir for one that will be called base.
func newTemp(dir, base string) (*temp, error) {
	t := &temp{dir: dir, base: base}
	t.removeStale()
	if t.openUnnamed() {
		return t, nil
	}
	return t, t.openNamed()
}

// openUnnamed makes a file without a name, if that is possible here.
func (t *temp) openUnnamed() bool {
	fd, err := unix.Open(t.dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return false
	}
	t.file = os.NewFile(uintptr(fd), filepath.Join(t.dir, t.base))
	if _, err := os.Stat(t.procName()); err != nil {
		t.file.Close() // without /proc it could not be given a name
		t.file = nil
		return false
	}
	t.lock()
	return true
}

// lock marks the file as in use. A file system without locks leaves stale files alone.
func (t *temp) lock() { _ = unix.Flock(int(t.file.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// removeStale removes what a process that was killed has left behind: files with
// hidden names for base that nobody has locked. If it cannot, nothing is lost.
func (t *temp) removeStale() {
	prefix, suffix := t.hiddenParts()
	for _, name := range hiddenNames(t.dir) {
		if len(name) != len(prefix)+8+len(suffix) || !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, suffix) {
			continue
		}
		path := filepath.Join(t.dir, name)
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.Remove(path)
		}
		unix.Close(fd)
	}
}

// hiddenIn holds what hiddenNames has found, by directory.
var hiddenIn sync.Map

// hiddenNames lists the hidden files of a directory. It looks once in the life of a
// process: many modules may lie in one, and what is left over is of older processes.
func hiddenNames(dir string) []string {
	if names, ok := hiddenIn.Load(dir); ok {
		return names.([]string)
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	all, _ := d.Readdirnames(-1)
	var names []string
	for _, name := range all {
		if name[0] == '.' {
			names = append(names, name)
		}
	}
	hiddenIn.Store(dir, names)
	return names
}

// openNamed makes a file with a hidden name, which signals remove.
func (t *temp) openNamed() error {
	t.watch()
	t.mu.Lock()
	defer t.mu.Unlock()
	for range 100 {
		name := t.hidden()
		fd, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
		if err == nil {
			// Errors of writing name the file that they are about.
			t.file, t.name = os.NewFile(uintptr(fd), filepath.Join(t.dir, t.base)), name
			if t.lock(); t.hasName() {
				return nil
			}
			t.file.Close() // taken for a stale one before it was locked
			t.file, t.name = nil, ""
			continue
		}
		if err != unix.EEXIST && err != unix.EINTR {
			t.unwatch()
			return t.failed("create", err)
		}
	}
	t.unwatch()
	return t.failed("create", fs.ErrExist)
}

// failed is the error of a system call, with the name of the file that it is all
// about instead of a temporary one.
func (t *temp) failed(op string, err error) error {
	switch e := err.(type) {
	case *fs.PathError:
		err = e.Err
	case *os.LinkError:
		err = e.Err
	}
	return &fs.PathError{Op: op, Path: filepath.Join(t.dir, t.base), Err: err}
}

func (t *temp) procName() string { return fmt.Sprintf("/proc/self/fd/%d", t.file.Fd()) }

// hidden is a name that is not in use, as good as certainly.
func (t *temp) hidden() string {
	prefix, suffix := t.hiddenParts()
	return filepath.Join(t.dir, fmt.Sprintf("%s%08x%s", prefix, rand.Uint32(), suffix))
}

// hiddenParts is what stands around the random part of hidden names.
func (t *temp) hiddenParts() (prefix, suffix string) {
	base := t.base
	if len(base) > 200 { // NAME_MAX is 255
		base = base[:200]
	}
	return "." + base + ".", ".tmp"
}

// hasName reports whether the name still leads to the file.
func (t *temp) hasName() bool {
	there, err := os.Lstat(t.name)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	is, err := t.file.Stat()
	return err != nil || os.SameFile(is, there)
}

// watch removes the named file when a signal ends the program.
func (t *temp) watch() {
	ch := make(chan os.Signal, 1)
	t.signals = ch
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		s, ok := <-ch
		if !ok {
			return
		}
		t.mu.Lock()
		t.interrupted = s
		if t.name != "" {
			os.Remove(t.name)
			t.name = ""
		}
		t.mu.Unlock()
		// Now the signal does what it would have done without this.
		signal.Stop(ch)
		if n, ok := s.(syscall.Signal); ok {
			syscall.Kill(os.Getpid(), n)
		}
	}()
}

func (t *temp) unwatch() {
	if t.signals != nil {
		signal.Stop(t.signals)
		close(t.signals)
		t.signals = nil
	}
}

// discard closes the file and removes it unless it has been committed.
func (t *temp) discard() {
	t.unwatch()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file != nil {
		t.file.Close()
		t.file = nil
	}
	if t.name != "" {
		os.Remove(t.name)
		t.name = ""
	}
}

// commit puts the file in the place of path.
func (t *temp) commit(path string, sync bool) error {
	if sync {
		if err := t.file.Sync(); err != nil {
			return err
		}
	}
	if t.signals == nil {
		t.watch()
	}
	if err := t.rename(path); err != nil {
		return err
	}
	err := t.file.Close()
	t.file = nil
	if err == nil && sync {
		err = syncDir(t.dir)
	}
	return err
}

func (t *temp) rename(path string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.interrupted != nil {
		return fmt.Errorf("write %s: %v", path, t.interrupted)
	}
	if t.name == "" {
		if err := t.link(); err != nil {
			return err
		}
	}
	// os.Rename would look at path first, and the hidden name should not last.
	if err := unix.Rename(t.name, path); err != nil {
		return t.failed("rename", err)
	}
	t.name = ""
	return nil
}

// link gives a file without a name a hidden one.
func (t *temp) link() error {
	for range 100 {
		name := t.hidden()
		err := unix.Linkat(unix.AT_FDCWD, t.procName(), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
		if err == nil {
			t.name = name
			return nil
		}
		if err != unix.EEXIST {
			return t.failed("link", err)
		}
	}
	return t.failed("link", fs.ErrExist)
}

// syncDir makes the rename durable. File systems that cannot sync a directory
// need not.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil // a directory may be writable and not readable
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	return nil
}

// copyAttributes gives a new file the owner, mode and extended attributes of an
// old one.
func copyAttributes(to, from *os.File, st fs.FileInfo) error {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		var now unix.Stat_t
		if err := unix.Fstat(int(to.Fd()), &now); err != nil {
			return err
		}
		if now.Uid != sys.Uid || now.Gid != sys.Gid {
			if err := to.Chown(int(sys.Uid), int(sys.Gid)); err != nil {
				return err
			}
		}
	}
	if err := copyXattrs(int(to.Fd()), int(from.Fd())); err != nil {
		return err
	}
	// Last: chown clears set-id bits, an access control list changes the group bits.
	return to.Chmod(st.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky))
}

// copyXattrs copies extended attributes. Those that only the system may set are
// left to it if it refuses; the others must succeed.
func copyXattrs(to, from int) error {
	names, err := xattr(func(b []byte) (int, error) { return unix.Flistxattr(from, b) })
	if err != nil {
		if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) {
			return nil
		}
		return fmt.Errorf("list extended attributes: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		if name == "" || name == "security.ima" || name == "security.evm" {
			continue
		}
		value, err := xattr(func(b []byte) (int, error) { return unix.Fgetxattr(from, name, b) })
		if err == nil {
			err = unix.Fsetxattr(to, name, value, 0)
		}
		private := strings.HasPrefix(name, "security.") || strings.HasPrefix(name, "trusted.") || strings.HasPrefix(name, "system.")
		if err != nil && !(private && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOTSUP))) {
			return fmt.Errorf("extended attribute %s: %w", name, err)
		}
	}
	return nil
}

// xattr calls a function that fills a buffer until the buffer is large enough.
func xattr(get func(b []byte) (int, error)) ([]byte, error) {
	for b := make([]byte, 4096); ; b = make([]byte, 2*len(b)) {
		n, err := get(b)
		if err == nil {
			return b[:n], nil
		}
		if !errors.Is(err, unix.ERANGE) || len(b) > 1<<20 {
			return nil, err
		}
	}
}

// umask is that of the process when it is first asked for: a program that sets it does so
// when it begins, and to read it costs more than to write a small file. It is read without
// setting it, which would be a race with other goroutines that create files.
var umask = sync.OnceValue(func() fs.FileMode {
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		for line := range strings.SplitSeq(string(status), "\n") {
			var mask fs.FileMode
			if n, _ := fmt.Sscanf(line, "Umask:\t%o", &mask); n == 1 {
				return mask
			}
		}
	}
	return 0o022
})
