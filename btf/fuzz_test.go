package btf_test

import (
	"bytes"
	"testing"

	ebtf "github.com/cilium/ebpf/btf"

	"mkbtf/btf"
	"mkbtf/internal/verify"
)

// FuzzParse reads anything as BTF. What can be read can be written, and is the same when
// it is read again; what the kernel would load, cilium/ebpf reads too.
func FuzzParse(f *testing.F) {
	for _, big := range []bool{false, true} {
		f.Add(btf.SampleForFuzz(f, big))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := btf.Parse(data, nil)
		if err != nil {
			if b != nil {
				t.Fatal("a result beside an error")
			}
			return
		}
		for id := b.Start(); id < b.End(); id++ {
			b.StringAt(b.Record(id).NameOff)
		}
		once, err := btf.Encode(b.Table(nil), b.Order, nil, false)
		if err != nil {
			return // a vlen that needs another header, say
		}
		again, err := btf.Parse(once, nil)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		twice, err := btf.Encode(again.Table(nil), again.Order, nil, false)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("the second time it is written otherwise: %v", err)
		}
		ab := verify.Release(6, 12)
		if verify.Load(once, &ab) != nil {
			return
		}
		spec, err := ebtf.LoadSpecFromReader(bytes.NewReader(once))
		if err != nil {
			t.Fatalf("cilium/ebpf: %v", err)
		}
		for _, err := range spec.All() {
			if err != nil {
				t.Fatalf("cilium/ebpf: %v", err)
			}
		}
	})
}
