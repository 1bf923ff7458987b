package kernel

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	sizes "mkbtf/internal/compare"
)

// startTrace records what the kernel allocates and frees, stopTrace prints what has to do
// with BTF.
const (
	startTrace = `mount -t tracefs t /sys/kernel/tracing 2>/dev/null; cd /sys/kernel/tracing; echo 8000 > buffer_size_kb
for e in kmalloc kfree kmem_cache_alloc; do echo 1 > events/kmem/$e/enable; done; echo > trace; echo 1 > tracing_on`
	stopTrace = `cd /sys/kernel/tracing; echo 0 > tracing_on; grep -E 'btf|kvmemdup|kvmalloc|kernfs_new' trace; rmmod veth`
)

// TestMemory inserts a module with BTF of each form and holds what the kernel then has
// allocated for it, as its own tracepoints tell, against what mkbtf compare says.
func TestMemory(t *testing.T) {
	k := needDebug(t)
	module := filepath.Join(k.modules(), "drivers/net/veth.ko")
	out, err := exec.Command(program, "compare", "-b", k.vmlinux(), "--compress", "none", "--json", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	r := new(sizes.Report)
	if err := json.Unmarshal(out, r); err != nil {
		t.Fatal(err)
	}
	for id, args := range map[sizes.FormID][]string{
		sizes.FormSplit:     {"-f", "split", "-b", k.vmlinux()},
		sizes.FormDistilled: {"-f", "distilled", "-b", k.vmlinux()},
		sizes.FormAll:       {"-f", "self-contained"},
	} {
		t.Run(string(id), func(t *testing.T) {
			ko := filepath.Join(t.TempDir(), "veth.ko")
			mkbtf(t, append(append([]string{"encode"}, args...), "-o", ko, module)...)
			g := boot(t, k, "run="+startTrace, ko, "run="+stopTrace)
			if !g.said("insmod veth ok") {
				t.Fatalf("not loaded:\n%s", g)
			}
			got, err := keptForBTF(g.lines)
			if err != nil {
				t.Fatalf("%v:\n%s", err, g)
			}
			if want := r.Modules[0].Size(id).Memory; got != want {
				t.Errorf("the kernel keeps %d bytes, mkbtf compare says %d:\n%s", got, want, g)
			}
		})
	}
}

var traced = regexp.MustCompile(`(kmalloc|kmem_cache_alloc|kfree): call_site=(\w+).* ptr=(\w+)(?:.* bytes_alloc=(\d+))?`)

// keptForBTF adds up what was allocated and not freed again while a module's BTF was
// loaded: from the first allocation of btf_module_notify to that of the file in /sys.
func keptForBTF(lines []string) (int64, error) {
	live := map[string]int64{}
	begun := false
	for _, l := range lines {
		m := traced.FindStringSubmatch(l)
		if m == nil || !strings.HasPrefix(l, "out ") {
			continue
		}
		begun = begun || m[2] == "btf_module_notify"
		if !begun {
			continue
		}
		if m[1] == "kfree" {
			delete(live, m[3])
			continue
		}
		n, err := strconv.ParseInt(m[4], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q: %w", l, err)
		}
		live[m[3]] = n
		if m[1] == "kmem_cache_alloc" && m[2] == "__kernfs_new_node" {
			sum := int64(0)
			for _, n := range live {
				sum += n
			}
			return sum, nil
		}
	}
	return 0, fmt.Errorf("no file in /sys was made for BTF")
}
