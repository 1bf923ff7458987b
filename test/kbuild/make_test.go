package kbuild

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestExample builds examples/kbuild in its two ways, and the first one also without
// a vmlinux in the headers, as most distributions ship them.
func TestExample(t *testing.T) {
	h := needHeaders(t)
	bare := h.withoutVMLinux(t)
	for _, tt := range []struct {
		name    string
		headers headers
		args    []string
		form    string
	}{
		{"own rule", h, []string{"btf"}, "distilled"},
		{"own rule, parallel, self-contained", h, []string{"-j3", "btf", "FORM=self-contained"}, "self-contained"},
		{"own rule, no vmlinux", bare, []string{"btf"}, "distilled"},
		{"own rule, no vmlinux, split", bare, []string{"btf", "FORM=split"}, "split"},
		{"within kbuild", h, []string{"kbuild"}, "distilled"},
		{"within kbuild, split", h, []string{"kbuild", "FORM=split"}, "split"},
		{"within kbuild, self-contained", h, []string{"-j2", "kbuild", "FORM=self-contained"}, "self-contained"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.headers == bare && !bootable(h) {
				t.Skip("there is no kernel image that fits the headers, and so no other place where the kernel's BTF is")
			}
			dir := source(t, "examples/kbuild")
			make := append([]string{"make", "-C", dir, "KDIR=" + tt.headers.dir, "MKBTF=" + program}, tt.args...)
			out := mustRun(t, nil, make...)
			if strings.Contains(out, "Skipping") || strings.Contains(out, "warning") {
				t.Errorf("make says:\n%s", out)
			}
			ko := filepath.Join(dir, "demo.ko")
			wantForm(t, h, ko, tt.form)
			if dump := mustRun(t, nil, program, "dump", "-b", h.vmlinux(), ko); !strings.Contains(dump, "FUNC 'demo_count'") || !strings.Contains(dump, "STRUCT 'demo_counter'") {
				t.Errorf("the BTF lacks what the module defines:\n%s", dump)
			}
			// A second time nothing changes.
			before, err := os.Stat(ko)
			if err != nil {
				t.Fatal(err)
			}
			mustRun(t, nil, make...)
			if after, err := os.Stat(ko); err != nil || after.ModTime() != before.ModTime() {
				t.Errorf("written again: %v", err)
			}
		})
	}
}

// bootable reports whether there is an image of the kernel.
func bootable(h headers) bool {
	_, err := os.Stat("/boot/vmlinuz-" + h.release)
	return err == nil
}

// TestPahole lets kbuild call mkbtf for pahole: alone, with the headers' own
// resolve_btfids behind it, and below a wrapper. Modules with kfuncs get the same ids
// whoever fills them in.
func TestPahole(t *testing.T) {
	h := needHeaders(t)
	wrapper := filepath.Join(t.TempDir(), "wrapper.sh")
	if err := os.WriteFile(wrapper, []byte("#!/bin/sh\nexec \"$ORIG_PAHOLE\" --lang_exclude=rust,c++ \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	pahole := "PAHOLE=" + filepath.Join(links, "pahole")
	btfids := "RESOLVE_BTFIDS=" + filepath.Join(links, "resolve_btfids")
	got := map[string][][]byte{}
	for _, tt := range []struct {
		name, form string
		args       []string
	}{
		{"both", "split", []string{pahole, btfids}},
		{"real resolve_btfids", "split", []string{pahole}},
		{"mkbtf by its own name", "split", []string{"PAHOLE=" + program, btfids}},
		{"wrapper", "split", []string{"PAHOLE=" + wrapper, btfids}},
		{"verbose, parallel", "split", []string{pahole, btfids, "V=1", "-j4"}},
		{"distilled", "distilled", []string{pahole, btfids}},
		{"distilled, real resolve_btfids", "distilled", []string{pahole}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := source(t, "testdata/module")
			env := []string{"ORIG_PAHOLE=" + program}
			if tt.form != "split" {
				env = append(env, "MKBTF_FORM="+tt.form)
			}
			out := mustRun(t, env, append([]string{"make", "-C", h.dir, "M=" + dir, "modules"}, tt.args...)...)
			if strings.Contains(out, "WARN") || strings.Contains(out, "mkbtf: ") || !strings.Contains(out, "BTF [M]") {
				t.Errorf("make says:\n%s", out)
			}
			for _, name := range []string{"hello.ko", "kfuncs.ko"} {
				ko := filepath.Join(dir, name)
				wantForm(t, h, ko, tt.form)
				data := sections(t, ko, ".BTF", ".BTF.base", ".BTF_ids")
				key := tt.form + name
				if got[key] == nil {
					got[key] = data
				} else if !reflect.DeepEqual(got[key], data) {
					t.Errorf("%s differs from that of the first way", name)
				}
			}
		})
	}
}

// TestPaholeFails makes sure that kbuild notices, which it does not with pahole, and
// that no module is left behind.
func TestPaholeFails(t *testing.T) {
	h := needHeaders(t)
	bad := h.withoutVMLinux(t)
	data, err := os.ReadFile(h.vmlinux())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bad.vmlinux(), data[:len(data)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	dir := source(t, "examples/kbuild")
	out, err := command(t, nil, "make", "-C", bad.dir, "M="+dir, "PAHOLE="+filepath.Join(links, "pahole"), "RESOLVE_BTFIDS=true", "modules")
	if err == nil || !strings.Contains(out, "mkbtf: "+filepath.Join(dir, "demo.ko")+": ") {
		t.Errorf("make: %v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "demo.ko")); err == nil {
		t.Error("demo.ko is there")
	}
}

// TestVersion asks as the kernel's configuration does: the answer changes nothing.
func TestVersion(t *testing.T) {
	h := needHeaders(t)
	config, err := os.ReadFile(filepath.Join(h.dir, ".config"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(config), "CONFIG_PAHOLE_VERSION=")
	want, _, _ := strings.Cut(rest, "\n")
	out := mustRun(t, nil, "sh", "-c", "cd "+h.dir+" && scripts/pahole-version.sh "+filepath.Join(links, "pahole"))
	if strings.TrimSpace(out) != want || want == "" {
		t.Errorf("got %q, the kernel has %q", out, want)
	}
}
