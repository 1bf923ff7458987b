package kbuild

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGenBTF runs the script that makes BTF in kernels from 7.0 on, with the options
// that 7.2 passes, on modules that were built for 6.12: the compiler of the 7.x
// headers is not to be had here.
func TestGenBTF(t *testing.T) {
	h := needHeaders(t)
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("needs apt-get to fetch the kernel's scripts")
	}
	genBTF := filepath.Join(script(t, "fetch-kbuild.sh", "7"), "scripts/gen-btf.sh")
	dir := source(t, "testdata/module")
	mustRun(t, nil, "make", "-C", h.dir, "M="+dir, "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules")
	for _, tt := range []struct {
		name, form string
		env        []string
		flags      string // of resolve_btfids
	}{
		{"in the tree", "split", nil, ""},
		{"external module", "distilled", nil, "--distill_base"},
		{"external module, fatal warnings", "distilled", nil, "--fatal_warnings --distill_base --verbose"},
		{"wanted split", "split", []string{"MKBTF_FORM=split"}, "--distill_base"},
		{"wanted self-contained", "self-contained", []string{"MKBTF_FORM=self-contained"}, "--distill_base"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"hello.ko", "kfuncs.ko"} {
				work := plainDir(t)
				ko := filepath.Join(work, name)
				data, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(ko, data, 0o644); err != nil {
					t.Fatal(err)
				}
				env := append([]string{
					"objtree=" + h.dir, "srctree=" + h.dir, "OBJCOPY=objcopy", "CC=gcc", "KBUILD_VERBOSE=",
					"PAHOLE=" + filepath.Join(links, "pahole"), "RESOLVE_BTFIDS=" + filepath.Join(links, "resolve_btfids"),
					"PAHOLE_FLAGS=-j4 --btf_features=encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func,decl_tag_kfuncs --btf_features=attributes --btf_features=layout -j4 --lang_exclude=rust",
					"RESOLVE_BTFIDS_FLAGS=" + tt.flags,
				}, tt.env...)
				mustRun(t, env, "sh", genBTF, "--btf_base", h.vmlinux(), ko)
				v := state(t, h, ko)
				if v.Form != tt.form || v.Outcome != "loads" {
					t.Errorf("%s: want form %s, got %s: %s", name, tt.form, v.Form, v.Line())
				}
				if left, _ := filepath.Glob(filepath.Join(work, "*")); len(left) != 1 {
					t.Errorf("files left: %q", left)
				}
				if name != "kfuncs.ko" {
					continue
				}
				// What encode writes at once, in another way: the same ids.
				other := filepath.Join(work, "other.ko")
				mustRun(t, nil, program, "encode", "--form", tt.form, "-b", h.vmlinux(), "-o", other, filepath.Join(dir, name))
				if a, b := sections(t, ko, ".BTF_ids")[0], sections(t, other, ".BTF_ids")[0]; tt.form == "split" && !bytes.Equal(a, b) {
					t.Errorf(".BTF_ids: gen-btf.sh %x, encode %x", a, b)
				}
			}
		})
	}
}
