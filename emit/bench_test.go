package emit

import (
	"io"
	"os"
	"testing"

	"mkbtf/btf"
)

// kernelBTF is the running kernel's BTF unless MKBTF_BASE names a file.
func kernelBTF(b *testing.B) *btf.Blob {
	path := os.Getenv("MKBTF_BASE")
	if path == "" {
		path = "/sys/kernel/btf/vmlinux"
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.Skipf("no kernel BTF to write: %v (set MKBTF_BASE)", err)
	}
	blob, err := btf.Parse(data, nil)
	if err != nil {
		b.Fatal(err)
	}
	return blob
}

// BenchmarkStandalone sorts and writes the types of a kernel.
func BenchmarkStandalone(b *testing.B) {
	blob := kernelBTF(b)
	b.SetBytes(int64(len(blob.Data)))
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		table := blob.Table(nil) // it is sorted in place
		b.StartTimer()
		if _, err := Standalone(table, blob.Order); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEditELF puts sections into a module.
func BenchmarkEditELF(b *testing.B) {
	data, err := os.ReadFile("../testdata/hello.ko")
	if err != nil {
		b.Fatal(err)
	}
	sections := []ELFSection{{Name: ".BTF", Data: make([]byte, 4096), Align: 4}, {Name: ".BTF.base", Data: make([]byte, 64), Align: 4}}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		edit, err := EditELF(data, sections, ELFOptions{})
		if err == nil {
			_, err = edit.WriteTo(io.Discard)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
