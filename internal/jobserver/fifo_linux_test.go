package jobserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// fifo makes a named pipe with tokens in it, as GNU make 4.4 does.
func fifo(t *testing.T, tokens string) (path string, left func() string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if _, err := unix.Write(fd, []byte(tokens)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MAKEFLAGS", " -j --jobserver-auth=fifo:"+path)
	return path, func() string {
		b := make([]byte, 64)
		n, _ := unix.Read(fd, b)
		return string(b[:max(n, 0)])
	}
}

func TestFifo(t *testing.T) {
	_, left := fifo(t, "abc")
	first := Acquire(3)
	second := Acquire(8)
	third := Acquire(8)
	if first.Jobs != 3 || second.Jobs != 2 || third.Jobs != 1 {
		t.Errorf("jobs %d, %d, %d, want 3, 2, 1", first.Jobs, second.Jobs, third.Jobs)
	}
	if s := left(); s != "" {
		t.Errorf("tokens left: %q", s)
	}
	for range 2 {
		second.Release()
		third.Release()
		first.Release()
	}
	if s := left(); s != "cab" {
		t.Errorf("given back: %q, want the very tokens that were taken, each once", s)
	}
}

// TestSignal ends a program that holds tokens.
func TestSignal(t *testing.T) {
	if os.Getenv("MKBTF_TEST_SIGNAL") != "" {
		Acquire(4)
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		select {} // the signal ends this
	}
	_, left := fifo(t, "abc")
	cmd := exec.Command(os.Args[0], "-test.run=^TestSignal$")
	cmd.Env = append(os.Environ(), "MKBTF_TEST_SIGNAL=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("the program ended with %v\n%s", err, out)
	}
	if s := left(); s != "abc" {
		t.Errorf("given back: %q, want all", s)
	}
}
