//go:build linux && amd64

package faults

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ptraceSyscallInfo is PTRACE_GET_SYSCALL_INFO, and the values of op (ptrace(2)).
const (
	ptraceSyscallInfo = 0x420e
	opEntry           = 1
	opExit            = 2
)

// ptraceOExitKill ends the traced process with its tracer.
const ptraceOExitKill = 0x100000

// syscallInfo is what of struct ptrace_syscall_info counts here.
type syscallInfo struct {
	op   uint8
	nr   uint64 // at the entry, like args
	args [6]uint64
}

// Size of the struct, and offsets in it.
const (
	syscallInfoLen = 88
	syscallInfoNr  = 24
)

// call is a system call that the program is about to make.
type call struct {
	n    int // counted from the first one on
	name string
	nr   uint64
	args [6]uint64
	// phase counts the calls since the program began to write: from the one that makes
	// the temporary file on; 0 before it.
	phase int
}

// action is what becomes of a call.
type action struct {
	kill  bool
	errno syscall.Errno // fail with it instead of being made
}

// quiet are calls that the Go runtime makes at any time and that do nothing to files.
var quiet = []uint64{
	unix.SYS_FUTEX, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EVENTFD2,
	unix.SYS_SCHED_YIELD, unix.SYS_MADVISE, unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_RT_SIGPROCMASK, unix.SYS_SIGALTSTACK, unix.SYS_TGKILL,
	unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_RT_SIGRETURN, unix.SYS_RT_SIGACTION, unix.SYS_CLONE3, unix.SYS_CLONE, unix.SYS_EXIT, unix.SYS_EXIT_GROUP, unix.SYS_TIMER_SETTIME,
	unix.SYS_RSEQ, unix.SYS_SET_ROBUST_LIST, unix.SYS_SCHED_GETAFFINITY, unix.SYS_RESTART_SYSCALL, unix.SYS_PRCTL, unix.SYS_GETRANDOM, unix.SYS_MINCORE,
}

// names are those of the calls that occur while writing.
var names = map[uint64]string{
	unix.SYS_OPENAT: "openat", unix.SYS_CLOSE: "close", unix.SYS_READ: "read", unix.SYS_PREAD64: "pread64", unix.SYS_WRITE: "write", unix.SYS_COPY_FILE_RANGE: "copy_file_range",
	unix.SYS_FCNTL: "fcntl", unix.SYS_FSTAT: "fstat", unix.SYS_NEWFSTATAT: "newfstatat", unix.SYS_LSEEK: "lseek", unix.SYS_FCHMOD: "fchmod", unix.SYS_FCHOWN: "fchown",
	unix.SYS_FLISTXATTR: "flistxattr", unix.SYS_FGETXATTR: "fgetxattr", unix.SYS_FSETXATTR: "fsetxattr", unix.SYS_FSYNC: "fsync", unix.SYS_LINKAT: "linkat", unix.SYS_RENAMEAT: "renameat",
	unix.SYS_RENAMEAT2: "renameat2", unix.SYS_RENAME: "rename", unix.SYS_UNLINKAT: "unlinkat", unix.SYS_FLOCK: "flock", unix.SYS_GETDENTS64: "getdents64", unix.SYS_READLINKAT: "readlinkat",
	unix.SYS_SPLICE: "splice", unix.SYS_SENDFILE: "sendfile", unix.SYS_PIPE2: "pipe2", unix.SYS_FSTATFS: "fstatfs", unix.SYS_KILL: "kill", unix.SYS_STATX: "statx", unix.SYS_PRLIMIT64: "prlimit64",
}

// trace runs the program and asks at each call that matters what to do with it.
func trace(t *testing.T, decide func(c call) action, args ...string) result {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var stderr bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stderr = &stderr
	cmd.Env = append(cmd.Environ(), "GOMAXPROCS=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Skipf("cannot trace: %v", err)
	}
	pid := cmd.Process.Pid
	tr := &tracer{decide: decide, pid: pid, pending: map[int]syscall.Errno{}}
	status, err := tr.loop()
	if err != nil {
		cmd.Process.Kill()
		t.Fatalf("trace: %v", err)
	}
	cmd.Wait() // it has been waited for: this ends the copying of its output
	if status.Signaled() {
		return result{-1, status.Signal().String()}
	}
	return result{status.ExitStatus(), stderr.String()}
}

type tracer struct {
	decide   func(call) action
	pid      int
	n, phase int
	pending  map[int]syscall.Errno // by thread: what its call returns instead of being made
}

// loop goes on until the program ends.
func (tr *tracer) loop() (unix.WaitStatus, error) {
	var ws unix.WaitStatus
	if _, err := unix.Wait4(tr.pid, &ws, 0, nil); err != nil {
		return 0, err
	}
	options := unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | ptraceOExitKill
	if err := unix.PtraceSetOptions(tr.pid, options); err != nil {
		return 0, err
	}
	if err := unix.PtraceSyscall(tr.pid, 0); err != nil {
		return 0, err
	}
	for {
		tid, err := unix.Wait4(-tr.pid, &ws, unix.WALL, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, err
		case ws.Exited() || ws.Signaled():
			if tid == tr.pid {
				return ws, nil
			}
			continue
		}
		sig := 0
		switch s := ws.StopSignal(); s {
		case unix.SIGTRAP | 0x80:
			if err := tr.syscall(tid); err != nil && err != unix.ESRCH {
				return 0, err
			}
		case unix.SIGTRAP, unix.SIGSTOP: // a new thread
		default:
			sig = int(s)
		}
		if err := unix.PtraceSyscall(tid, sig); err != nil && err != unix.ESRCH {
			return 0, err
		}
	}
}

// syscall handles the entry or the exit of a call.
func (tr *tracer) syscall(tid int) error {
	var raw [syscallInfoLen]byte
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, ptraceSyscallInfo, uintptr(tid), syscallInfoLen, uintptr(unsafe.Pointer(&raw)), 0, 0); errno != 0 {
		return errno
	}
	var info syscallInfo
	info.op, info.nr = raw[0], binary.LittleEndian.Uint64(raw[syscallInfoNr:])
	for i := range info.args {
		info.args[i] = binary.LittleEndian.Uint64(raw[syscallInfoNr+8+8*i:])
	}
	if info.op == opExit {
		errno, ok := tr.pending[tid]
		if !ok {
			return nil
		}
		delete(tr.pending, tid)
		return tr.patch(tid, func(r *unix.PtraceRegs) { r.Rax = uint64(-int64(errno)) })
	}
	if info.op != opEntry || slices.Contains(quiet, info.nr) {
		return nil
	}
	if tr.phase > 0 || isTemporary(info) {
		tr.phase++
	}
	c := call{tr.n, names[info.nr], info.nr, info.args, tr.phase}
	if c.name == "" {
		c.name = fmt.Sprintf("number %d", info.nr)
	}
	tr.n++
	switch do := tr.decide(c); {
	case do.kill:
		return unix.Kill(tr.pid, unix.SIGKILL)
	case do.errno != 0:
		tr.pending[tid] = do.errno
		return tr.patch(tid, func(r *unix.PtraceRegs) { r.Orig_rax = ^uint64(0) })
	}
	return nil
}

// isTemporary reports whether a call makes the temporary file.
func isTemporary(info syscallInfo) bool {
	flags := info.args[2]
	return info.nr == unix.SYS_OPENAT && (flags&unix.O_TMPFILE == unix.O_TMPFILE || flags&(unix.O_CREAT|unix.O_EXCL) == unix.O_CREAT|unix.O_EXCL)
}

func (tr *tracer) patch(tid int, change func(*unix.PtraceRegs)) error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return err
	}
	change(&regs)
	return unix.PtraceSetRegs(tid, &regs)
}
