package verify

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// libbpfRelocate builds testdata/libbpf_relocate.c, or takes the command in
// MKBTF_LIBBPF_RELOCATE.
func libbpfRelocate(t *testing.T) string {
	t.Helper()
	if cmd := os.Getenv("MKBTF_LIBBPF_RELOCATE"); cmd != "" {
		return cmd
	}
	if err := exec.Command("pkg-config", "--atleast-version=1.5", "libbpf").Run(); err != nil {
		t.Skip("no libbpf of version 1.5 or later to compare with, and MKBTF_LIBBPF_RELOCATE is not set")
	}
	bin := filepath.Join(t.TempDir(), "relocate")
	if out, err := exec.Command("cc", "-o", bin, "testdata/libbpf_relocate.c", "-lbpf").CombinedOutput(); err != nil {
		t.Skipf("cannot build the comparison with libbpf: %v\n%s", err, out)
	}
	return bin
}

// relocation that libbpf is asked for, and its answer.
type libbpfJob struct {
	split, base, vmlinux []byte
	out                  []byte // nil if refused
	log                  string
}

func runLibbpf(t *testing.T, jobs []libbpfJob) {
	t.Helper()
	cmd := exec.Command(libbpfRelocate(t))
	dir := t.TempDir()
	var in, out bytes.Buffer
	kernels := map[string]string{}
	file := func(name string, data []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for i, j := range jobs {
		k := kernels[string(j.vmlinux)]
		if k == "" {
			k = file(fmt.Sprint("vmlinux", i), j.vmlinux)
			kernels[string(j.vmlinux)] = k
		}
		fmt.Fprintln(&in, file(fmt.Sprint("btf", i), j.split), file(fmt.Sprint("base", i), j.base), k, filepath.Join(dir, fmt.Sprint("out", i)))
	}
	cmd.Stdin, cmd.Stdout = &in, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	text := out.String()
	for i := range jobs {
		end := strings.Index(text, "result ")
		if u := strings.Index(text, "unreadable"); u >= 0 && (end < 0 || u < end) {
			end = u
		}
		if end < 0 {
			t.Fatalf("no answer for job %d", i)
		}
		n := end + strings.IndexByte(text[end:], '\n')
		jobs[i].log = text[:n]
		text = text[n+1:]
		if strings.HasSuffix(jobs[i].log, "result 0") {
			var err error
			if jobs[i].out, err = os.ReadFile(filepath.Join(dir, fmt.Sprint("out", i))); err != nil {
				t.Fatal(err)
			}
		}
	}
}
