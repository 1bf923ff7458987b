package verify

import (
	"testing"
	"time"
)

// pointers is n PTRs to void, but the sixth points to ref.
func pointers(n int, ref uint32) []byte {
	b := newBuilder()
	for i := range n {
		to := uint32(0)
		if i == 5 {
			to = ref
		}
		for _, v := range [...]uint32{0, kPtr, to} {
			b.types = b.order.AppendUint32(b.types, v)
		}
	}
	return b.bytes()
}

// TestManyTypes: the kernel does not refuse more types than it can number, it only
// forgets them.
func TestManyTypes(t *testing.T) {
	if testing.Short() {
		t.Skip("blobs of 12 MiB")
	}
	for _, tt := range []struct {
		n   int
		ref uint32
		no  Errno
	}{
		{0xffffd, 0xffffd, 0},
		{0xffffd, 0xffffe, EINVAL},
		{0xffffe, 0xffffe, 0},
		{0x100010, 0xffffe, 0},
		{0x100010, 0xfffff, EINVAL},
	} {
		blob := pointers(tt.n, tt.ref)
		if no, msg := verdict(Load(blob, linux618())); no != tt.no {
			t.Errorf("%#x types, reference to %#x: %v %q", tt.n, tt.ref, no, msg)
		}
		if tt.no != 0 {
			continue // so as not to wait for a log of a million lines
		}
		t.Run("live", func(t *testing.T) {
			if no, _ := live(t, blob); no != tt.no {
				t.Errorf("%#x types, reference to %#x: the kernel says %v", tt.n, tt.ref, no)
			}
		})
	}
}

// soon fails the test if fn takes longer than any reasonable input would.
func soon(t *testing.T, fn func()) {
	t.Helper()
	start := time.Now()
	fn()
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
}

// TestManyNames: types of one name on both sides make for many pairs to compare.
func TestManyNames(t *testing.T) {
	var base, kernel []rec
	for range 10000 {
		base = append(base, rec{"x", kInt, 4, 32})
		kernel = append(kernel, rec{"x", kInt, 4, 0x01000020})
	}
	b := mk(base...)
	soon(t, func() {
		_, _, err := Relocate(over(b, rec{0, kPtr, 1}), b, mk(kernel...))
		if _, msg := verdict(err); msg != "[1678] INT x: too many types of the same name" {
			t.Errorf("got %v", err)
		}
	})
}

// TestLongArrays: many members that each lead through many arrays.
func TestLongArrays(t *testing.T) {
	const n = 50000
	recs := []rec{}
	for i := range n {
		recs = append(recs, rec{0, kArray, 0, i + 1, 1, 1})
	}
	s := rec{"s", kStruct | n, 4}
	for range n {
		s = append(s, 0, n+1, 0)
	}
	soon(t, func() {
		if _, _, err := Relocate(over(baseInt, append(recs, s)...), baseInt, mk(kernelRecs()...)); err != nil {
			t.Error(err)
		}
	})
	// The other way round, each array is made of a later one.
	recs = recs[:0]
	for i := range n {
		recs = append(recs, rec{0, kArray, 0, i + 3, 1, 1})
	}
	recs = append(recs, rec{"t", kStruct, 4}, rec{"s", kStruct | n, 4})
	for i := range n {
		recs[len(recs)-1] = append(recs[len(recs)-1], 0, i+2, 0)
	}
	soon(t, func() {
		if _, _, err := Relocate(over(baseInt, recs...), baseInt, mk(kernelRecs()...)); err != nil {
			t.Error(err)
		}
	})
}
