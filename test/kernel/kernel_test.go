package kernel

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/object"
)

const root = "../.."

// A kernel is a directory that scripts/fetch-kernel.sh has filled.
type kernel struct {
	dir string
}

func (k kernel) image() string   { return filepath.Join(k.dir, "vmlinuz") }
func (k kernel) vmlinux() string { return filepath.Join(k.dir, "debug/vmlinux") }
func (k kernel) modules() string { return filepath.Join(k.dir, "debug/modules") + "/" }

// needKernel fetches a kernel, or skips the test where that is impossible.
func needKernel(t *testing.T, args ...string) kernel {
	t.Helper()
	if os.Getenv("MKBTF_KERNEL_TESTS") == "" {
		t.Skip("MKBTF_KERNEL_TESTS is not set: make test-kernel sets it")
	}
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("needs apt-get to fetch Debian kernels")
	}
	cmd := exec.Command(filepath.Join(root, "scripts/fetch-kernel.sh"), args...)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("fetch-kernel.sh %s: %v\n%s", strings.Join(args, " "), err, messages.Bytes())
	}
	return kernel{strings.TrimSpace(string(out))}
}

// needDebug fetches the kernel that hello.ko is built for, or its successor of
// the same series, with its modules complete.
func needDebug(t *testing.T) kernel {
	t.Helper()
	return needKernel(t, "--debug", "6.12", "cloud-amd64", "deb12")
}

// base reads the kernel's BTF, once for all tests.
func (k kernel) base(t *testing.T) *btf.Blob {
	t.Helper()
	basesLock.Lock()
	defer basesLock.Unlock()
	if b := bases[k.dir]; b != nil {
		return b
	}
	data, err := object.LoadBTF(k.vmlinux())
	if err != nil {
		t.Fatal(err)
	}
	b, err := btf.Parse(data.BTF, nil)
	if err != nil {
		t.Fatal(err)
	}
	bases[k.dir] = b
	return b
}

var (
	bases     = map[string]*btf.Blob{}
	basesLock sync.Mutex
)

var program string // of TestMain

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Getenv("MKBTF_KERNEL_TESTS") != "" {
		dir, err := os.MkdirTemp("", "mkbtf-kernel-test")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "mkbtf")
		cmd := exec.Command("go", "build", "-o", program, "./cmd/mkbtf")
		cmd.Dir, cmd.Stderr = root, os.Stderr
		if err := cmd.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "go build ./cmd/mkbtf:", err)
			return 1
		}
	}
	return m.Run()
}

// mkbtf runs the program and fails the test if it does.
func mkbtf(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("mkbtf %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
