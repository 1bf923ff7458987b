package emit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ReplaceOptions are choices of ReplaceFile.
type ReplaceOptions struct {
	// NoSync leaves out fsync: after a crash of the machine (not of the program)
	// the file may be the old one, or be empty on file systems that do not order
	// data before a rename. For files that a build makes again.
	NoSync bool
	// Perm is the mode of a file that does not exist yet, before umask; 0 stands
	// for 0666.
	Perm fs.FileMode
	// Ready, if set, is asked when the new content is whole and before it takes the
	// place of the old one. Its error is that of ReplaceFile.
	Ready func() error
}

func (o *ReplaceOptions) ready() error {
	if o.Ready == nil {
		return nil
	}
	return o.Ready()
}

// ReplaceFile gives a file new content, all or nothing: write fills a temporary
// file in the same directory, which then takes the place of the old one. If
// anything fails, or SIGINT, SIGTERM or SIGHUP ends the program, the old file is
// as it was and no other file is left behind. If SIGKILL ends it, or the machine fails,
// a hidden file may be left, which the next ReplaceFile for the same path removes. Mode, owner and extended attributes
// are those of the old file (but for signatures of its content: security.ima and
// security.evm); the time of modification is new. A symbolic link stays one, what
// it leads to is replaced. A hard link keeps the old content under its other
// names.
//
// If write writes what the file already holds, nothing is touched: changed is
// false, and inode and times are the old ones. A file that does not exist is
// created. What is not a regular file, such as /dev/stdout or a pipe, is written to
// directly.
//
// write gets a writer that implements io.ReaderFrom; with the error of write
// ReplaceFile fails.
func ReplaceFile(path string, write func(w io.Writer) error, opt ReplaceOptions) (changed bool, err error) {
	dest, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, createFile(path, write, opt)
	}
	if err != nil {
		return false, err
	}
	st, err := os.Stat(dest)
	if err != nil {
		return false, err
	}
	if st.IsDir() {
		return false, &fs.PathError{Op: "write", Path: path, Err: errors.New("is a directory")}
	}
	if !st.Mode().IsRegular() {
		return true, writeDirectly(path, write)
	}
	old, err := os.Open(dest)
	if err != nil {
		return false, err
	}
	defer old.Close()
	// Replacing needs only the directory to be writable; a file that is protected
	// from writing shall be refused as any other tool would.
	if err := writable(dest); err != nil {
		return false, err
	}
	tmp, err := newTemp(filepath.Dir(dest), filepath.Base(dest))
	if err != nil {
		return false, err
	}
	defer tmp.discard()
	w := &compareWriter{to: tmp.file, old: old, same: true}
	if err := write(w); err != nil {
		return false, err
	}
	if w.same && w.at == st.Size() {
		return false, nil
	}
	if err := w.flush(); err != nil {
		return false, err
	}
	if err := copyAttributes(tmp.file, old, st); err != nil {
		return false, fmt.Errorf("%s: cannot give the new file the attributes of the old one: %w", path, err)
	}
	if err := opt.ready(); err != nil {
		return false, err
	}
	return true, tmp.commit(dest, !opt.NoSync)
}

// createFile is ReplaceFile for a path at which there is nothing, or a symbolic
// link to nothing.
func createFile(path string, write func(w io.Writer) error, opt ReplaceOptions) error {
	dest, err := target(path)
	if err != nil {
		return err
	}
	perm := opt.Perm
	if perm == 0 {
		perm = 0o666
	}
	tmp, err := newTemp(filepath.Dir(dest), filepath.Base(dest))
	if err != nil {
		return err
	}
	defer tmp.discard()
	if err := write(tmp.file); err != nil {
		return err
	}
	if err := tmp.file.Chmod(perm &^ umask()); err != nil {
		return err
	}
	if err := opt.ready(); err != nil {
		return err
	}
	return tmp.commit(dest, !opt.NoSync)
}

// target follows a symbolic link that leads to nothing.
func target(path string) (string, error) {
	for range 40 { // MAXSYMLINKS
		link, err := os.Readlink(path)
		if err != nil {
			return path, nil // not a link, or nothing at all
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return "", &fs.PathError{Op: "write", Path: path, Err: errors.New("too many symbolic links")}
}

func writeDirectly(path string, write func(w io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// writable reports whether the file itself may be written to.
func writable(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// compareWriter writes to a file and holds what is written against an old one, as
// long as the two are equal; only from the first difference on is anything
// written.
type compareWriter struct {
	to   *os.File
	old  *os.File
	same bool
	at   int64 // bytes so far, if same
	buf  []byte
}

func (w *compareWriter) Write(p []byte) (int, error) {
	if !w.same {
		return w.to.Write(p)
	}
	if cap(w.buf) == 0 {
		w.buf = make([]byte, 1<<16)
	}
	for rest := p; len(rest) > 0; {
		n, err := w.old.ReadAt(w.buf[:min(len(rest), cap(w.buf))], w.at)
		if err != nil && err != io.EOF {
			return 0, err
		}
		if n == 0 || !bytes.Equal(w.buf[:n], rest[:n]) {
			if err := w.flush(); err != nil {
				return 0, err
			}
			k, err := w.to.Write(rest)
			return len(p) - len(rest) + k, err
		}
		w.at += int64(n)
		rest = rest[n:]
	}
	return len(p), nil
}

// ReadFrom lets the kernel copy between files once the new content is known to
// differ.
func (w *compareWriter) ReadFrom(r io.Reader) (int64, error) {
	if !w.same {
		return w.to.ReadFrom(r)
	}
	return io.Copy(writerOnly{w}, r)
}

type writerOnly struct{ io.Writer }

// flush writes the part that is equal, which has been held back.
func (w *compareWriter) flush() error {
	if !w.same {
		return nil
	}
	w.same = false
	_, err := io.Copy(w.to, io.NewSectionReader(w.old, 0, w.at))
	return err
}
