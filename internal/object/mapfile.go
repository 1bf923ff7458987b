package object

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync/atomic"

	"mkbtf/internal/elfhdr"
)

// Bounds on files, in bytes: ELF files; others, which are read into memory: BTF, boot
// images and compressed modules; and what comes through a pipe.
const (
	largestELF  = 8 << 30 // a vmlinux with its DWARF has less than 1
	largestRead = 1 << 30
	LargestPipe = 4 << 30
)

// mapped is the content of an open file.
type mapped struct {
	data  []byte
	file  *os.File
	st    fs.FileInfo  // when it was opened
	unmap func() error // nil if the content was read

	faulted atomic.Bool // a part of the mapping could not be read
}

// itself is m as guard wants it.
func (m *mapped) itself() []*mapped { return []*mapped{m} }

func (m *mapped) close() error {
	err := m.file.Close()
	if m.unmap != nil {
		err = errors.Join(m.unmap(), err)
	}
	return err
}

// mapFile maps a regular ELF file or reads anything else to its end: files that are
// small or will be unpacked, pipes, sysfs files (whose size is rounded up to a page or
// 0), files on systems that cannot map. A mapping must only be read within guard.
func mapFile(path string) (*mapped, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	m := &mapped{file: f}
	if err := m.load(); err != nil {
		f.Close()
		return nil, err
	}
	return m, nil
}

func (m *mapped) load() (err error) {
	if m.st, err = m.file.Stat(); err != nil {
		return err
	}
	mode := m.st.Mode()
	switch {
	case mode.IsDir():
		return m.errorf("is a directory")
	case mode&fs.ModeDevice != 0:
		return m.errorf("is a device, not a file")
	case !mode.IsRegular() || onPseudoFS(m.file):
		m.data, err = ReadLimited(m.file, m.file.Name(), LargestPipe)
		return err
	}
	size := m.st.Size()
	if size > 0 && size <= math.MaxInt && m.isELF() {
		if size > largestELF {
			return fmt.Errorf("%s: %d bytes, too large for a module or a kernel: %w", m.file.Name(), size, ErrFormat)
		}
		if m.data, m.unmap, err = mapping(m.file, size); err == nil {
			return nil
		}
	}
	if size > largestRead {
		return fmt.Errorf("%s: %d bytes, too large for BTF, a boot image or a compressed module: %w", m.file.Name(), size, ErrFormat)
	}
	m.data, err = readSized(m.file, size)
	return err
}

func (m *mapped) isELF() bool {
	var magic [4]byte
	_, err := m.file.ReadAt(magic[:], 0)
	return err == nil && elfhdr.IsELF(magic[:])
}

func (m *mapped) errorf(format string, args ...any) error {
	return &fs.PathError{Op: "read", Path: m.file.Name(), Err: fmt.Errorf(format, args...)}
}

// readSized reads a file that is known to have size bytes, and what has been added to
// it since.
func readSized(f *os.File, size int64) ([]byte, error) {
	data := make([]byte, size)
	n, err := io.ReadFull(f, data)
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return data[:n], nil
	case err != nil:
		return nil, err
	}
	more, err := ReadLimited(f, f.Name(), largestRead)
	return append(data, more...), err
}

// ReadLimited reads to the end of r, which must not lie behind limit bytes.
func ReadLimited(r io.Reader, name string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("more than %d bytes", limit)}
	}
	return data, nil
}
