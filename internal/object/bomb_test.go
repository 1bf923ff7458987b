package object

import (
	"debug/elf"
	"errors"
	"runtime/metrics"
	"strings"
	"testing"

	"mkbtf/internal/compress"
)

// TestPackedBombs opens small files that unpack to much. What is asserted is that they
// are refused, and the memory that this takes. Package compress has every method.
func TestPackedBombs(t *testing.T) {
	zeros := make([]byte, 100<<20)
	packed := func(m compress.Method, data []byte) []byte {
		out, err := compress.Pack(m, data)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	elfFile := append([]byte(elf.ELFMAG), zeros...)
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"module.ko.gz", packed(compress.Gzip, elfFile), "unpacks to too much"},
		{"module.ko.zst", packed(compress.Zstd, elfFile), "unpacks to too much"},
		{"gz in gz", packed(compress.Gzip, packed(compress.Gzip, elfFile)), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := allocatedBytes()
			var err error
			if f, openErr := OpenBytes("x", tt.data); openErr != nil {
				err = openErr
			} else {
				for i := range f.Sections {
					if _, e := f.Data(i); e != nil {
						err = errors.Join(err, e)
					}
				}
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if _, err := LoadBTFBytes("x", tt.data); err == nil {
				t.Error("it has BTF")
			}
			if used := allocatedBytes() - before; used > 1<<30 {
				t.Errorf("%d MB allocated for a file of %d bytes", used>>20, len(tt.data))
			}
		})
	}
}

// allocatedBytes is how many bytes were allocated since the program began.
func allocatedBytes() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
