package dedup

import (
	"os"
	"testing"

	"mkbtf/btf"
)

// realBase is a kernel's BTF: the running kernel's unless MKBTF_BASE names a file.
func realBase(b *testing.B) []byte {
	path := os.Getenv("MKBTF_BASE")
	if path == "" {
		path = "/sys/kernel/btf/vmlinux"
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.Skipf("no kernel BTF to index: %v (set MKBTF_BASE)", err)
	}
	return data
}

func BenchmarkNewBase(b *testing.B) {
	data := realBase(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		blob, err := btf.ParseTrusted(data, nil)
		if err != nil {
			b.Fatal(err)
		}
		NewBase(blob)
	}
}

func BenchmarkParse(b *testing.B) {
	data := realBase(b)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := btf.Parse(data, nil); err != nil {
			b.Fatal(err)
		}
	}
}
