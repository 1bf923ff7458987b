package kernel

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestKfuncCalls inserts kfuncs.ko, whose BTF and .BTF_ids come from mkbtf alone, and
// runs BPF programs: one that calls its functions, and one on the entry of a
// function that reads a member of the struct behind its argument. Both work in every
// form. Handing the module a type of the kernel works where the module has no copy
// of it.
func TestKfuncCalls(t *testing.T) {
	k := needDebug(t)
	caller := filepath.Join(t.TempDir(), "caller")
	cmd := exec.Command("go", "build", "-trimpath", "-o", caller, "./test/kernel/caller")
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, tt := range []struct {
		form string
		args []string
		pid  bool
	}{
		{"split", []string{"-b", k.vmlinux()}, true},
		{"distilled", []string{"-b", k.vmlinux()}, true},
		{"self-contained", nil, false},
		{"self-contained", []string{"-b", k.vmlinux(), "--keep", "own"}, false},
	} {
		t.Run(strings.Join(append([]string{tt.form}, tt.args[min(2, len(tt.args)):]...), " "), func(t *testing.T) {
			ko := filepath.Join(t.TempDir(), "kfuncs.ko")
			mkbtf(t, append(append([]string{"encode", "--form", tt.form, "-o", ko}, tt.args...), filepath.Join(root, "testdata/kfuncs.ko"))...)
			g := boot(t, k, "-f", ko, "file="+caller, "run=/caller")
			for _, want := range []string{"call returns 5", "call returns 10", "entry sees value 5 amount 5 calls 2"} {
				if !g.said("out " + want) {
					t.Errorf("the program does not print %q", want)
				}
			}
			var pid, of int
			for _, l := range g.lines {
				if n, _ := fmt.Sscanf(l, "out pid_of returns %d of %d", &pid, &of); n == 2 {
					break
				}
			}
			switch {
			case tt.pid && (pid == 0 || pid != of):
				t.Errorf("kfuncs_pid_of gives %d for thread %d", pid, of)
			case !tt.pid && !g.said("out pid_of refused"):
				t.Error("the kernel takes its task_struct for the module's own")
			}
			if t.Failed() {
				t.Logf("the guest said:\n%s", g)
			}
		})
	}
}
