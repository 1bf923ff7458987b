package kbuild

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"mkbtf/internal/elfhdr"
	"mkbtf/internal/object"
)

// dkmsSystem is DKMS with directories of its own: what it installs for all, in
// /etc/dkms, is mounted over that for the program alone.
type dkmsSystem struct {
	program string
	root    string // etc/dkms and var/lib/dkms are below
	kernel  headers
}

// needDKMS makes a system for a version of DKMS, or skips the test where that is
// impossible: "" is the one that is installed.
func needDKMS(t *testing.T, suite string) *dkmsSystem {
	t.Helper()
	h := needHeaders(t)
	if os.Getuid() != 0 {
		t.Skip("only root can mount a directory over /etc/dkms")
	}
	for _, c := range []string{"unshare", "apt-get"} {
		if _, err := exec.LookPath(c); err != nil {
			t.Skipf("needs %s", c)
		}
	}
	s := &dkmsSystem{root: plainDir(t), kernel: h}
	script(t, "fetch-dkms.sh", "v4l2loopback-dkms", "trixie") // installs dkms if it is missing
	s.program = "dkms"
	if suite != "" {
		s.program = filepath.Join(script(t, "fetch-dkms.sh", "dkms", suite), "usr/sbin/dkms")
	}
	for _, dir := range []string{"etc/dkms/framework.conf.d", "var/lib/dkms"} {
		if err := os.MkdirAll(filepath.Join(s.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	build := filepath.Join(s.root, "lib/modules", h.release, "build") // for dkms status
	if err := os.MkdirAll(build, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(build, "vmlinux"), []byte(readFile(t, h.vmlinux())), 0o644); err != nil {
		t.Fatal(err)
	}
	s.write(t, "framework.conf", "# nothing\n")
	s.write(t, "framework.conf.d/keys.conf", "mok_signing_key="+s.root+"/key\nmok_certificate="+s.root+"/certificate\n")
	return s
}

// write writes a file of /etc/dkms.
func (s *dkmsSystem) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.root, "etc/dkms", name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// etc reads all of /etc/dkms.
func (s *dkmsSystem) etc(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(filepath.Join(s.root, "etc"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// dkmsPackage is the source of a package.
type dkmsPackage struct{ name, version, tree string }

func needPackage(t *testing.T, deb, suite string) dkmsPackage {
	t.Helper()
	tree := filepath.Join(script(t, "fetch-dkms.sh", deb, suite), "usr/src")
	confs, err := filepath.Glob(filepath.Join(tree, "*/dkms.conf"))
	if err != nil || len(confs) != 1 {
		t.Fatalf("%s: %q, %v", deb, confs, err)
	}
	dir := filepath.Base(filepath.Dir(confs[0]))
	i := strings.LastIndex(dir, "-")
	return dkmsPackage{dir[:i], dir[i+1:], tree}
}

// build builds a package and returns its modules as DKMS would install them, and what
// DKMS printed.
func (s *dkmsSystem) build(t *testing.T, p dkmsPackage) (modules []string, out string, err error) {
	t.Helper()
	tree := filepath.Join(s.root, "var/lib/dkms")
	if err := os.RemoveAll(filepath.Join(tree, p.name)); err != nil {
		t.Fatal(err)
	}
	out, err = command(t, nil, "unshare", "-m", "sh", "-c", `mount --bind "$0" /etc/dkms && exec "$@"`, filepath.Join(s.root, "etc/dkms"),
		s.program, "build", "-m", p.name, "-v", p.version, "-k", s.kernel.release, "--dkmstree", tree, "--sourcetree", p.tree)
	log, _ := os.ReadFile(filepath.Join(tree, p.name, p.version, s.kernel.release, "x86_64/log/make.log"))
	out += string(log)
	modules, _ = filepath.Glob(filepath.Join(tree, p.name, p.version, s.kernel.release, "x86_64/module/*.ko*"))
	return modules, out, err
}

func (s *dkmsSystem) mustBuild(t *testing.T, p dkmsPackage) (modules []string, out string) {
	t.Helper()
	modules, out, err := s.build(t, p)
	if err != nil || len(modules) == 0 {
		t.Fatalf("dkms build: %v, modules %q\n%s", err, modules, out)
	}
	return modules, out
}

func (s *dkmsSystem) mkbtf(t *testing.T, args ...string) string {
	t.Helper()
	return mustRun(t, nil, append([]string{program, "dkms", args[0], "--root", s.root}, args[1:]...)...)
}

// wantFinished makes sure that a module went through all that DKMS does: stripped,
// signed, compressed.
func wantFinished(t *testing.T, ko string) {
	t.Helper()
	if !strings.HasSuffix(ko, ".ko.xz") {
		t.Errorf("%s: not compressed", filepath.Base(ko))
	}
	f, err := object.Open(ko)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, signed, err := elfhdr.FindSignature(f.Bytes()); err != nil || !signed {
		t.Errorf("%s: not signed, %v", filepath.Base(ko), err)
	}
	if _, ok := f.Section(".debug_info"); ok {
		t.Errorf("%s: not stripped", filepath.Base(ko))
	}
}

// TestDKMSPackages builds real packages, with commands of all kinds, and looks at
// what DKMS would install.
func TestDKMSPackages(t *testing.T) {
	for _, tt := range []struct{ deb, suite, dkms string }{
		{"v4l2loopback-dkms", "trixie", ""},
		{"v4l2loopback-dkms", "trixie", "sid"},
		{"openvpn-dco-dkms", "trixie", ""},
		{"jool-dkms", "trixie", "sid"},
		{"xtables-addons-dkms", "trixie", ""},
		{"lttng-modules-dkms", "sid", ""},
	} {
		t.Run(tt.deb+" by dkms "+tt.dkms, func(t *testing.T) {
			s := needDKMS(t, tt.dkms)
			p := needPackage(t, tt.deb, tt.suite)
			s.mkbtf(t, "enable", p.name)
			modules, out := s.mustBuild(t, p)
			for _, ko := range modules {
				wantFinished(t, ko)
				wantForm(t, s.kernel, ko, "distilled")
			}
			if n := strings.Count(out, "\n  BTF [M] "); n < len(modules) {
				t.Errorf("%d of %d modules are in the log\n%s", n, len(modules), out)
			}
			t.Logf("%d modules", len(modules))
		})
	}
}

// TestDKMSForAll switches mkbtf on for whatever DKMS builds, by the files in
// examples/dkms/all.
func TestDKMSForAll(t *testing.T) {
	for _, suite := range []string{"", "sid"} {
		t.Run("dkms "+suite, func(t *testing.T) {
			s := needDKMS(t, suite)
			p := needPackage(t, "v4l2loopback-dkms", "trixie")
			example := func(name string) string { return readFile(t, filepath.Join(root, "examples/dkms/all", name)) }
			bin := filepath.Join(s.root, "libexec")
			if err := os.Mkdir(bin, 0o755); err != nil {
				t.Fatal(err)
			}
			shim := strings.ReplaceAll(example("strip"), "/usr/bin/mkbtf ", program+" ")
			if err := os.WriteFile(filepath.Join(bin, "strip"), []byte(shim), 0o755); err != nil {
				t.Fatal(err)
			}
			s.write(t, "framework.conf.d/mkbtf.conf", strings.ReplaceAll(example("framework.conf"), "/usr/libexec/mkbtf/dkms:", bin+":"))
			modules, out := s.mustBuild(t, p)
			wantFinished(t, modules[0])
			wantForm(t, s.kernel, modules[0], "distilled")
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

// TestDKMSOnOff builds one package with the hook in its variants and without it.
func TestDKMSOnOff(t *testing.T) {
	for _, suite := range []string{"", "sid"} {
		t.Run("dkms "+suite, func(t *testing.T) {
			s := needDKMS(t, suite)
			p := needPackage(t, "v4l2loopback-dkms", "trixie")
			before := s.etc(t)
			plain, _ := s.mustBuild(t, p)
			without := filepath.Join(plainDir(t), filepath.Base(plain[0]))
			if err := os.WriteFile(without, []byte(readFile(t, plain[0])), 0o644); err != nil {
				t.Fatal(err)
			}

			for _, form := range []string{"split", "self-contained"} {
				s.mkbtf(t, "enable", "--form", form, p.name)
				s.mkbtf(t, "enable", "--form", form, p.name)
				modules, _ := s.mustBuild(t, p)
				wantFinished(t, modules[0])
				wantForm(t, s.kernel, modules[0], form)
				status := mustRun(t, nil, program, "dkms", "status", "--root", s.root, "--json")
				if !strings.Contains(status, `"form": "`+form+`"`) || !strings.Contains(status, `"enabled": true`) || !strings.Contains(status, `"outcome": "loads"`) {
					t.Errorf("status says %s", status)
				}
			}
			s.mkbtf(t, "disable", p.name)
			if after := s.etc(t); !reflect.DeepEqual(before, after) {
				t.Errorf("/etc/dkms was %q and is %q", before, after)
			}
			modules, _ := s.mustBuild(t, p)
			wantFinished(t, modules[0])
			names := []string{".note.mkbtf", ".BTF.base", ".text", ".modinfo"}
			was := sections(t, without, names...)
			for i, data := range sections(t, modules[0], names...) {
				if !bytes.Equal(data, was[i]) {
					t.Errorf("%s differs from what it was without the hook", names[i])
				}
			}
			// kbuild runs pahole -j, which numbers the same types in one order or another
			mustRun(t, nil, program, "diff", "-b", s.kernel.vmlinux(), without, modules[0])
		})
	}
}

// TestDKMSWithoutDWARF builds without -g: DKMS must not notice that there is nothing
// to encode, unless it shall.
func TestDKMSWithoutDWARF(t *testing.T) {
	for _, suite := range []string{"", "sid"} {
		t.Run("dkms "+suite, func(t *testing.T) {
			s := needDKMS(t, suite)
			p := needPackage(t, "v4l2loopback-dkms", "trixie")
			s.write(t, p.name+".conf", `MAKE[0]="${MAKE[0]} KCFLAGS=-g0 CONFIG_DEBUG_INFO_BTF_MODULES="`) // without a newline
			before := s.etc(t)
			s.mkbtf(t, "enable", p.name)
			modules, out := s.mustBuild(t, p)
			wantFinished(t, modules[0])
			if v := state(t, s.kernel, modules[0]); v.Form != "none" {
				t.Errorf("form %s", v.Form)
			}
			if !strings.Contains(out, "v4l2loopback.ko: left as it is: ") || !strings.Contains(out, "no DWARF") {
				t.Errorf("the log does not say why:\n%s", out)
			}
			s.mkbtf(t, "enable", "--strict", p.name)
			_, out, err := s.build(t, p)
			exit := (*exec.ExitError)(nil)
			if !errors.As(err, &exit) || exit.ExitCode() != 10 {
				t.Errorf("strict: want DKMS's status 10 for a build that failed, got %v\n%s", err, out)
			}
			s.mkbtf(t, "disable", p.name)
			if after := s.etc(t); !reflect.DeepEqual(before, after) {
				t.Errorf("/etc/dkms was %q and is %q", before, after)
			}
		})
	}
}

// TestDKMSBoots inserts a module that DKMS has built into the kernel that it is for.
func TestDKMSBoots(t *testing.T) {
	s := needDKMS(t, "")
	image := "/boot/vmlinuz-" + s.kernel.release
	if !bootable(s.kernel) {
		t.Skipf("there is no %s", image)
	}
	p := needPackage(t, "v4l2loopback-dkms", "trixie")
	s.mkbtf(t, "enable", p.name)
	modules, _ := s.mustBuild(t, p)
	media := filepath.Join("/lib/modules", s.kernel.release, "kernel/drivers/media")
	guest := t.TempDir()
	out := mustRun(t, nil, filepath.Join(root, "scripts/qemu.sh"), "-o", guest, image,
		filepath.Join(media, "mc/mc.ko.xz"), filepath.Join(media, "v4l2-core/videodev.ko.xz"), modules[0])
	if !strings.Contains(out, "\ninsmod v4l2loopback ok\n") {
		t.Errorf("not inserted:\n%s", out)
	}
	if !strings.Contains(out, "\nbtf v4l2loopback ") || strings.Contains(out, "btf v4l2loopback none") || strings.Contains(out, "BTF mismatch") {
		t.Errorf("the kernel has no BTF of it:\n%s", out)
	}
	if dump := mustRun(t, nil, program, "dump", "-b", s.kernel.vmlinux(), filepath.Join(guest, "v4l2loopback.btf")); !strings.Contains(dump, "STRUCT 'v4l2_loopback_device'") {
		t.Errorf("the kernel's BTF of the module lacks its main type:\n%s", dump)
	}
}
