package jobserver

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// linuxPipe is both ends of the jobserver's pipe, not blocking.
type linuxPipe struct{ read, write int }

// open opens the pipe anew. Setting O_NONBLOCK on the inherited ends would set it
// for make and all its children too, which share them.
func open(a auth) pipe {
	const flags = unix.O_NONBLOCK | unix.O_CLOEXEC
	var (
		p   linuxPipe
		err error
	)
	if a.fifo != "" {
		if !isPipe(func(st *unix.Stat_t) error { return unix.Stat(a.fifo, st) }) {
			return nil
		}
		p.read, err = unix.Open(a.fifo, unix.O_RDWR|flags, 0)
		p.write = p.read
		if err != nil {
			return nil
		}
		return p
	}
	for _, fd := range []int{a.read, a.write} {
		// an unrelated file can have the number if make has not passed the pipe on
		if fd < 0 || !isPipe(func(st *unix.Stat_t) error { return unix.Fstat(fd, st) }) {
			return nil
		}
	}
	if p.read, err = unix.Open(fmt.Sprintf("/proc/self/fd/%d", a.read), unix.O_RDONLY|flags, 0); err != nil {
		return nil
	}
	if p.write, err = unix.Open(fmt.Sprintf("/proc/self/fd/%d", a.write), unix.O_WRONLY|flags, 0); err != nil {
		_ = unix.Close(p.read)
		return nil
	}
	return p
}

func isPipe(stat func(*unix.Stat_t) error) bool {
	var st unix.Stat_t
	return stat(&st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}

func (p linuxPipe) take() (byte, bool) {
	var b [1]byte
	for {
		n, err := unix.Read(p.read, b[:])
		if err != unix.EINTR {
			return b[0], n == 1 && err == nil
		}
	}
}

func (p linuxPipe) give(tokens []byte) {
	for len(tokens) > 0 {
		n, err := unix.Write(p.write, tokens)
		if err != nil && err != unix.EINTR {
			return // the pipe holds every token there is, so it is never full: make is gone
		}
		tokens = tokens[max(n, 0):]
	}
}

func (p linuxPipe) close() {
	_ = unix.Close(p.read)
	if p.write != p.read {
		_ = unix.Close(p.write)
	}
}
