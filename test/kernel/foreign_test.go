package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/internal/object"
)

// foreign are kernels for other machines, each in the wrapping that is usual there.
// Debian has the images of 7.x apart from the modules, 10 MB each.
var foreign = []struct {
	arch, flavour string
	from          string // how the BTF is found; "" if the kernel is built without BTF
	without       string // then: the wrapping
}{
	{"arm64", "arm64", "found at ", ""},
	{"ppc64el", "powerpc64le", "section .BTF", ""},
	{"riscv64", "riscv64", "found at ", ""},
	{"s390x", "s390x", "s390 bzImage, zstd, found at ", ""},
	{"armhf", "armmp", "", "zImage, xz"},
	{"loong64", "loong64", "", "EFI zboot, zstd"},
}

// TestForeignImages takes the BTF out of boot images for other machines, as a user
// does who has unpacked the package in a directory. It is that which the package of
// the kernel's headers has, and that of the debug package's vmlinux if somebody has
// fetched it (fetch-kernel.sh --arch ARCH --debug-vmlinux 7 FLAVOUR). Kernels that are
// built without BTF are recognised as such.
func TestForeignImages(t *testing.T) {
	for _, tt := range foreign {
		t.Run(tt.arch, func(t *testing.T) {
			k := needKernel(t, "--arch", tt.arch+"/sid", "--image", "--headers", "7", tt.flavour)
			release := k.release(t)
			out := filepath.Join(t.TempDir(), "btf")
			cmd := exec.Command(program, "base", "-v", "-k", release, "--sysroot", imageOnly(t, k), "-o", out)
			said, err := cmd.CombinedOutput()
			if tt.from == "" {
				want := "the kernel " + release + " in it (" + tt.without + ") was built without CONFIG_DEBUG_INFO_BTF: no BTF in it"
				if err == nil || !strings.Contains(string(said), want) {
					t.Errorf("%v, want %q in\n%s", err, want, said)
				}
				return
			}
			if err != nil || !strings.Contains(string(said), "(boot image: "+tt.from) {
				t.Fatalf("%v, want %q in\n%s", err, tt.from, said)
			}
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			others := []string{filepath.Join(k.dir, "headers/vmlinux")}
			if _, err := os.Stat(k.vmlinux()); err == nil {
				others = append(others, k.vmlinux())
			}
			for _, other := range others {
				want, err := object.LoadBTF(other)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want.BTF) {
					t.Errorf("%d bytes in the image, %d others in %s", len(got), len(want.BTF), other)
				}
			}
		})
	}
}

// release is what the kernel calls itself.
func (k kernel) release(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(k.dir, "release"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// imageOnly is a system that has the kernel's boot image and nothing else of it.
func imageOnly(t *testing.T, k kernel) string {
	t.Helper()
	image, err := filepath.EvalSymlinks(k.image())
	if err != nil {
		t.Fatal(err)
	}
	base, err := filepath.EvalSymlinks(filepath.Join(k.dir, "root"))
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Rel(base, image)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	copyFile(t, image, filepath.Join(dir, below))
	return dir
}
