package dump

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"mkbtf/btf"
)

// FuzzC makes headers from arbitrary BTF: over no base, and over itself as a base.
// There must be a result or an error that says why there is none, and no more text than
// C promises.
func FuzzC(f *testing.F) {
	for _, order := range []btf.Order{binary.LittleEndian, binary.BigEndian} {
		f.Add(everyKind(f, order))
	}
	for _, c := range cCases {
		f.Add(build(f, nil, c.fill).Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := btf.Parse(data, nil)
		if err != nil {
			return
		}
		for _, deps := range []Deps{DepsNeeded, DepsAll} {
			fuzzOne(t, b, COptions{Deps: deps, Asserts: deps == DepsAll})
		}
		split, err := btf.Parse(data, b)
		if err != nil {
			return
		}
		fuzzOne(t, split, COptions{})
		fuzzOne(t, split, COptions{Deps: DepsNone})
		trusted, err := btf.ParseTrusted(data, nil)
		if err != nil {
			t.Fatal(err)
		}
		fuzzOne(t, trusted, COptions{})
	})
}

func fuzzOne(t *testing.T, b *btf.Blob, opts COptions) {
	var n counter
	err := C(&n, b, opts)
	if err != nil && !errors.Is(err, ErrTooDeep) && !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	if most := 1<<20 + 64*2*len(b.Data); int(n) > most {
		t.Errorf("%d bytes of C from %d bytes of BTF", n, len(b.Data))
	}
	if err := JSON(io.Discard, b); err != nil {
		t.Fatal(err)
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func BenchmarkC(b *testing.B) {
	blob := runningKernel(b)
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := C(&out, blob, COptions{}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(out.Len()))
}
