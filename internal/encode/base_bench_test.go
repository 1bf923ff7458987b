package encode

import (
	"os"
	"testing"
)

// BenchmarkLoadBase reads and indexes the BTF of a kernel: the running one, or
// what MKBTF_BASE names, such as a vmlinux with DWARF, a boot image, or raw BTF.
func BenchmarkLoadBase(b *testing.B) {
	path := os.Getenv("MKBTF_BASE")
	if path == "" {
		path = "/sys/kernel/btf/vmlinux"
	}
	if _, err := os.Stat(path); err != nil {
		b.Skipf("no kernel BTF: %v (set MKBTF_BASE)", err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := LoadBase(path); err != nil {
			b.Fatal(err)
		}
	}
}
