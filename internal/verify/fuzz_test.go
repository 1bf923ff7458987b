package verify

import (
	"bytes"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// running returns the abilities of the running kernel as its BTF shows them.
func running(t testing.TB) *Abilities {
	t.Helper()
	live(t, mk(i32)) // which skips the test where no BTF can be loaded
	vmlinux, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Skip("this system does not show the BTF of its kernel: ", err)
	}
	target, err := NewTarget(vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	return &target.Abilities
}

// agree compares our verdict with that of the running kernel.
func agree(t testing.TB, blob []byte, ab *Abilities) {
	t.Helper()
	no, msg := verdict(Load(blob, ab))
	kno, log := live(t, blob)
	if no != kno || msg != "" && !endsIn(log, msg) {
		t.Errorf("%x\nkernel %v %q\nhere   %v %q", blob, kno, log[max(0, len(log)-300):], no, msg)
	}
}

// randomBlob makes records of all kinds that are mostly right, so that the late
// passes get something to do.
func randomBlob(r *rand.Rand) []byte {
	n := 2 + r.IntN(14)
	wild := r.IntN(3) == 0 // with values that are wrong in themselves
	odd := func(often int) bool { return wild && r.IntN(often) == 0 }
	id := func() int {
		if odd(60) {
			return r.IntN(1 << 21)
		}
		return r.IntN(n + 2)
	}
	names := []string{"a", "b", "int", "f.isra", "_x", "T9", "s"}
	name := func() any {
		switch {
		case odd(80):
			return 0
		case odd(80):
			return r.IntN(60)
		case odd(80):
			return []string{"9", "a b", "", "\xff", "$"}[r.IntN(5)]
		}
		return names[r.IntN(len(names))]
	}
	anon := func() any {
		if odd(50) {
			return name()
		}
		return 0
	}
	flag := func(often int) uint32 {
		if r.IntN(often) == 0 {
			return kf
		}
		return 0
	}
	vlen := func() uint32 {
		if odd(60) {
			return 1
		}
		return 0
	}
	bad := func() uint32 {
		if odd(60) {
			return kf
		}
		return 0
	}
	// rare is seldom wrong, else one of the values.
	rare := func(wrong int, vs ...int) int {
		if odd(10) {
			return wrong
		}
		return vs[r.IntN(len(vs))]
	}
	pick := func(vs ...int) int { return vs[r.IntN(len(vs))] }
	recs := []rec{i32}
	for range n {
		switch 1 + r.IntN(19) {
		case 1:
			recs = append(recs, rec{name(), kInt | vlen() | bad(), rare(1, 16), rare(0x06000008, 8, 16, 32, 32, 64, 3, 128, 1<<24|8, 1<<16|7, 0x04000008)})
		case 2:
			recs = append(recs, rec{anon(), kPtr | vlen() | bad(), id()})
		case 3:
			recs = append(recs, rec{anon(), kArray | vlen(), rare(4, 0), id(), pick(1, 1, 1, id()), pick(0, 1, 2, 3, 1<<30)})
		case 4, 5:
			recs = append(recs, randomComposite(r, id, name, flag(3)))
		case 6:
			m := r.IntN(3)
			e := rec{name(), kEnum | uint32(m) | flag(2), rare(3, 1, 2, 4, 4, 4, 8, 8)}
			for range m {
				e = append(e, name(), r.IntN(100))
			}
			recs = append(recs, e)
		case 7:
			recs = append(recs, rec{name(), kFwd | vlen() | flag(2), rare(1, 0)})
		case 8:
			recs = append(recs, rec{name(), kTypedef | vlen(), id()})
		case 9, 10, 11:
			recs = append(recs, rec{anon(), []uint32{kVolatile, kConst, kRestrict}[r.IntN(3)] | vlen(), id()})
		case 12:
			recs = append(recs, rec{name(), kFunc | uint32(rare(2, 0, 1)), id()})
		case 13:
			m := r.IntN(4)
			p := rec{anon(), kFuncProto | uint32(m), id()}
			for range m {
				p = append(p, name(), id())
			}
			if m > 0 && r.IntN(2) == 0 {
				p[len(p)-2], p[len(p)-1] = 0, 0
			}
			recs = append(recs, p)
		case 14:
			recs = append(recs, rec{name(), kVar | vlen(), id(), rare(2, 0, 1)})
		case 15:
			m := r.IntN(3)
			d := rec{name(), kDataSec | uint32(m), 16}
			for i := range m {
				d = append(d, id(), i*8+rare(9, 0, 0, 0, 1), rare(16, 4, 4, 8, 2))
			}
			recs = append(recs, d)
		case 16:
			recs = append(recs, rec{name(), kFloat | vlen(), rare(3, 2, 4, 8, 8, 12, 16)})
		case 17:
			recs = append(recs, rec{name(), kDeclTag | flag(3), id(), rare(-2, -1, -1, -1, 0, 0, 1)})
		case 18:
			recs = append(recs, rec{name(), kTypeTag | flag(3), id()})
		case 19:
			recs = append(recs, rec{name(), kEnum64 | 1 | flag(2), pick(1, 2, 4, 8, 8), name(), 1, 2})
		}
	}
	return mk(recs...)
}

func randomComposite(r *rand.Rand, id func() int, name func() any, flag uint32) rec {
	m := r.IntN(4)
	size := 8 * (1 + r.IntN(12))
	kind := []uint32{kStruct, kStruct, kUnion}[r.IntN(3)]
	c := rec{name(), kind | uint32(m) | flag, size}
	off := 0
	for range m {
		word := off
		if flag != 0 && r.IntN(3) == 0 {
			word |= (1 + r.IntN(40)) << 24
		}
		c = append(c, name(), id(), word)
		if kind == kStruct {
			off += []int{0, 8, 32, 64, 64, 64, 3, 128}[r.IntN(8)]
		}
	}
	return c
}

// TestRandomLive holds random blobs against the running kernel, as many as
// MKBTF_RANDOM_LIVE says.
func TestRandomLive(t *testing.T) {
	ab := running(t)
	r := rand.New(rand.NewPCG(1, 2))
	n := 2000
	if more, err := strconv.Atoi(os.Getenv("MKBTF_RANDOM_LIVE")); err == nil { // so many, not the same every time
		n, r = more, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	passed := 0
	for range n {
		blob := randomBlob(r)
		agree(t, blob, ab)
		if Load(blob, ab) == nil {
			passed++
		}
		if t.Failed() {
			return
		}
	}
	if passed == 0 || passed == n {
		t.Errorf("of %d blobs %d are good: the generator is not worth much", n, passed)
	}
}

// FuzzLoad looks for panics. With MKBTF_FUZZ_LIVE set it also compares verdicts
// with the running kernel.
func FuzzLoad(f *testing.F) {
	for _, tt := range allLoadCases() {
		if len(tt.blob) < 1<<12 {
			f.Add(tt.blob)
		}
	}
	f.Add(mkBig(i32, rec{"s", kStruct | 1, 4, "a", 1, 0}))
	var ab *Abilities
	if os.Getenv("MKBTF_FUZZ_LIVE") != "" {
		ab = running(f)
	}
	abilities := []Abilities{Release(5, 11), Release(6, 1), Release(7, 3)}
	f.Fuzz(func(t *testing.T, blob []byte) {
		for i := range abilities {
			_ = Load(blob, &abilities[i])
		}
		// What PassFields may refuse is left alone.
		if ab != nil && !bytes.Contains(blob, []byte("bpf_")) && !bytes.Contains(blob, []byte("kptr")) {
			agree(t, blob, ab)
		}
	})
}

// FuzzModule looks for panics and for relocated BTF that the kernel itself would
// not take.
func FuzzModule(f *testing.F) {
	kernel := mk(kernelRecs()...)
	for _, tt := range moduleCases() {
		f.Add(tt.split, tt.base, kernel)
	}
	f.Fuzz(func(t *testing.T, split, base, vmlinux []byte) {
		target, err := NewTarget(vmlinux)
		if err != nil {
			return
		}
		target.Abilities.ModuleBTF = true
		target.Abilities.DistilledBase = base != nil
		r := target.Module(split, base)
		if r.Outcome == 0 || (r.Outcome == Refused) != (r.Err != nil) {
			t.Errorf("outcome %v with error %v", r.Outcome, r.Err)
		}
		out, ids, err := target.Relocate(split, base)
		if err != nil {
			return
		}
		if len(out) != len(split) || len(ids) == 0 || ids[0] != 0 {
			t.Errorf("%d bytes became %d, ids %v", len(split), len(out), ids)
		}
		if _, err := openAll(out, target.b, target.order(), ".BTF"); err != nil {
			t.Errorf("relocated BTF is refused: %v", err)
		}
		if _, err := Join(vmlinux, out); err != nil {
			t.Errorf("relocated BTF cannot be joined: %v", err)
		}
	})
}
