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

// BenchmarkAdd takes in the types of a kernel as one unit, and again as a second one
// that has nothing new.
func BenchmarkAdd(b *testing.B) {
	data := realBase(b)
	blob, err := btf.Parse(data, nil)
	if err != nil {
		b.Fatal(err)
	}
	pool := btf.NewStrings()
	table := blob.Table(pool)
	b.SetBytes(int64(2 * len(data)))
	b.ReportAllocs()
	for b.Loop() {
		w := New(false).NewWorker(pool)
		for unit := range 2 {
			if _, err := w.Add(unit, table, len(table.Types)); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkResolve decides what every name of a kernel means and builds the table of
// distinct types.
func BenchmarkResolve(b *testing.B) {
	data := realBase(b)
	blob, err := btf.Parse(data, nil)
	if err != nil {
		b.Fatal(err)
	}
	d := New(false)
	w := d.NewWorker(btf.NewStrings())
	table := blob.Table(w.Strings())
	if _, err := w.Add(0, table, len(table.Types)); err != nil {
		b.Fatal(err)
	}
	if _, err := d.Merge(w); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		res, err := d.Resolve(nil)
		if err == nil {
			err = res.KeepAll()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
