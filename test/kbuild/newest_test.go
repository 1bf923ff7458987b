package kbuild

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newest is a Debian system with the newest kernel's headers, the compiler that they
// want, and mkbtf.
type newest struct {
	dir    string
	kernel headers // in the system
}

func needNewest(t *testing.T) *newest {
	t.Helper()
	needRoot(t)
	n := &newest{dir: debianRoot(t, "sid", "make", "gcc", "linux-headers-amd64")}
	found, err := filepath.Glob(filepath.Join(n.dir, "lib/modules/*/build"))
	if err != nil || len(found) != 1 {
		t.Fatalf("headers: %q, %v", found, err)
	}
	release := filepath.Base(filepath.Dir(found[0]))
	n.kernel = headers{release, "/lib/modules/" + release + "/build"}
	n.copy(t, program, "usr/bin/mkbtf", 0o755)
	inRoot(t, n.dir, "mkbtf", "kbuild-links", "/links")
	return n
}

func (n *newest) copy(t *testing.T, from, to string, perm os.FileMode) {
	t.Helper()
	to = filepath.Join(n.dir, to)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, []byte(readFile(t, from)), perm); err != nil {
		t.Fatal(err)
	}
}

// sources puts the sources of modules into an empty directory of the system.
func (n *newest) sources(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(n.dir, to)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, from, "*"))
	if err != nil || files == nil {
		t.Fatalf("%s: %v", from, err)
	}
	for _, f := range files {
		n.copy(t, f, filepath.Join(to, filepath.Base(f)), 0o644)
	}
}

// state is what package check says of a module. The headers are seen from outside.
func (n *newest) wantForm(t *testing.T, ko, form string) {
	t.Helper()
	real := filepath.Join(n.dir, "usr/src/linux-headers-"+n.kernel.release)
	v := state(t, headers{n.kernel.release, real}, filepath.Join(n.dir, ko))
	if v.Form != form || v.Outcome != "loads" || len(v.Warnings) > 0 {
		t.Errorf("%s: want form %s that loads, got form %s: %s", ko, form, v.Form, v.Line())
	}
}

// wrapper stands between kbuild and pahole as NVIDIA's pahole.sh does: it joins
// --lang_exclude with a language of its own, puts it first, forgives errors, and lets
// all that is no encoding through.
const wrapper = `#!/bin/bash
encodes= languages= args=()
for arg; do
	case $arg in
	-J) encodes=1 ;;
	--lang_exclude=*) languages=${arg#*=}, && continue ;;
	esac
	args+=("$arg")
done
[ "$encodes" ] || exec "$ORIG_PAHOLE" "$@"
"$ORIG_PAHOLE" --lang_exclude="${languages}c++" "${args[@]}" || echo "wrapper: pahole failed"
exit 0
`

// TestNewest builds modules for the newest kernel with its own compiler: from 7.0 on
// kbuild lets pahole write a file and resolve_btfids make the BTF of it.
func TestNewest(t *testing.T) {
	n := needNewest(t)
	if err := os.WriteFile(filepath.Join(n.dir, "wrapper"), []byte(wrapper), 0o755); err != nil {
		t.Fatal(err)
	}
	const pahole, btfids = "PAHOLE=/links/pahole", "RESOLVE_BTFIDS=/links/resolve_btfids"
	first := map[string][]byte{}
	for _, tt := range []struct {
		name, form string
		env        []string
		args       []string
	}{
		{"both", "distilled", nil, []string{pahole, btfids}},
		{"wrapper", "distilled", []string{"ORIG_PAHOLE=/links/pahole"}, []string{"PAHOLE=/wrapper", btfids}},
		{"fatal warnings, parallel", "distilled", nil, []string{pahole, btfids, "CONFIG_WERROR=y", "-j3"}},
		{"real resolve_btfids", "distilled", nil, []string{pahole}},
		{"real pahole", "distilled", nil, []string{btfids}},
		{"split", "split", []string{"MKBTF_FORM=split"}, []string{pahole, btfids}},
		{"self-contained", "self-contained", []string{"MKBTF_FORM=self-contained"}, []string{pahole, btfids}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n.sources(t, "testdata/module", "module")
			out := inRoot(t, n.dir, append(append(tt.env, "make", "-C", n.kernel.dir, "M=/module", "modules"), tt.args...)...)
			// with mkbtf for pahole the version is no other than before
			if strings.Contains(out, "mkbtf: ") || strings.Contains(out, "WARN") || strings.Contains(out, "pahole") || !strings.Contains(out, "BTF [M] kfuncs.ko\n") {
				t.Errorf("make says:\n%s", out)
			}
			for _, ko := range []string{"module/hello.ko", "module/kfuncs.ko"} {
				n.wantForm(t, ko, tt.form)
				if strings.HasPrefix(tt.name, "real") || tt.form != "distilled" {
					continue // another program, another order
				}
				data := bytes.Join(sections(t, filepath.Join(n.dir, ko), ".BTF", ".BTF.base", ".BTF_ids"), nil)
				if first[ko] == nil {
					first[ko] = data
				} else if !bytes.Equal(first[ko], data) {
					t.Errorf("%s differs from that of the first way", ko)
				}
			}
		})
	}
	for _, way := range []string{"btf", "kbuild"} {
		t.Run("example, "+way, func(t *testing.T) {
			n.sources(t, "examples/kbuild", "demo")
			inRoot(t, n.dir, "make", "-j2", "-C", "/demo", "KDIR="+n.kernel.dir, way)
			n.wantForm(t, "demo/demo.ko", "distilled")
		})
	}
}
