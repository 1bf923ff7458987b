//go:build unix

package object

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapping maps a file of a known size. A file system that cannot map gives an
// error.
func mapping(f *os.File, size int64) (data []byte, unmap func() error, err error) {
	data, err = unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return data, func() error { return unix.Munmap(data) }, nil
}

// dropPages takes pages out of memory; they are read again when they are touched.
// That it fails does no harm.
func dropPages(pages []byte) {
	_ = unix.Madvise(pages, unix.MADV_DONTNEED)
}
