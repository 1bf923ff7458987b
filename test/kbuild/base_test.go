package kbuild

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/internal/check"
)

// TestBaseELF puts what "mkbtf base --elf" writes in the place of the vmlinux that
// headers should have: kbuild, pahole, resolve_btfids and mkbtf make the same of it as
// of the one that Debian ships. The kernel is installed and need not run.
func TestBaseELF(t *testing.T) {
	h := needHeaders(t)
	if !bootable(h) {
		t.Skip("there is no kernel image that fits the headers, and so no other place where the kernel's BTF is")
	}
	image := plainDir(t)
	mustRun(t, nil, "mkdir", image+"/boot")
	mustRun(t, nil, "cp", "/boot/vmlinuz-"+h.release, image+"/boot/")
	made := h.withoutVMLinux(t)
	out := mustRun(t, nil, program, "base", "-v", "-k", h.release, "--sysroot", image, "--elf", "-o", made.vmlinux())
	if !strings.Contains(out, "(boot image: bzImage, ") {
		t.Errorf("the BTF is not out of the boot image:\n%s", out)
	}
	for _, tt := range []struct {
		name  string
		needs string
		args  []string
	}{
		{"pahole and resolve_btfids", "pahole", nil},
		{"mkbtf for both", "make", []string{"PAHOLE=" + filepath.Join(links, "pahole"), "RESOLVE_BTFIDS=" + filepath.Join(links, "resolve_btfids")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := exec.LookPath(tt.needs); err != nil {
				t.Skip(tt.needs + " is not installed")
			}
			var dirs []string
			for _, tree := range []headers{h, made} {
				dir := source(t, "testdata/module")
				dirs = append(dirs, dir)
				out := mustRun(t, nil, append([]string{"make", "-C", tree.dir, "M=" + dir, "modules"}, tt.args...)...)
				if strings.Contains(out, "Skipping") || strings.Contains(out, "WARN") || !strings.Contains(out, "BTF [M]") {
					t.Errorf("make says:\n%s", out)
				}
			}
			for _, name := range []string{"hello.ko", "kfuncs.ko"} {
				a, b := filepath.Join(dirs[0], name), filepath.Join(dirs[1], name)
				if v := state(t, h, b); v.Outcome != check.Loads || v.Form == "" {
					t.Errorf("%s: %s", name, v.Line())
				}
				// pahole -j does not write types in the same order each time.
				mustRun(t, nil, program, "diff", "-b", h.vmlinux(), a, b)
			}
		})
	}
}
