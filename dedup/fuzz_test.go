package dedup

import (
	"encoding/binary"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/soundness"
)

// FuzzDedup takes any BTF for two units, whatever its types refer to. What comes out
// has no two equal types and, unless references had to be cut because they form
// what C cannot express, agrees with what went in.
func FuzzDedup(f *testing.F) {
	for seed := range uint64(20) {
		w := newWorld(seed)
		raw, err := btf.Encode(w.unit(btf.NewStrings(), seed%2 == 0), binary.LittleEndian, nil, false)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, raw[:len(raw)/2])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var units []*btf.Table
		for _, raw := range [][]byte{a, b} {
			blob, err := btf.Parse(raw, nil)
			if err != nil || blob.End() >= 2000 {
				continue
			}
			unit := blob.Table(nil)
			if _, err := btf.Encode(unit, binary.LittleEndian, nil, false); err == nil { // a member beyond 2 MiB, not on a byte, cannot be written
				units = append(units, unit)
			}
		}
		if len(units) == 0 {
			return
		}
		out, became, cut := runCounting(t, units, nil, 1)
		if again, _ := run(t, units, nil, 2); encode(t, again) != encode(t, out) {
			t.Fatal("output differs with 2 workers")
		}
		if cut {
			return
		}
		c := soundness.New(units, became, out, nil)
		if err := c.Complete(); err != nil {
			t.Fatalf("not complete: %v", err)
		}
		if err := c.Sound(); err != nil {
			t.Fatalf("not sound: %v", err)
		}
	})
}
