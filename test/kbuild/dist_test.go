package kbuild

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// dist builds what is released for two architectures from a source tree, and returns
// the content of the files. The version is 1.2.3-4-gabc1234, of a day in 2024.
func dist(t *testing.T, tree string, env ...string) map[string][]byte {
	t.Helper()
	out := filepath.Join(plainDir(t), "dist")
	env = append([]string{"VERSION=v1.2.3-4-gabc1234", "SOURCE_DATE_EPOCH=1720000000"}, env...)
	mustRun(t, env, filepath.Join(tree, "scripts/dist.sh"), "-o", out, "amd64", "386")
	files := map[string][]byte{}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		files[e.Name()] = []byte(readFile(t, filepath.Join(out, e.Name())))
	}
	return files
}

// copyTree copies this source tree, with what is not committed and without git.
func copyTree(t *testing.T, to string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		t.Skip("this tree is not git's: what is in it beside the source cannot be told")
	}
	mustRun(t, nil, "sh", "-ec", `cd "$0" && mkdir "$1" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$1"`, root, to)
}

func needTools(t *testing.T, commands ...string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("releases are built on Linux")
	}
	for _, c := range commands {
		if _, err := exec.LookPath(c); err != nil {
			t.Skipf("needs %s", c)
		}
	}
}

// TestDist builds a release twice: here, and from a copy of the tree without git in
// another place, in another environment. All bytes are the same.
func TestDist(t *testing.T) {
	needTools(t, "bash", "git", "realpath", "sha256sum")
	got := dist(t, root)
	t.Run("checksums", func(t *testing.T) {
		var want strings.Builder
		for _, name := range slices.Sorted(maps.Keys(got)) {
			if name != "SHA256SUMS" {
				fmt.Fprintf(&want, "%x  %s\n", sha256.Sum256(got[name]), name)
			}
		}
		if string(got["SHA256SUMS"]) != want.String() {
			t.Errorf("SHA256SUMS:\n%swant\n%s", got["SHA256SUMS"], &want)
		}
	})
	t.Run("again", func(t *testing.T) {
		copied := filepath.Join(plainDir(t), "elsewhere")
		copyTree(t, copied)
		if err := os.WriteFile(filepath.Join(copied, "VERSION"), []byte("another\n"), 0o644); err != nil { // what the environment says goes before it
			t.Fatal(err)
		}
		again := dist(t, copied, "TZ=Asia/Kathmandu", "LC_ALL=C.UTF-8", "GOFLAGS=-v", "GOAMD64=v3", "XZ_DEFAULTS=-0", "DPKG_DEB_THREADS_MAX=3")
		if !slices.Equal(slices.Sorted(maps.Keys(again)), slices.Sorted(maps.Keys(got))) {
			t.Fatalf("got %q, before %q", slices.Sorted(maps.Keys(again)), slices.Sorted(maps.Keys(got)))
		}
		for name, data := range got {
			if !bytes.Equal(again[name], data) {
				t.Errorf("%s: %d bytes are not the %d that they were", name, len(again[name]), len(data))
			}
		}
	})
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "386": elf.EM_386} {
		t.Run(arch, func(t *testing.T) {
			name := "mkbtf-1.2.3-4-gabc1234-linux-" + arch
			f, err := elf.NewFile(bytes.NewReader(got[name]))
			if err != nil {
				t.Fatal(err)
			}
			if f.Machine != machine {
				t.Errorf("%s is for %v", name, f.Machine)
			}
			for _, p := range f.Progs {
				if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
					t.Errorf("not static: %v", p.Type)
				}
			}
			if arch != runtime.GOARCH {
				return
			}
			path := filepath.Join(plainDir(t), "mkbtf")
			if err := os.WriteFile(path, got[name], 0o755); err != nil {
				t.Fatal(err)
			}
			if out := mustRun(t, nil, path, "version"); !strings.HasPrefix(out, "mkbtf 1.2.3-4-gabc1234 ") {
				t.Errorf("version: %s", out)
			}
		})
	}
	t.Run("extras", func(t *testing.T) {
		path := filepath.Join(plainDir(t), "x.tar.gz")
		if err := os.WriteFile(path, got["mkbtf-1.2.3-4-gabc1234-extras.tar.gz"], 0o644); err != nil {
			t.Fatal(err)
		}
		list := mustRun(t, []string{"TZ=UTC"}, "tar", "-tvf", path)
		for _, want := range []string{"man1/mkbtf.1", "man1/mkbtf-encode.1", "completions/_mkbtf", "examples/rpm/macros.mkbtf", "docs/packaging.md", "copyright"} {
			if !strings.Contains(list, " mkbtf-1.2.3-4-gabc1234/"+want+"\n") {
				t.Errorf("no %s in\n%s", want, list)
			}
		}
		for line := range strings.Lines(list) {
			if f := strings.Fields(line); f[1] != "0/0" || f[3] != "2024-07-03" {
				t.Errorf("owner or date: %s", line)
			}
		}
	})
	t.Run("other files are spared", func(t *testing.T) {
		dir := plainDir(t)
		if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := command(t, nil, filepath.Join(root, "scripts/dist.sh"), "-o", dir, "amd64"); err == nil || !strings.Contains(out, "mine is not from here") {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("deb", func(t *testing.T) { checkDeb(t, got["mkbtf_1.2.3+4+gabc1234_amd64.deb"]) })
}

func checkDeb(t *testing.T, deb []byte) {
	needTools(t, "dpkg-deb")
	path := filepath.Join(plainDir(t), "x.deb")
	if err := os.WriteFile(path, deb, 0o644); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{"Package": "mkbtf", "Version": "1.2.3+4+gabc1234", "Architecture": "amd64", "Section": "kernel"} {
		if got := strings.TrimSpace(mustRun(t, nil, "dpkg-deb", "-f", path, field)); got != want {
			t.Errorf("%s: got %s, want %s", field, got, want)
		}
	}
	if depends := strings.TrimSpace(mustRun(t, nil, "dpkg-deb", "-f", path, "Depends")); depends != "" {
		t.Errorf("a static program depends on %s", depends)
	}
	list := mustRun(t, []string{"TZ=UTC"}, "dpkg-deb", "-c", path)
	for line := range strings.Lines(list) {
		if f := strings.Fields(line); f[1] != "root/root" || f[3] != "2024-07-03" {
			t.Errorf("owner or date: %s", line)
		}
	}
	for _, want := range []string{
		"-rwxr-xr-x usr/bin/mkbtf", "-rw-r--r-- usr/share/man/man1/mkbtf.1.gz", "-rw-r--r-- usr/share/man/man1/mkbtf-encode.1.gz",
		"-rw-r--r-- usr/share/bash-completion/completions/mkbtf", "-rw-r--r-- usr/share/zsh/vendor-completions/_mkbtf",
		"-rw-r--r-- usr/share/fish/vendor_completions.d/mkbtf.fish", "-rwxr-xr-x etc/kernel/postinst.d/00-mkbtf",
		"-rwxr-xr-x usr/lib/kernel/install.d/39-mkbtf.install", "-rwxr-xr-x usr/libexec/mkbtf/kernel-update", "-rwxr-xr-x usr/libexec/mkbtf/dkms/strip",
		"lrwxrwxrwx usr/libexec/mkbtf/kbuild/pahole", "lrwxrwxrwx usr/libexec/mkbtf/kbuild/resolve_btfids",
		"-rw-r--r-- usr/share/doc/mkbtf/copyright", "-rw-r--r-- usr/share/doc/mkbtf/changelog.gz", "-rw-r--r-- usr/share/doc/mkbtf/packaging.md",
		"-rw-r--r-- usr/share/doc/mkbtf/examples/dkms/module.conf", "-rw-r--r-- usr/share/doc/mkbtf/examples/dkms/all/framework.conf",
	} {
		mode, name, _ := strings.Cut(want, " ")
		found := false
		for line := range strings.Lines(list) {
			f := strings.Fields(line)
			found = found || f[0] == mode && f[5] == "./"+name
		}
		if !found {
			t.Errorf("no %s", want)
		}
	}
	if t.Failed() {
		t.Log(list)
	}
	conffiles := mustRun(t, nil, "dpkg-deb", "-I", path, "conffiles")
	if conffiles != "/etc/kernel/postinst.d/00-mkbtf\n" {
		t.Errorf("conffiles: %s", conffiles)
	}
}

// TestInstalled installs the Debian package in a system that has nothing else, uses it
// and removes it.
func TestInstalled(t *testing.T) {
	needRoot(t)
	files := dist(t, root)
	system := debianRoot(t, "trixie", "man-db", "bash-completion")
	before := tree(t, system)
	if err := os.WriteFile(filepath.Join(system, "root/mkbtf.deb"), files["mkbtf_1.2.3+4+gabc1234_amd64.deb"], 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(system, "root/hello.ko"), []byte(readFile(t, filepath.Join(root, "testdata/hello.ko"))), 0o644); err != nil {
		t.Fatal(err)
	}
	inRoot(t, system, "dpkg", "-i", "/root/mkbtf.deb")
	for _, tt := range []struct {
		name, want string
		command    []string
	}{
		{"version", "mkbtf 1.2.3-4-gabc1234 ", []string{"mkbtf", "version"}},
		{"manual page", "MKBTF(1)", []string{"man", "mkbtf"}},
		{"manual page of a verb", "MKBTF-ENCODE(1)", []string{"man", "mkbtf-encode"}},
		{"list of pages", "mkbtf-check (1)", []string{"apropos", "BTF"}},
		{"completion", "encode", []string{"bash", "-c", `. /usr/share/bash-completion/bash_completion
			_comp_load mkbtf && COMP_WORDS=(mkbtf en) COMP_CWORD=1 COMP_LINE='mkbtf en' COMP_POINT=8
			f=$(complete -p mkbtf) f=${f#*-F } && ${f%% *} mkbtf en mkbtf 2>/dev/null; printf '%s\n' "${COMPREPLY[@]}"`}},
		{"encode", "", []string{"mkbtf", "encode", "--form", "self-contained", "/root/hello.ko"}},
		{"dump", "FUNC 'hello_init'", []string{"mkbtf", "dump", "/root/hello.ko"}},
		{"kbuild's name", "v1.30", []string{"/usr/libexec/mkbtf/kbuild/pahole", "--version"}},
		{"kernel update", "", []string{"run-parts", "--exit-on-error", "--arg=6.1.0", "--arg=/boot/vmlinuz-6.1.0", "/etc/kernel/postinst.d"}},
		{"all files are whole", "", []string{"dpkg", "-V", "mkbtf"}},
		{"enable", "some: will get BTF", []string{"mkbtf", "dkms", "enable", "some"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if out := inRoot(t, system, tt.command...); !strings.Contains(out, tt.want) || tt.want == "" && out != "" {
				t.Errorf("%q: got %q, want %q", tt.command, out, tt.want)
			}
		})
	}
	inRoot(t, system, "dpkg", "--purge", "mkbtf")
	inRoot(t, system, "rm", "/root/mkbtf.deb", "/root/hello.ko")
	after := tree(t, system)
	for _, path := range after {
		// what dpkg and man keep for themselves
		if !slices.Contains(before, path) && !strings.HasPrefix(path, "var/log/") && !strings.HasPrefix(path, "var/cache/man/") && path != "etc/dkms" {
			t.Errorf("%s is left", path)
		}
	}
}

// needRoot skips a test that makes a Debian system where that is impossible.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getenv("MKBTF_KERNEL_TESTS") == "" {
		t.Skip("MKBTF_KERNEL_TESTS is not set: make test-kernel sets it")
	}
	if os.Getuid() != 0 || runtime.GOARCH != "amd64" {
		t.Skip("only root on amd64 can make a Debian system for amd64")
	}
	needTools(t, "apt-get", "unshare", "dpkg-deb")
}

// debianRoot makes a Debian system of a suite with packages.
func debianRoot(t *testing.T, suite string, packages ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(plainDir(t), "root")
	script(t, "debian-root.sh", append([]string{suite, dir}, packages...)...)
	return dir
}

func inRoot(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return mustRun(t, nil, append([]string{filepath.Join(root, "scripts/in-root.sh"), dir}, args...)...)
}

// tree lists the files of a system.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			paths = append(paths, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
