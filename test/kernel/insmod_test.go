package kernel

import (
	"bytes"
	"path/filepath"
	"testing"

	"mkbtf/internal/object"
	"mkbtf/internal/verify"
)

// TestInsmod inserts hello.ko with BTF of each form into the kernel it is for, and
// compares what the kernel then holds with what was written: the same bytes for
// split BTF, for the others what internal/verify says that relocation makes of them.
func TestInsmod(t *testing.T) {
	k := needDebug(t)
	vmlinux := k.base(t).Data
	for _, tt := range []struct{ form, keep string }{
		{"split", "all"},
		{"distilled", "all"},
		{"distilled", "own"},
		{"self-contained", "all"},
		{"self-contained", "own"},
	} {
		t.Run(tt.form+"/"+tt.keep, func(t *testing.T) {
			ko := filepath.Join(t.TempDir(), "hello.ko")
			args := []string{"encode", "--form", tt.form, "--keep", tt.keep, "-o", ko}
			if tt.form != "self-contained" {
				args = append(args, "-b", k.vmlinux())
			}
			mkbtf(t, append(args, filepath.Join(root, "testdata/hello.ko"))...)
			data, err := object.LoadBTF(ko)
			if err != nil {
				t.Fatal(err)
			}
			if (data.Base == nil) != (tt.form == "split") {
				t.Errorf(".BTF.base has %d bytes", len(data.Base))
			}
			want := data.BTF
			if data.Base != nil {
				if want, _, err = verify.Relocate(data.BTF, data.Base, vmlinux); err != nil {
					t.Fatal(err)
				}
			}
			g := boot(t, k, "-f", ko, "run=echo works > /dev/hello; cat /dev/hello")
			if !g.said("insmod hello ok") || !g.said("out works") {
				t.Fatalf("not loaded:\n%s", g)
			}
			got := g.exposed(t, "hello")
			if got == nil {
				t.Fatalf("the kernel dropped the BTF:\n%s", g)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("/sys/kernel/btf/hello has %d bytes that differ from the %d expected", len(got), len(want))
			}
			if g.logged("BPF:") || g.logged("BTF mismatch") {
				t.Errorf("the kernel complains:\n%s", g)
			}
		})
	}
}
