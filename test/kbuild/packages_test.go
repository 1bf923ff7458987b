package kbuild

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRPMOfModule builds examples/rpm/kmod-demo.spec, with all that rpm does to a module
// and a signature, with the macros for mkbtf and with the way that find-debuginfo runs
// without them.
func TestRPMOfModule(t *testing.T) {
	h := needHeaders(t)
	needTools(t, "rpmbuild", "find-debuginfo", "rpm2cpio", "cpio", "openssl", "xz")
	keys := plainDir(t)
	key, certificate := filepath.Join(keys, "key"), filepath.Join(keys, "certificate")
	mustRun(t, nil, "openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout", key, "-outform", "DER", "-out", certificate)
	macros := readFile(t, filepath.Join(root, "examples/rpm/macros.mkbtf"))
	for _, tt := range []struct {
		name, macros, form string
	}{
		{"with the macros", macros, "distilled"},
		{"split", macros + "\n%mkbtf_form split\n", "split"},
		{"sections not kept", macros + "\n%mkbtf_keep_sections %{nil}\n", "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			top := plainDir(t)
			load := filepath.Join(top, "macros")
			if err := os.WriteFile(load, []byte(tt.macros), 0o644); err != nil {
				t.Fatal(err)
			}
			mustRun(t, []string{"PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH")}, "rpmbuild", "-bb", "--load", load,
				"-D", "_topdir "+top, "-D", "_sourcedir "+filepath.Join(root, "examples/kbuild"), "-D", "kernel_release "+h.release,
				"-D", "sign_key "+key, "-D", "sign_certificate "+certificate, filepath.Join(root, "examples/rpm/kmod-demo.spec"))
			mustRun(t, nil, "sh", "-ec", `cd "$0" && rpm2cpio RPMS/*/kmod-demo-1-1.*.rpm | cpio -idm --quiet`, top)
			ko := filepath.Join(top, "lib/modules", h.release, "extra/demo.ko.xz")
			wantFinished(t, ko)
			if tt.form != "none" {
				wantForm(t, h, ko, tt.form)
			} else if v := state(t, h, ko); v.Form != "none" {
				t.Errorf("form %s", v.Form)
			}
		})
	}
}

// sourceArchive packs this tree as git archive does, with what is not committed.
func sourceArchive(t *testing.T, path, version string) {
	t.Helper()
	dir := plainDir(t)
	copyTree(t, filepath.Join(dir, "mkbtf-"+version))
	mustRun(t, nil, "tar", "-C", dir, "-czf", path, "mkbtf-"+version)
}

// TestRPM builds and looks at the rpm package of mkbtf itself.
func TestRPM(t *testing.T) {
	needRoot(t)
	needTools(t, "rpmbuild", "rpm", "git", "make")
	top := plainDir(t)
	if err := os.Mkdir(filepath.Join(top, "SOURCES"), 0o755); err != nil {
		t.Fatal(err)
	}
	sourceArchive(t, filepath.Join(top, "SOURCES/mkbtf-1.2.tar.gz"), "1.2")
	mustRun(t, goEnv(t), "rpmbuild", "-bb", "-D", "_topdir "+top, "-D", "mkbtf_version 1.2", filepath.Join(root, "packaging/rpm/mkbtf.spec"))
	rpms, err := filepath.Glob(filepath.Join(top, "RPMS/*/mkbtf-1.2-1.*.rpm"))
	if err != nil || len(rpms) != 1 {
		t.Fatalf("%q, %v", rpms, err)
	}
	list := mustRun(t, nil, "rpm", "-qlp", rpms[0])
	for _, want := range []string{"/usr/bin/mkbtf", "/usr/share/man/man1/mkbtf-encode.1", "/usr/lib/rpm/macros.d/macros.mkbtf", "/usr/lib/kernel/install.d/39-mkbtf.install", "/usr/share/zsh/site-functions/_mkbtf"} {
		if !strings.Contains(list, want) {
			t.Errorf("no %s in\n%s", want, list)
		}
	}
}

// TestArch runs what the Arch package of mkbtf consists of: the functions of its
// PKGBUILD, as makepkg calls them. makepkg itself runs only on few systems, and as root
// on none.
func TestArch(t *testing.T) {
	needRoot(t)
	needTools(t, "bash", "git", "make")
	dir := plainDir(t)
	archive := filepath.Join(dir, "mkbtf-1.2.tar.gz")
	sourceArchive(t, archive, "1.2")
	out := mustRun(t, append(goEnv(t), "MKBTF_VERSION=1.2"), "bash", "-ec", `
		. "$0"
		srcdir=$1/src pkgdir=$1/pkg
		mkdir "$srcdir" "$pkgdir"
		[ -e "$1/${source[0]}" ] # found under the name that it is given
		tar -C "$srcdir" -xzf "$1/${source[0]}"
		(build)
		(package)
		"$pkgdir/usr/bin/mkbtf" version
		cd "$pkgdir" && find . ! -type d`, filepath.Join(root, "packaging/arch/PKGBUILD"), dir)
	for _, want := range []string{"mkbtf 1.2 ", "./usr/bin/mkbtf\n", "./usr/share/man/man1/mkbtf.1\n", "./usr/share/bash-completion/completions/mkbtf\n", "./usr/share/licenses/mkbtf/LICENSE\n", "./usr/libexec/mkbtf/kernel-update\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestPrefix installs below another prefix, as Nix and Homebrew do: the hooks call the
// program there.
func TestPrefix(t *testing.T) {
	needRoot(t)
	needTools(t, "make")
	out := plainDir(t)
	tree := filepath.Join(out, "source")
	copyTree(t, tree)
	prefix := filepath.Join(out, "store")
	mustRun(t, nil, "make", "-C", tree, "install", "PREFIX="+prefix)
	for _, hook := range []string{"libexec/mkbtf/kernel-update", "libexec/mkbtf/dkms/strip", "lib/kernel/install.d/39-mkbtf.install"} {
		text := readFile(t, filepath.Join(prefix, hook))
		if strings.Contains(text, "/usr/bin/mkbtf") || strings.Contains(text, "/usr/libexec") || !strings.Contains(text, prefix) {
			t.Errorf("%s:\n%s", hook, text)
		}
	}
	if out := mustRun(t, nil, filepath.Join(prefix, "libexec/mkbtf/kbuild/pahole"), "--numeric_version"); out != "130\n" {
		t.Errorf("pahole --numeric_version: %s", out)
	}
}

// goEnv lets a build that sets HOME aside find what the go command has kept.
func goEnv(t *testing.T) []string {
	t.Helper()
	var env []string
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(out)))
	}
	return env
}
