package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A guest is what a boot with scripts/qemu.sh has printed.
type guest struct {
	lines []string
	dir   string // NAME.btf as /sys/kernel/btf/NAME has it
}

// boot runs a kernel in QEMU with the items of scripts/qemu.sh.
func boot(t *testing.T, k kernel, items ...string) guest {
	t.Helper()
	g := guest{dir: t.TempDir()}
	cmd := exec.Command(filepath.Join(root, "scripts/qemu.sh"), append([]string{"-t", "300", "-o", g.dir, k.image()}, items...)...)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("qemu.sh: %v\n%s%s", err, out, messages.Bytes())
	}
	g.lines = strings.Split(strings.TrimSpace(string(out)), "\n")
	return g
}

// said reports whether a line starts with prefix.
func (g guest) said(prefix string) bool {
	for _, l := range g.lines {
		if strings.HasPrefix(l, prefix) {
			return true
		}
	}
	return false
}

// logged reports whether a line of the kernel's log contains text.
func (g guest) logged(text string) bool {
	for _, l := range g.lines {
		if strings.HasPrefix(l, "log ") && strings.Contains(l, text) {
			return true
		}
	}
	return false
}

// exposed is /sys/kernel/btf/NAME of the guest, nil if there was none.
func (g guest) exposed(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(g.dir, name+".btf"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (g guest) String() string { return strings.Join(g.lines, "\n") }
