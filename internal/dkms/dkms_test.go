package dkms

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write makes files below a directory, and directories for names that end in /.
func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns all files below a directory.
func read(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, root+"/")] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func equal(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return true
}

var hook = Hook{Program: "/usr/bin/mkbtf"}

// TestEnableDisable makes sure that disabling gives back every byte.
func TestEnableDisable(t *testing.T) {
	for name, old := range map[string]map[string]string{
		"no file":             {"framework.conf": "# nothing\n"},
		"empty file":          {"zfs.conf": ""},
		"some lines":          {"zfs.conf": "STRIP=no\nMAKE[0]='make all'\n", "framework.conf.d/x.conf": "x=1\n"},
		"no newline":          {"zfs.conf": "STRIP=no"},
		"only a newline":      {"zfs.conf": "\n"},
		"open continuation":   {"zfs.conf": "MAKE=\\"},
		"carriage returns":    {"zfs.conf": "STRIP=no\r\nX=1\r\n"},
		"another one enabled": {"jool.conf": blockBegin + remarkNewFile + "\n" + blockEnd + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			write(t, filepath.Join(root, "etc/dkms"), old)
			before := read(t, root)
			s := System{Root: root}
			warned := 0
			for i := range 3 {
				h := hook
				h.Strict = i == 2 // another hook takes the place of the first
				changed, err := s.Enable([]string{"zfs"}, h, func(string) { warned++ })
				if err != nil {
					t.Fatal(err)
				}
				if (len(changed) == 1) != (i != 1) {
					t.Errorf("time %d: changed %q", i+1, changed)
				}
			}
			if warned != 3 {
				t.Errorf("%d warnings that the package is not known, want 3", warned)
			}
			if got, err := s.Enabled(); err != nil || !slices.Contains(got, "zfs") {
				t.Errorf("enabled are %q, %v", got, err)
			}
			if text := read(t, root)["etc/dkms/zfs.conf"]; strings.Count(text, "dkms hook") != 1 || !strings.HasPrefix(text, old["zfs.conf"]) {
				t.Errorf("enabled:\n%s", text)
			}
			for i := range 2 {
				if changed, err := s.Disable([]string{"zfs"}); err != nil || (len(changed) == 1) != (i == 0) {
					t.Errorf("time %d: changed %q, %v", i+1, changed, err)
				}
			}
			if after := read(t, root); !equal(before, after) {
				t.Errorf("before: %q\nafter:  %q", before, after)
			}
		})
	}
}

var updateExample = flag.Bool("update", false, "write examples/dkms/module.conf anew")

// TestExample makes sure that examples/dkms/module.conf, for packagers who write it
// themselves, is what enabling writes.
func TestExample(t *testing.T) {
	const example = "../../examples/dkms/module.conf"
	want, err := hook.insert(nil)
	if err != nil {
		t.Fatal(err)
	}
	if *updateExample {
		if err := os.WriteFile(example, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(example); err != nil || string(got) != string(want) {
		t.Errorf("%s: %v, go test -update writes it anew:\n%s", example, err, got)
	}
}

// TestLaterLines keeps what was added behind the block.
func TestLaterLines(t *testing.T) {
	for old, want := range map[string]string{"": "STRIP=no\n", "X=1": "X=1\nSTRIP=no\n", "X=1\n": "X=1\nSTRIP=no\n"} {
		root := t.TempDir()
		s := System{Root: root}
		if old != "" {
			write(t, root, map[string]string{"etc/dkms/zfs.conf": old})
		}
		if _, err := s.Enable([]string{"zfs"}, hook, func(string) {}); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, "etc/dkms/zfs.conf")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, root, map[string]string{"etc/dkms/zfs.conf": string(data) + "STRIP=no\n"})
		if _, err := s.Disable([]string{"zfs"}); err != nil {
			t.Fatal(err)
		}
		if got := read(t, root)["etc/dkms/zfs.conf"]; got != want {
			t.Errorf("%q and a later line: left is %q, want %q", old, got, want)
		}
	}
}

func TestDamaged(t *testing.T) {
	for name, text := range map[string]string{
		"no end":   blockBegin + "\nMAKE=x\n",
		"no begin": "X=1\n" + blockEnd + "\n",
		"two":      strings.Repeat(blockBegin+"\n"+blockEnd+"\n", 2),
	} {
		root := t.TempDir()
		write(t, root, map[string]string{"etc/dkms/zfs.conf": text})
		s := System{Root: root}
		_, err1 := s.Enable([]string{"zfs"}, hook, func(string) {})
		_, err2 := s.Disable([]string{"zfs"})
		if !errors.Is(err1, ErrDamaged) || !errors.Is(err2, ErrDamaged) {
			t.Errorf("%s: got errors %v, %v, want ErrDamaged", name, err1, err2)
		}
		if got := read(t, root)["etc/dkms/zfs.conf"]; got != text {
			t.Errorf("%s: the file is now %q", name, got)
		}
	}
}

func TestBadNames(t *testing.T) {
	s := System{Root: t.TempDir()}
	for _, name := range []string{"framework", "../x", "a b", "-x", "", ".x", "a/b", "x;y"} {
		if _, err := s.Enable([]string{name}, hook, func(string) {}); err == nil {
			t.Errorf("enabled %q", name)
		}
		if _, err := s.Disable([]string{name}); err == nil {
			t.Errorf("disabled %q", name)
		}
	}
	for _, program := range []string{"mkbtf", "/opt/my tools/mkbtf", "/x'y", "/a$b", `/a"b`} {
		if _, err := s.Enable([]string{"zfs"}, Hook{Program: program}, func(string) {}); err == nil {
			t.Errorf("took the program %q", program)
		}
	}
	if files := read(t, s.Root); len(files) > 0 {
		t.Errorf("files: %q", files)
	}
}

// TestWarnOverridden looks for more specific files that take the hook away again.
func TestWarnOverridden(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		"var/lib/dkms/zfs/2.1/source/":  "",
		"etc/dkms/zfs-2.1.conf":         "MAKE[0]='make mine'\n",
		"etc/dkms/zfs-2.2.conf":         "# MAKE[0] is fine\nSTRIP=no\n",
		"etc/dkms/zfs-2.1-6.1-686.conf": "  MAKE=x\n",
	})
	var warnings []string
	if _, err := (System{Root: root}).Enable([]string{"zfs"}, hook, func(w string) { warnings = append(warnings, w) }); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(warnings, "\n"); len(warnings) != 2 || !strings.Contains(all, "zfs-2.1.conf: sets MAKE") || !strings.Contains(all, "zfs-2.1-6.1-686.conf") {
		t.Errorf("warnings: %s", all)
	}
}

func TestTree(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		"var/lib/dkms/zfs/2.1/source/":                           "",
		"var/lib/dkms/zfs/2.1/6.1.0-1/x86_64/module/zfs.ko.xz":   "",
		"var/lib/dkms/zfs/2.1/6.1.0-1/x86_64/module/spl.ko.xz":   "",
		"var/lib/dkms/zfs/2.1/6.1.0-1/x86_64/log/make.log":       "",
		"var/lib/dkms/zfs/2.1/build/zfs.ko":                      "",
		"var/lib/dkms/zfs/kernel-6.1.0-1-x86_64/module/zfs.ko":   "",
		"var/lib/dkms/zfs/original_module/6.1.0-1/x86_64/zfs.ko": "",
		"var/lib/dkms/jool/4.1/source/":                          "",
		"var/lib/dkms/mok.pub":                                   "",
	})
	s := System{Root: root}
	if names, err := s.Known(); err != nil || !slices.Equal(names, []string{"jool", "zfs"}) {
		t.Errorf("known: %q, %v", names, err)
	}
	builds, err := s.builds(nil)
	if err != nil || len(builds) != 2 {
		t.Fatalf("got %+v, %v", builds, err)
	}
	if b := builds[0]; b.Name != "jool" || b.Kernel != "" {
		t.Errorf("got %+v", b)
	}
	dir := filepath.Join(root, "var/lib/dkms/zfs/2.1/6.1.0-1/x86_64/module")
	if b := builds[1]; b.Version != "2.1" || b.Kernel != "6.1.0-1" || b.Arch != "x86_64" ||
		!slices.Equal(b.Modules, []string{filepath.Join(dir, "spl.ko.xz"), filepath.Join(dir, "zfs.ko.xz")}) {
		t.Errorf("got %+v", b)
	}
	if got, err := (System{Root: filepath.Join(root, "absent")}).Known(); err != nil || got != nil {
		t.Errorf("without DKMS: %q, %v", got, err)
	}
	write(t, root, map[string]string{"etc/dkms/framework.conf": "# dkms_tree=\"/no\"\ndkms_tree=\"/srv/dkms\" # here\n", "srv/dkms/v4l2loopback/1/source/": ""})
	if names, err := s.Known(); err != nil || !slices.Equal(names, []string{"v4l2loopback"}) {
		t.Errorf("in another tree: %q, %v", names, err)
	}
}

// readConf does what DKMS does with its files: the core of safe_source, which writes
// each variable out and reads it back, and of the choice of the build command.
const readConf = `
safe_source() {
	local tmp=$(mktemp)
	(
		. "$1" >/dev/null
		for v in MAKE MAKE_MATCH; do
			for i in $(eval echo \${!$v[@]}); do
				eval echo '$v[$i]=\"${'$v'[$i]}\"'
			done
		done
	) >"$tmp"
	. "$tmp"
	rm "$tmp"
}
kernel_source_dir=/lib/modules/$kernelver/build dkms_tree=/var/lib/dkms module=zfs module_version=2.1
for f in "$@"; do safe_source "$f"; done
[[ ${MAKE_MATCH[0]} ]] || make_command="${MAKE[0]}"
for ((index = 0; index < ${#MAKE[@]}; index++)); do
	[[ ${MAKE[$index]} && ${MAKE_MATCH[$index]} && $kernelver =~ ${MAKE_MATCH[$index]} ]] && make_command="${MAKE[$index]}"
done
printf '%s\n' "${make_command:-make -C $kernel_source_dir M=$dkms_tree/$module/$module_version/build}"
`

// TestBuildCommand lets bash read what enabling writes, as DKMS does.
func TestBuildCommand(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	const (
		kernel = "6.12.1-amd64"
		end    = " && sh -c 'PROGRAM dkms hook --kernel 6.12.1-amd64 --kernel-dir /lib/modules/6.12.1-amd64/build /var/lib/dkms/zfs/2.1/build || :' mkbtf"
		own    = "make -C /lib/modules/6.12.1-amd64/build M=/var/lib/dkms/zfs/2.1/build"
	)
	tests := []struct {
		name, conf string // dkms.conf
		config     string // the kernel's
		want       string
	}{
		{"none: that of DKMS", "", "", own},
		{"one", "MAKE='make all'", "", "make all"},
		{"for this kernel", "MAKE[0]=a; MAKE[1]=b; MAKE_MATCH[1]='^6.12'; MAKE[2]=c; MAKE_MATCH[2]='^5'", "", "b"},
		{"the last that fits", "MAKE[0]=a; MAKE_MATCH[0]='^6'; MAKE[1]=b; MAKE_MATCH[1]='^6.12'", "", "b"},
		{"none for this kernel", "MAKE[0]=a; MAKE_MATCH[0]='^5'; MAKE[1]=b; MAKE_MATCH[1]='^4'", "", own},
		{"several steps", "MAKE[0]='./configure; make -C src KVER=$kernelver && make install_here'", "", "./configure; make -C src KVER=$kernelver && make install_here"},
		{"what the shell shall expand later", `MAKE[0]="make N=\\\$(nproc) CFLAGS=\\\"-g\\\" X=\\\` + "`id\\\\\\`" + `"`, "", "make N=$(nproc) CFLAGS=\"-g\" X=`id`"},
		{"clang", "", "CONFIG_CC_IS_CLANG=y\nCONFIG_LD_IS_LLD=y\n", own + " CC=clang LD=ld.lld"},
		{"gcc", "", "# CONFIG_CC_IS_CLANG is not set\n", own},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			program := filepath.Join(root, "mkbtf")
			write(t, root, map[string]string{"dkms.conf": tt.conf + "\n", "config": tt.config, "mkbtf": "#!/bin/sh\n"})
			if err := os.Chmod(program, 0o755); err != nil {
				t.Fatal(err)
			}
			h := Hook{Program: program}
			if _, err := (System{Root: root}).Enable([]string{"zfs"}, h, func(string) {}); err != nil {
				t.Fatal(err)
			}
			command := func() string {
				t.Helper()
				cmd := exec.Command(bash, "-c", readConf, "bash", filepath.Join(root, "dkms.conf"), filepath.Join(root, "etc/dkms/zfs.conf"))
				cmd.Env = append(os.Environ(), "kernelver="+kernel, "kernel_config="+filepath.Join(root, "config"))
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				return strings.TrimSpace(string(out))
			}
			want := strings.ReplaceAll(tt.want, "$kernelver", kernel)
			if got, want := command(), want+strings.ReplaceAll(end, "PROGRAM", program); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			// Without the program the build is as it was.
			if err := os.Remove(program); err != nil {
				t.Fatal(err)
			}
			if got := command(); !strings.Contains(tt.name, "later") && strings.Contains(got, "mkbtf") {
				t.Errorf("mkbtf is gone, and the command is %s", got)
			}
		})
	}
}

// TestCommandNeverFails runs the end of the command with what DKMS appends.
func TestCommandNeverFails(t *testing.T) {
	for program, text := range map[string]string{"fails": "#!/bin/sh\nexit 1\n", "killed": "#!/bin/sh\nkill -9 $$\n"} {
		dir := t.TempDir()
		path := filepath.Join(dir, program)
		write(t, dir, map[string]string{program: text})
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		for strict, want := range map[bool]bool{false: true, true: false} {
			h := Hook{Program: path, Strict: strict}
			err := exec.Command("sh", "-c", "true && "+h.command()+" CC=clang LD=ld.lld").Run()
			if (err == nil) != want {
				t.Errorf("%s, strict %v: %v", program, strict, err)
			}
		}
		// A build that failed stays failed.
		if err := exec.Command("sh", "-c", "false && "+(&Hook{Program: path}).command()).Run(); err == nil {
			t.Error("the hook hides that the build failed")
		}
	}
}

// FuzzInsertRemove makes sure that whatever a file holds comes back.
func FuzzInsertRemove(f *testing.F) {
	for _, seed := range []string{"", "\n", "MAKE=x", "a\n\n", blockBegin + "\n" + blockEnd + "\n", blockEnd, blockBegin + remarkNewFile, "\r\n\\"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, old []byte) {
		if old == nil {
			old = []byte{}
		}
		if b, err := findBlock(old); b != nil || err != nil {
			return
		}
		with, err := hook.insert(old)
		if err != nil {
			t.Fatal(err)
		}
		again, err := hook.insert(with)
		if err != nil || string(again) != string(with) {
			t.Fatalf("a second time gives %q, %v", again, err)
		}
		rest, found, gone, err := remove(with)
		if err != nil || !found || gone || string(rest) != string(old) {
			t.Fatalf("%q comes back as %q, found %v, gone %v, %v", old, rest, found, gone, err)
		}
	})
}
