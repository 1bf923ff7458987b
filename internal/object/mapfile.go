package object

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
)

// largestRead bounds what is read from something that cannot be mapped and does
// not tell its size truly, such as a pipe.
const largestRead = 16 << 30

// mapped is the content of an open file.
type mapped struct {
	data  []byte
	file  *os.File
	unmap func() error // nil if the content was read
}

func (m *mapped) close() error {
	err := m.file.Close()
	if m.unmap != nil {
		err = errors.Join(m.unmap(), err)
	}
	return err
}

// mapFile maps a regular file or reads anything else to its end: pipes, sysfs
// files (whose size is rounded up to a page or 0), files on systems that cannot
// map.
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

func (m *mapped) load() error {
	st, err := m.file.Stat()
	if err != nil {
		return err
	}
	if st.IsDir() {
		return &fs.PathError{Op: "read", Path: m.file.Name(), Err: errors.New("is a directory")}
	}
	if st.Mode().IsRegular() && st.Size() > 0 && st.Size() <= math.MaxInt && !onPseudoFS(m.file) {
		if m.data, m.unmap, err = mapping(m.file, st.Size()); err == nil {
			return nil
		}
	}
	m.data, err = readWhole(m.file)
	return err
}

// readWhole reads to the end of the file whatever its size claims to be.
func readWhole(f *os.File) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, largestRead+1))
	if err != nil {
		return nil, err
	}
	if len(data) > largestRead {
		return nil, &fs.PathError{Op: "read", Path: f.Name(), Err: fmt.Errorf("more than %d bytes", int64(largestRead))}
	}
	return data, nil
}
