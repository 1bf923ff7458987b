//go:build linux

package verify

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// loadAttr is the part of union bpf_attr that BPF_BTF_LOAD reads.
type loadAttr struct {
	btf, log                   uint64
	btfSize, logSize, logLevel uint32
	_                          uint32
}

// ErrNotPermitted says that the running kernel does not let this process load BTF:
// it takes CAP_BPF and a kernel with CONFIG_BPF_SYSCALL.
var ErrNotPermitted = errors.New("loading BTF is not permitted")

const maxLog = 64 << 20 // bytes; beyond that the log is given up

// KernelLoad hands a blob to the running kernel with BPF_BTF_LOAD and drops it
// again. If the kernel refuses it, log is what its verifier has to say, which ends
// in the reason, and err wraps the errno (a syscall.Errno), or ErrNotPermitted. For
// a blob that the kernel takes no log is made.
func KernelLoad(blob []byte) (log string, err error) {
	no := bpfLoad(blob, nil)
	switch {
	case no == 0:
		return "", nil
	case no == unix.EPERM, no == unix.ENOSYS:
		return "", fmt.Errorf("%w: %w", ErrNotPermitted, no)
	}
	err = fmt.Errorf("BPF_BTF_LOAD: %w", no)
	for size := 64 << 10; size <= maxLog; size *= 4 {
		buf := make([]byte, size)
		again := bpfLoad(blob, buf)
		if again == unix.ENOSPC {
			continue
		}
		s, _, _ := strings.Cut(string(buf), "\x00")
		return s, err
	}
	return "", err
}

// bpfLoad makes the system call, with a log if there is a buffer for it.
func bpfLoad(blob, log []byte) unix.Errno {
	a := loadAttr{btfSize: uint32(len(blob))}
	var pin runtime.Pinner
	defer pin.Unpin()
	if len(blob) > 0 {
		pin.Pin(&blob[0])
		a.btf = uint64(uintptr(unsafe.Pointer(&blob[0])))
	}
	if len(log) > 0 {
		pin.Pin(&log[0])
		a.log, a.logSize, a.logLevel = uint64(uintptr(unsafe.Pointer(&log[0]))), uint32(len(log)), 1
	}
	fd, _, no := unix.Syscall(unix.SYS_BPF, unix.BPF_BTF_LOAD, uintptr(unsafe.Pointer(&a)), unsafe.Sizeof(a))
	if no == 0 {
		_ = unix.Close(int(fd))
	}
	return no
}
