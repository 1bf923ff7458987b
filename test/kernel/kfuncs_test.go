package kernel

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/object"
)

// TestKfuncs inserts kfuncs.ko with BTF of each form. The module prints the ids
// that it finds in its .BTF_ids, which must be those of its BTF, and the kernel
// must register its functions under them.
func TestKfuncs(t *testing.T) {
	k := needDebug(t)
	for _, form := range []string{"split", "distilled", "self-contained"} {
		t.Run(form, func(t *testing.T) {
			ko := filepath.Join(t.TempDir(), "kfuncs.ko")
			args := []string{"encode", "--form", form, "-o", ko}
			if form != "self-contained" {
				args = append(args, "-b", k.vmlinux())
			}
			mkbtf(t, append(args, filepath.Join(root, "testdata/kfuncs.ko"))...)
			data, err := object.LoadBTF(ko)
			if err != nil {
				t.Fatal(err)
			}
			base := k.base(t)
			if data.Base != nil {
				if base, err = btf.Parse(data.Base, nil); err != nil {
					t.Fatal(err)
				}
			}
			blob, err := btf.Parse(data.BTF, base)
			if err != nil {
				t.Fatal(err)
			}
			want := kfuncsLines(t, blob)
			g := boot(t, k, "-f", ko)
			var got []string
			for _, l := range g.lines {
				if _, said, ok := strings.Cut(l, "] kfuncs: "); ok && strings.HasPrefix(l, "log ") {
					got = append(got, said)
				}
			}
			for _, w := range want {
				if !slices.Contains(got, w) {
					t.Errorf("the module does not print %q", w)
				}
			}
			if t.Failed() || g.logged("missing module BTF") || g.logged("BPF:") {
				t.Errorf("the guest said:\n%s", g)
			}
		})
	}
}

// kfuncsLines is what kfuncs.c prints if .BTF_ids agrees with the BTF.
func kfuncsLines(t *testing.T, blob *btf.Blob) []string {
	t.Helper()
	id := func(kind btf.Kind, name string) btf.ID {
		for i := btf.ID(1); i < blob.End(); i++ {
			if r := blob.Record(i); r.Kind() == kind && string(blob.StringAt(r.NameOff)) == name {
				return i
			}
		}
		t.Errorf("no %s %s", kind, name)
		return 0
	}
	function := func(name string) btf.ID { return id(btf.Func, name) }
	return []string{
		fmt.Sprintf("tracing %d 2", function("kfuncs_release")),
		fmt.Sprintf("tracing %d 5", function("kfuncs_acquire")),
		fmt.Sprintf("tracing %d 20", function("kfuncs_add")),
		fmt.Sprintf("syscall %d 10", function("kfuncs_pid_of")),
		fmt.Sprintf("syscall %d 5", function("kfuncs_acquire")),
		fmt.Sprintf("syscall %d 2", function("kfuncs_release")),
		fmt.Sprintf("syscall %d 20", function("kfuncs_add")),
		fmt.Sprintf("dtor %d %d", id(btf.Struct, "kfuncs_counter"), function("kfuncs_release_dtor")),
		fmt.Sprintf("plain %d", function("kfuncs_pid_of")),
		fmt.Sprintf("plain %d", function("kfuncs_add")),
		fmt.Sprintf("list 0 %d", id(btf.Struct, "task_struct")),
		"register tracing 0",
		"register syscall 0",
		"register dtor 0",
	}
}
