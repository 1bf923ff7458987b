package object

import (
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
)

// largestRead bounds what is read from something that cannot be mapped and does
// not tell its size truly, such as a pipe.
const largestRead = 16 << 30

// mapFile maps a regular file or reads anything else to its end: pipes, sysfs
// files (whose size is rounded up to a page or 0), files on systems that cannot
// map.
func mapFile(path string) (data []byte, unmap func() error, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if st.IsDir() {
		return nil, nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("is a directory")}
	}
	if st.Mode().IsRegular() && st.Size() > 0 && st.Size() <= math.MaxInt && !onPseudoFS(f) {
		if data, unmap, err = mapping(f, st.Size()); err == nil {
			return data, unmap, nil
		}
	}
	if data, err = readWhole(f); err != nil {
		return nil, nil, err
	}
	return data, func() error { return nil }, nil
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
