package kbuild

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// encoded makes a copy of a built demo.ko with BTF.
func encoded(t *testing.T, demo, to string, args ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	mustRun(t, nil, append(append([]string{program, "encode", "-o", to}, args...), demo)...)
}

// demo builds examples/kbuild without BTF.
func demo(t *testing.T, h headers) string {
	t.Helper()
	dir := source(t, "examples/kbuild")
	mustRun(t, nil, "make", "-C", h.dir, "M="+dir, "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules")
	return filepath.Join(dir, "demo.ko")
}

// system makes a root directory with a kernel.
func system(t *testing.T, release, image string) string {
	t.Helper()
	dir := plainDir(t)
	if err := os.MkdirAll(filepath.Join(dir, "boot"), 0o755); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "boot/vmlinuz-"+release), data, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func update(t *testing.T, root2, release string) string {
	t.Helper()
	return mustRun(t, []string{"MKBTF=" + program, "MKBTF_SYSROOT=" + root2}, filepath.Join(root, "examples/hooks/kernel-update"), release)
}

// olderKernel is the image of the point release before that of the headers.
func olderKernel(t *testing.T) string {
	t.Helper()
	return filepath.Join(script(t, "fetch-kernel.sh", "--update", "6.12", "amd64", "deb12", "2"), "vmlinuz")
}

// TestKernelUpdate installs a kernel, such as 6.12.117, below modules that were built for
// the point release before it.
func TestKernelUpdate(t *testing.T) {
	h := needHeaders(t)
	other := olderKernel(t)
	root := system(t, h.release, h.vmlinux())
	dir := filepath.Join(root, "lib/modules", h.release)
	ko := demo(t, h)
	fine := []string{"updates/dkms/self-contained.ko", "extra/split.ko"}
	encoded(t, ko, filepath.Join(dir, fine[0]), "--form", "self-contained")
	encoded(t, ko, filepath.Join(dir, fine[1]), "--form", "split", "-b", h.vmlinux())
	again, lost := filepath.Join(dir, "extra/with-dwarf.ko"), filepath.Join(dir, "updates/dkms/stripped.ko")
	encoded(t, ko, again, "--form", "split", "-b", other)
	encoded(t, ko, lost, "--form", "split", "-b", other)
	mustRun(t, nil, "strip", "-g", lost)
	elsewhere := filepath.Join(root, "lib/modules/other/extra/linked.ko")
	encoded(t, ko, elsewhere, "--form", "split", "-b", other)
	if err := os.MkdirAll(filepath.Join(dir, "weak-updates"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(dir, "weak-updates/linked.ko")); err != nil {
		t.Fatal(err)
	}
	before := map[string]string{}
	for _, f := range append([]string{lost, elsewhere}, filepath.Join(dir, fine[0]), filepath.Join(dir, fine[1])) {
		before[f] = readFile(t, f)
	}
	out := update(t, root, h.release)
	for f, text := range before {
		if readFile(t, f) != text {
			t.Errorf("%s was changed", f)
		}
	}
	if v := state(t, h, again); v.Outcome != "loads" {
		t.Errorf("the module with DWARF: %s", v.Line())
	}
	if !strings.Contains(out, again+": its BTF is now for this kernel") || !strings.Contains(out, lost+": "+h.release+": ") || strings.Count(out, "\n") != 2 {
		t.Errorf("the report:\n%s", out)
	}
	if out := update(t, root, h.release); strings.Contains(out, again) {
		t.Errorf("the second report:\n%s", out)
	}
	if out := update(t, root, "absent"); out != "" {
		t.Errorf("no modules: %s", out)
	}
}

// TestKernelUpdateRelocates installs a kernel that cannot relocate BTF itself.
func TestKernelUpdateRelocates(t *testing.T) {
	h := needHeaders(t)
	old := script(t, "fetch-kernel.sh", "6.1", "amd64")
	release := strings.TrimSpace(readFile(t, filepath.Join(old, "release")))
	root := system(t, release, filepath.Join(old, "vmlinuz"))
	ko := filepath.Join(root, "lib/modules", release, "extra/demo.ko")
	encoded(t, demo(t, h), ko, "--form", "self-contained")
	mustRun(t, nil, "strip", "-g", ko)
	out := update(t, root, release)
	if !strings.Contains(out, ko+": its BTF is now for this kernel") {
		t.Errorf("the report:\n%s", out)
	}
	check := mustRun(t, nil, program, "check", "--sysroot", root, "-k", release, ko)
	if !strings.Contains(check, "loads") || sections(t, ko, ".BTF.base")[0] != nil {
		t.Errorf("check says %s", check)
	}
}

// TestHooksNeverFail runs the hooks where nothing is installed, and with what
// kernel-install also calls them with.
func TestHooksNeverFail(t *testing.T) {
	needHeaders(t)
	for _, args := range [][]string{{"00-mkbtf", "6.1.0"}, {"00-mkbtf"}, {"39-mkbtf.install", "add", "6.1.0", "/boot/x"}, {"39-mkbtf.install", "remove", "6.1.0"}, {"kernel-update"}, {"kernel-update", "6.1.0"}} {
		if out, err := command(t, []string{"PATH=/usr/bin:/bin"}, append([]string{filepath.Join(root, "examples/hooks", args[0])}, args[1:]...)...); err != nil || out != "" {
			t.Errorf("%q: %v %s", args, err, out)
		}
	}
}

// TestStrip runs what packages are stripped with, as docs/packaging.md has it.
func TestStrip(t *testing.T) {
	needHeaders(t)
	ko := filepath.Join(plainDir(t), "hello.ko")
	mustRun(t, nil, program, "encode", "--form", "self-contained", "-o", ko, filepath.Join(root, "testdata/hello.ko"))
	macros := filepath.Join(root, "examples/rpm/macros.mkbtf")
	keep := []string{"--keep-section", ".BTF", "--keep-section", ".BTF.base", "--keep-section", ".note.mkbtf"}
	if _, err := exec.LookPath("rpm"); err == nil {
		keep = strings.Fields(mustRun(t, nil, "rpm", "--macros="+macros, "--eval", "%{mkbtf_keep_sections}"))
		got := strings.TrimSpace(mustRun(t, nil, "rpm", "--macros="+macros, "--define", "mkbtf_form split", "--eval", "%mkbtf_encode 6.12.1 /x"))
		if want := "find /x -type f -name '*.ko' -exec mkbtf encode --kernel 6.12.1 --form split {} +"; got != want {
			t.Errorf("%%mkbtf_encode: got %s, want %s", got, want)
		}
	} else {
		t.Log("rpm is not installed: its macros are taken for read")
	}
	want := sections(t, ko, ".BTF", ".BTF.base")
	for _, tt := range []struct {
		command   []string
		btf, base bool // what is left
	}{
		{[]string{"strip", "-g"}, true, true},
		{[]string{"strip", "--strip-unneeded"}, true, true},
		{[]string{"strip", "-s"}, true, true},
		{[]string{"objcopy", "--strip-debug"}, true, true},
		{[]string{"llvm-strip-14", "-g"}, true, true},
		{[]string{"llvm-strip-14", "--strip-unneeded"}, true, true},
		{[]string{"llvm-strip-14", "-s"}, false, false},
		{[]string{"eu-strip", "-g"}, true, true},
		{[]string{"eu-strip"}, false, false},
		{[]string{"eu-strip", "--keep-section", ".BTF"}, true, false},
		{append([]string{"eu-strip"}, keep...), true, true},
		{[]string{"eu-strip", "--keep-section=.BTF*"}, true, true},
	} {
		t.Run(strings.Join(tt.command, " "), func(t *testing.T) {
			if _, err := exec.LookPath(tt.command[0]); err != nil {
				t.Skipf("%s is not installed", tt.command[0])
			}
			stripped := filepath.Join(plainDir(t), "hello.ko")
			if err := os.WriteFile(stripped, []byte(readFile(t, ko)), 0o644); err != nil {
				t.Fatal(err)
			}
			mustRun(t, nil, append(tt.command, stripped)...)
			got := sections(t, stripped, ".BTF", ".BTF.base")
			if has := bytes.Equal(got[0], want[0]); has != tt.btf {
				t.Errorf(".BTF is left: %v", has)
			}
			if has := bytes.Equal(got[1], want[1]); has != tt.base {
				t.Errorf(".BTF.base is left: %v", has)
			}
		})
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
