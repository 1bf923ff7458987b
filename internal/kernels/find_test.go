package kernels

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/compress"
	"mkbtf/internal/elfhdr/elftest"
)

const want = "6.12.1-test"

// kernelBTF is BTF that differs from kernel to kernel.
func kernelBTF(t testing.TB, release string) []byte {
	t.Helper()
	tab := btf.NewTable(1, nil)
	tab.Add(btf.Type{Kind: btf.Struct, Name: tab.Strings.InternString("task_struct"), Size: uint32(len(release))})
	tab.Add(btf.Type{Kind: btf.Fwd, Name: tab.Strings.InternString(release)})
	raw, err := btf.Encode(tab, binary.LittleEndian, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The files that kernels lie in. A file's content begins with what it is, then the
// release, "-" for one that does not tell.
func content(t testing.TB, spec string) []byte {
	t.Helper()
	what, release, _ := strings.Cut(spec, " ")
	raw := kernelBTF(t, release)
	banner := []byte("Linux version " + release + " (a@b)\n\x00")
	f := elftest.File{Type: elf.ET_EXEC, Machine: elf.EM_X86_64, Sections: []elftest.Section{{Name: ".rodata", Data: banner}, {Name: ".BTF", Data: raw}}}
	switch what {
	case "vmlinux":
		return f.Bytes()
	case "bare": // as Debian's headers have it
		f.Sections = f.Sections[1:]
		return f.Bytes()
	case "vmlinuz":
		return packed(t, f.Bytes())
	case "Image":
		image := append(append(make([]byte, 64), banner...), raw...)
		copy(image[56:], "ARM\x64")
		return image
	case "nobtf":
		f.Sections = f.Sections[:1]
		return packed(t, f.Bytes())
	case "debug": // split off, .BTF is elsewhere
		f.Sections[1] = elftest.Section{Name: ".BTF", Type: elf.SHT_NOBITS, Flags: elf.SHF_ALLOC, Size: uint64(len(raw))}
		return f.Bytes()
	case "raw":
		return raw
	case "cut":
		b := f.Bytes()
		return b[:len(b)-50]
	}
	return []byte(spec)
}

func packed(t testing.TB, b []byte) []byte {
	b, err := compress.Pack(compress.Zstd, b)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tree makes files below a directory: path, then "-> target" for a link, else what
// content makes of it.
func tree(t testing.TB, files [][2]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, f[0])
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, ok := strings.CutPrefix(f[1], "-> "); ok {
			err = os.Symlink(to, path)
		} else {
			err = os.WriteFile(path, content(t, f[1]), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestFind lays kernels out as distributions do.
func TestFind(t *testing.T) {
	tests := []struct {
		name  string
		files [][2]string
		path  string // that is found, "" if none
		how   string
		from  string
		msg   string // of the error
	}{
		{
			"Debian, headers with BTF", [][2]string{
				{"lib", "-> usr/lib"},
				{"usr/lib/modules/6.12.1-test/build", "-> /usr/src/linux-headers-6.12.1-test"},
				{"usr/src/linux-headers-6.12.1-test/vmlinux", "bare -"},
				{"usr/src/linux-headers-6.12.1-test/include/config/kernel.release", "6.12.1-test\n"},
				{"boot/vmlinuz-6.12.1-test", "vmlinuz 6.12.1-test"},
			}, "usr/src/linux-headers-6.12.1-test/vmlinux", "build tree", "section .BTF", "",
		},
		{
			"Debian, debug package", [][2]string{
				{"boot/vmlinuz-6.12.1-test", "vmlinuz 6.12.1-test"}, {"usr/lib/debug/boot/vmlinux-6.12.1-test", "vmlinux 6.12.1-test"},
			}, "usr/lib/debug/boot/vmlinux-6.12.1-test", "debug vmlinux", "section .BTF", "",
		},
		{
			"Debian, headers without vmlinux", [][2]string{
				{"lib/modules/6.12.1-test/build", "-> /usr/src/linux-headers-6.12.1-test"},
				{"usr/src/linux-headers-6.12.1-test/Makefile", "x"},
				{"boot/vmlinuz-6.12.2-test", "vmlinuz 6.12.2-test"},
				{"boot/vmlinuz-6.12.1-test", "vmlinuz 6.12.1-test"},
			}, "boot/vmlinuz-6.12.1-test", "boot image", "zstd, section .BTF", "",
		},
		{
			"dangling build link",
			[][2]string{{"lib/modules/6.12.1-test/build", "-> /home/me/linux"}, {"boot/vmlinuz-6.12.1-test", "vmlinuz 6.12.1-test"}},
			"boot/vmlinuz-6.12.1-test", "boot image", "zstd, section .BTF", "",
		},
		{
			"Fedora",
			[][2]string{{"lib", "-> usr/lib"}, {"usr/lib/modules/6.12.1-test/vmlinuz", "vmlinuz 6.12.1-test"}, {"usr/src/kernels/6.12.1-test/Makefile", "x"}},
			"usr/lib/modules/6.12.1-test/vmlinuz", "boot image", "zstd, section .BTF", "",
		},
		{
			"RHEL, debuginfo",
			[][2]string{{"usr/lib/debug/lib/modules/6.12.1-test/vmlinux", "vmlinux 6.12.1-test"}},
			"usr/lib/debug/lib/modules/6.12.1-test/vmlinux", "debug vmlinux", "section .BTF", "",
		},
		{
			"kernel-install",
			[][2]string{{"boot/0123abc/6.12.1-test/linux", "vmlinuz 6.12.1-test"}},
			"boot/0123abc/6.12.1-test/linux", "boot image", "zstd, section .BTF", "",
		},
		{
			"SUSE",
			[][2]string{{"usr/lib/modules/6.12.1-test/vmlinux.xz", "vmlinuz 6.12.1-test"}, {"boot/vmlinuz-6.12.1-test", "-> ../usr/lib/modules/6.12.1-test/vmlinuz"}},
			"usr/lib/modules/6.12.1-test/vmlinux.xz", "boot image", "zstd, section .BTF", "",
		},
		{
			"SUSE, arm64",
			[][2]string{{"boot/Image-6.12.1-test", "Image 6.12.1-test"}},
			"boot/Image-6.12.1-test", "boot image", "found at 0x61 by its header", "",
		},
		{
			"Arch",
			[][2]string{{"boot/vmlinuz-linux", "vmlinuz 6.12.1-test"}, {"boot/vmlinuz-linux-lts", "vmlinuz 6.6.9-lts"}},
			"boot/vmlinuz-linux", "boot image", "zstd, section .BTF", "",
		},
		{
			"Arch, updated and not rebooted",
			[][2]string{{"boot/vmlinuz-linux", "vmlinuz 6.12.2-test"}},
			"", "", "", "no BTF of kernel 6.12.1-test found below ",
		},
		{
			"Alpine",
			[][2]string{{"boot/vmlinuz-lts", "vmlinuz 6.12.1-test"}, {"boot/vmlinuz-virt", "vmlinuz 6.12.1-virt"}},
			"boot/vmlinuz-lts", "boot image", "zstd, section .BTF", "",
		},
		{
			"NixOS",
			[][2]string{{"run/booted-system/kernel", "-> /nix/store/abc-linux/bzImage"}, {"nix/store/abc-linux/bzImage", "vmlinuz 6.12.1-test"}},
			"nix/store/abc-linux/bzImage", "boot image", "zstd, section .BTF", "",
		},
		{
			"Gentoo",
			[][2]string{{"usr/src/linux-6.12.1-test/vmlinux", "vmlinux 6.12.1-test"}, {"lib/modules/6.12.1-test/build", "-> ../../../usr/src/linux-6.12.1-test"}},
			"usr/src/linux-6.12.1-test/vmlinux", "build tree", "section .BTF", "",
		},
		{
			"genkernel",
			[][2]string{{"boot/kernel-genkernel-x86_64-6.12.1-test", "vmlinuz 6.12.1-test"}},
			"boot/kernel-genkernel-x86_64-6.12.1-test", "boot image", "zstd, section .BTF", "",
		},
		{
			"Ubuntu",
			[][2]string{{"lib", "-> usr/lib"}, {"usr/lib/modules/6.12.1-test/build", "-> /usr/src/linux-headers-6.12.1-test"}, {"usr/src/linux-headers-6.12.1-test/Makefile", "x"}, {"boot/vmlinuz", "-> vmlinuz-6.12.1-test"}, {"boot/vmlinuz-6.12.1-test", "vmlinuz 6.12.1-test"}},
			"boot/vmlinuz-6.12.1-test", "boot image", "zstd, section .BTF", "",
		},
		{
			"ostree",
			[][2]string{{"boot/ostree/default-0123/vmlinuz-6.12.1-test", "vmlinuz 6.12.1-test"}},
			"boot/ostree/default-0123/vmlinuz-6.12.1-test", "boot image", "zstd, section .BTF", "",
		},
		{
			"NixOS, systemd-boot",
			[][2]string{{"boot/EFI/nixos/abc-linux-6.12.1-test-bzImage.efi", "vmlinuz 6.12.1-test"}, {"boot/EFI/nixos/abd-linux-6.12.2-test-bzImage.efi", "vmlinuz 6.12.2-test"}},
			"boot/EFI/nixos/abc-linux-6.12.1-test-bzImage.efi", "boot image", "zstd, section .BTF", "",
		},
		{
			"UKI",
			[][2]string{{"efi/EFI/Linux/arch-linux.efi", "vmlinuz 6.12.1-test"}},
			"efi/EFI/Linux/arch-linux.efi", "boot image", "zstd, section .BTF", "",
		},
		{
			"Raspberry Pi",
			[][2]string{{"boot/firmware/kernel8.img", "Image 6.12.1-v8+"}, {"boot/firmware/kernel_2712.img", "Image 6.12.1-test"}},
			"boot/firmware/kernel_2712.img", "boot image", "found at 0x61 by its header", "",
		},
		{
			"image of another kernel under its name",
			[][2]string{{"boot/vmlinuz-6.12.1-test", "vmlinuz 6.12.2-test"}},
			"", "", "", "boot/vmlinuz-6.12.1-test: holds kernel 6.12.2-test, not 6.12.1-test: install that kernel",
		},
		{
			"tree rebuilt since", [][2]string{
				{"lib/modules/6.12.1-test/build/vmlinux", "bare -"},
				{"lib/modules/6.12.1-test/build/include/config/kernel.release", "6.12.2-test\n"},
				{"boot/vmlinuz-6.12.1-test", "vmlinuz 6.12.1-test"},
			}, "boot/vmlinuz-6.12.1-test", "boot image", "zstd, section .BTF", "",
		},
		{
			"raw BTF copied from sysfs",
			[][2]string{{"lib/modules/6.12.1-test/build/vmlinux", "raw -"}, {"boot/vmlinuz-6.12.1-test", "vmlinuz 6.12.1-test"}},
			"boot/vmlinuz-6.12.1-test", "boot image", "zstd, section .BTF", "",
		},
		{
			"raw BTF and nothing else",
			[][2]string{{"lib/modules/6.12.1-test/build/vmlinux", "raw -"}},
			"lib/modules/6.12.1-test/build/vmlinux", "build tree", "raw BTF", "",
		},
		{
			"cut vmlinux",
			[][2]string{{"lib/modules/6.12.1-test/build/vmlinux", "cut 6.12.1-test"}, {"boot/vmlinuz-6.12.1-test", "vmlinuz 6.12.1-test"}},
			"boot/vmlinuz-6.12.1-test", "boot image", "zstd, section .BTF", "",
		},
		{
			"kernel without BTF",
			[][2]string{{"boot/vmlinuz-6.12.1-test", "nobtf 6.12.1-test"}},
			"", "", "", "boot/vmlinuz-6.12.1-test: the kernel 6.12.1-test in it (zstd) was built without CONFIG_DEBUG_INFO_BTF: no BTF in it: a kernel without BTF takes none from modules",
		},
		{
			"debug vmlinux without content", // SUSE's vmlinux.debug
			[][2]string{{"usr/lib/debug/usr/lib/modules/6.12.1-test/vmlinux.debug", "debug 6.12.1-test"}},
			"", "", "", "vmlinux.debug: no BTF in it: section .BTF is missing or empty: install",
		},
		{
			"nothing", nil, "", "", "", ": there is no vmlinux in /lib/modules/6.12.1-test/build or /usr/lib/debug and no kernel of that release in /boot or /lib/modules/6.12.1-test: install",
		},
		{
			"links in a circle",
			[][2]string{{"boot/vmlinuz-6.12.1-test", "-> vmlinuz-x"}, {"boot/vmlinuz-x", "-> vmlinuz-6.12.1-test"}},
			"", "", "", "there is no vmlinux",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := tree(t, tt.files)
			got, err := Find(Options{Release: want, Sysroot: dir})
			if tt.path == "" {
				if err == nil {
					t.Fatalf("found %s", got)
				}
				if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), tt.msg) {
					t.Errorf("error %v, want %s", err, tt.msg)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Path != filepath.Join(dir, tt.path) || got.How != tt.how || got.Data.From != tt.from || got.Release != want || got.Data.Release != want {
				t.Errorf("got %s, want %s (%s: %s)", got, tt.path, tt.how, tt.from)
			}
		})
	}
}

func TestKernelDir(t *testing.T) {
	dir := tree(t, [][2]string{
		{"ours/vmlinux", "bare -"},
		{"ours/include/config/kernel.release", want + "\n"},
		{"old/vmlinux", "bare -"},
		{"old/include/generated/utsrelease.h", "#define UTS_RELEASE \"" + want + "\"\n"},
		{"theirs/vmlinux", "vmlinux 6.12.2-test"},
		{"theirs/include/config/kernel.release", "6.12.2-test\n"},
		{"headers/include/config/kernel.release", want + "\n"},
		{"copied/vmlinux", "raw -"},
		{"copied/include/config/kernel.release", want + "\n"},
		{"none/Makefile", "x"},
		{"boot/vmlinuz-" + want, "vmlinuz " + want},
	})
	tests := []struct{ name, tree, release, path, msg string }{
		{"release of the tree", "ours", "", "ours/vmlinux", ""},
		{"older tree", "old", "", "old/vmlinux", ""},
		{"the release", "ours", want, "ours/vmlinux", ""},
		{"another release", "theirs", want, "", "theirs/vmlinux: holds kernel 6.12.2-test, not 6.12.1-test"},
		{"no vmlinux in it", "headers", "", "boot/vmlinuz-" + want, ""},
		{"raw BTF", "copied", "", "copied/vmlinux", ""},
		{"not built", "none", "", "", "none: no include/config/kernel.release in it: not a kernel's build tree, or not built"},
		{"not built, with a release", "none", want, "boot/vmlinuz-" + want, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Find(Options{Release: tt.release, Sysroot: dir, KernelDir: filepath.Join(dir, tt.tree)})
			switch {
			case tt.msg != "":
				if err == nil || !strings.HasSuffix(err.Error(), tt.msg) {
					t.Errorf("error %v, want %s", err, tt.msg)
				}
			case err != nil:
				t.Error(err)
			case got.Path != filepath.Join(dir, tt.path):
				t.Errorf("got %s, want %s", got, tt.path)
			}
		})
	}
}

// TestNowhere says where it was looked, and what else can be done.
func TestNowhere(t *testing.T) {
	dir := tree(t, [][2]string{{"headers/Makefile", "x"}, {"old/vmlinux", "cut 6.12.1-test"}, {"empty/x", "x"}, {"boot/vmlinuz-" + want, "vmlinuz 6.12.2-test"}})
	t.Chdir(dir)
	for _, tt := range []struct {
		name, sysroot, tree, msg string
	}{
		{"with a build tree", "empty", "headers", "found below empty: there is no vmlinux in headers, /lib/modules/6.12.1-test/build or /usr/lib/debug and no kernel"},
		{"with a build tree, another kernel", ".", "headers", "found below .: there is no vmlinux in headers; boot/vmlinuz-6.12.1-test: holds kernel 6.12.2-test, not 6.12.1-test: install"},
		{"vmlinux cut off", "./empty/", "old/", "found below ./empty/: old/vmlinux: "},
		{"no such system", "missing", "", "missing: no directory in which a system could lie"},
		{"no directory", "empty/x", "", "empty/x: no directory in which a system could lie"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Find(Options{Release: want, Sysroot: tt.sysroot, KernelDir: tt.tree})
			if err == nil || !strings.Contains(err.Error(), tt.msg) {
				t.Errorf("%v, want %q", err, tt.msg)
			}
		})
	}
	f := finder{Options: Options{Release: "0.0-mkbtf"}, running: "0.0-mkbtf", sysfs: filepath.Join(dir, "none")}
	if _, err := f.find(); err == nil || !strings.Contains(err.Error(), "; the running kernel has no /sys/kernel/btf/vmlinux: install") {
		t.Errorf("running kernel: %v", err)
	}
}

// TestRelativeSysroot takes the directory of a system as it is written.
func TestRelativeSysroot(t *testing.T) {
	t.Chdir(tree(t, [][2]string{
		{"sys/boot/vmlinuz-" + want, "-> /kernels/image"}, {"sys/kernels/image", "vmlinuz " + want}, {"sys/x/y", "x"},
	}))
	for _, tt := range []struct{ dir, sysroot, path string }{
		{".", "sys", "sys/kernels/image"},
		{".", "./sys/", "sys/kernels/image"},
		{"sys", ".", "kernels/image"},
		{"x", "..", "../kernels/image"},
	} {
		t.Chdir(tt.dir)
		got, err := Find(Options{Release: want, Sysroot: tt.sysroot})
		switch {
		case err != nil:
			t.Errorf("%s: %v", tt.sysroot, err)
		case got.Path != tt.path:
			t.Errorf("%s: found %s, want %s", tt.sysroot, got.Path, tt.path)
		}
	}
}

// TestSysfs takes what the running kernel shows for that kernel only, and not for a
// system in another directory.
func TestSysfs(t *testing.T) {
	dir := tree(t, [][2]string{{"btf/vmlinux", "raw -"}, {"empty/x", "x"}})
	shown := filepath.Join(dir, "btf/vmlinux")
	for _, tt := range []struct {
		name, running, sysroot string
		found                  bool
	}{
		{"running", "0.0-mkbtf", "", true},
		{"another one", "0.0-other", "", false},
		{"another system", "0.0-mkbtf", filepath.Join(dir, "empty"), false},
	} {
		f := finder{Options: Options{Release: "0.0-mkbtf", Sysroot: tt.sysroot}, running: tt.running, sysfs: shown}
		got, err := f.find()
		if (err == nil) != tt.found {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		} else if err == nil && (got.How != "running kernel" || got.Path != shown || got.Release != "0.0-mkbtf") {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

func TestStrangeReleases(t *testing.T) {
	for _, release := range []string{"", ".", "..", "../../etc", "6.*", "a/b"} {
		if got, err := Find(Options{Release: release, Sysroot: t.TempDir()}); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v, %v", release, got, err)
		}
	}
}

func TestReleaseErrorIs(t *testing.T) {
	_, err := Find(Options{Release: want, Sysroot: tree(t, [][2]string{{"boot/vmlinuz-" + want, "vmlinuz 6.12.2-test"}})})
	if !errors.Is(err, ErrRelease) {
		t.Errorf("%v does not match ErrRelease", err)
	}
}
