package dump

import (
	"encoding/binary"
	"math/rand/v2"
	"os/exec"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/dump/dumptest"
)

// TestCHostile has gcc compile headers, with assertions, of BTF that was damaged so that
// it can still be read: what C cannot say must be in comments.
func TestCHostile(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("gcc is not installed")
	}
	r := rand.New(rand.NewPCG(1, 2))
	compiled := 0
	for range 200 {
		c := cCases[r.IntN(len(cCases))]
		data := damage(r, build(t, nil, c.fill).Data)
		b, err := btf.Parse(data, nil)
		if err != nil {
			continue
		}
		deps := DepsNeeded
		if r.IntN(2) == 0 {
			deps = DepsAll
		}
		var out collector
		if C(&out, b, COptions{Deps: deps, Asserts: true}) == nil {
			compiled++
			if err := dumptest.Check([]string{"gcc", "-w"}, out); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	if compiled < 20 {
		t.Errorf("only %d of the damaged BTFs gave headers", compiled)
	}
}

type collector []byte

func (c *collector) Write(p []byte) (int, error) {
	*c = append(*c, p...)
	return len(p), nil
}

// damage changes a few words of the types of little endian BTF.
func damage(r *rand.Rand, data []byte) []byte {
	data = append([]byte(nil), data...)
	words := int(binary.LittleEndian.Uint32(data[12:])) / 4
	for range 1 + r.IntN(6) {
		at := btf.HeaderLen + 4*r.IntN(words)
		switch r.IntN(3) {
		case 0:
			data[at+r.IntN(4)] ^= 1 << r.IntN(8)
		case 1:
			binary.LittleEndian.PutUint32(data[at:], r.Uint32N(30))
		case 2:
			data[at+3] = byte(r.IntN(int(btf.NumKinds)))
		}
	}
	return data
}
