package object

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"unsafe"
)

// Errors about what others do to a file in the meantime. ErrChanged: it was written to
// while it was read. ErrReplaced: there is another one at its path.
var (
	ErrChanged  = errors.New("changed while it was read: run again when nothing else writes to it")
	ErrReplaced = errors.New("another program has replaced the file in the meantime: run again")
)

// Edit opens a file and runs do within Guard. If do fails with ErrReplaced, it is begun
// again with the file that is there now, some times.
func Edit(path string, do func(f *File) error) error {
	for again := 2; ; again-- {
		f, err := Open(path)
		if err != nil {
			return err
		}
		err = f.Guard(func() error { return do(f) })
		f.Close()
		if again == 0 || !errors.Is(err, ErrReplaced) {
			return err
		}
	}
}

// Guard runs do, which reads the file. Files are mapped: a page that somebody has cut
// off or that the disk cannot deliver is a fault in the middle of whatever reads it,
// and a number may be another than when it was checked. Guard makes an error of that,
// ErrChanged if the file has changed; that costs nothing while do runs. It holds for the goroutine that calls it: each one that reads the file needs
// its own.
func (f *File) Guard(do func() error) error { return guard(f.mappings, do) }

// Beside makes Guard answer for d as well, and Changed look at the file that it lies in.
func (f *File) Beside(d *BTFData) { f.beside = d }

// mappings are those of the file, of its debug file and of what stands beside it.
func (f *File) mappings() (list []*mapped) {
	for _, g := range []*File{f, f.debug} {
		if g != nil && g.disk != nil {
			list = append(list, g.disk)
		}
	}
	if f.beside != nil {
		list = append(list, f.beside.mappings()...)
	}
	return list
}

// Changed returns ErrChanged if the file, its debug file, or what stands beside it, is not
// what it was when it was opened.
func (f *File) Changed() error { return changed(f.mappings()) }

func changed(list []*mapped) error {
	for _, m := range list {
		if err := m.changed(); err != nil {
			return err
		}
	}
	return nil
}

// Current returns ErrReplaced if the path of the file leads to another one now, or
// ErrChanged.
func (f *File) Current() error {
	if f.disk != nil {
		if now, err := os.Stat(f.Name); err != nil || !os.SameFile(now, f.disk.st) {
			return fmt.Errorf("%s: %w", f.Name, ErrReplaced)
		}
	}
	return f.Changed()
}

// Regular reports whether the file is one on disk that can be replaced, not a pipe.
func (f *File) Regular() bool { return f.disk == nil || f.disk.st.Mode().IsRegular() }

// guard runs do. Which mappings it reads is asked when it has failed.
func guard(mappings func() []*mapped, do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if err = explain(mappings(), r); err == nil {
				panic(r)
			}
		} else if err != nil && !errors.Is(err, ErrChanged) {
			if c := changed(mappings()); c != nil {
				err = fmt.Errorf("%w (%v)", c, err)
			}
		}
	}()
	return do()
}

// explain makes an error of a panic that a file is to blame for, nil of others.
func explain(list []*mapped, r any) error {
	err, ok := r.(runtime.Error)
	if !ok {
		return nil
	}
	for _, m := range list {
		off, inside := m.offset(err)
		if inside {
			m.faulted.Store(true)
		}
		if c := m.changed(); c != nil {
			return c
		}
		switch {
		case inside:
			return fmt.Errorf("%s: cannot be read at %#x: the disk or the file system fails", m.file.Name(), off)
		case m.faulted.Load():
			// What another goroutine could not finish.
			return fmt.Errorf("%s: cannot be read: the disk or the file system fails", m.file.Name())
		}
	}
	return nil
}

// offset is where in the file a fault was, if it was there.
func (m *mapped) offset(err runtime.Error) (uint64, bool) {
	fault, ok := err.(interface{ Addr() uintptr })
	if !ok || len(m.data) == 0 || m.unmap == nil {
		return 0, false
	}
	off := fault.Addr() - uintptr(unsafe.Pointer(&m.data[0]))
	return uint64(off), off < uintptr(len(m.data))
}

// changed returns ErrChanged, and how, if the file is not as it was when it was
// opened.
func (m *mapped) changed() error {
	if m == nil || !m.st.Mode().IsRegular() {
		return nil
	}
	now, err := m.file.Stat()
	switch {
	case err != nil:
		return nil
	case now.Size() != m.st.Size():
		return fmt.Errorf("%s: had %d bytes and has %d now: %w", m.file.Name(), m.st.Size(), now.Size(), ErrChanged)
	case !now.ModTime().Equal(m.st.ModTime()):
		return fmt.Errorf("%s: was written to: %w", m.file.Name(), ErrChanged)
	}
	return nil
}
