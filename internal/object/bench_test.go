package object

import (
	"os"
	"testing"
)

// BenchmarkRead reads .debug_info of the file that MKBTF_BENCH_OBJECT names in
// pieces of the size of a unit.
func BenchmarkRead(b *testing.B) {
	path := os.Getenv("MKBTF_BENCH_OBJECT")
	if path == "" {
		b.Skip("MKBTF_BENCH_OBJECT does not name an object file")
	}
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		f, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		src, err := f.Source()
		if err != nil {
			b.Fatal(err)
		}
		for _, s := range src.Info {
			b.SetBytes(int64(s.Size()))
			const piece = 200 << 10
			for off := uint64(0); off < s.Size(); off += piece {
				if buf, err = s.Read(off, min(piece, s.Size()-off), buf); err != nil {
					b.Fatal(err)
				}
			}
		}
		f.Close()
	}
}
