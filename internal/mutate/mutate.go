// Package mutate damages kernel modules and BTF for tests: at random, and where it hurts,
// which are headers, lengths, offsets, relocations, abbreviations and references between
// types.
package mutate

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"mkbtf/btf"
)

// Subject is a file to damage. It may be used by several goroutines.
type Subject struct {
	Name  string
	data  []byte
	order btf.Order
	kinds []kind // of damage that the file has places for
}

// kind is a kind of damage.
type kind struct {
	name   string
	damage func(r *rand.Rand, b []byte) (out []byte, what string)
}

// New looks for the places of a file, an ELF file or raw BTF; anything else can only be
// damaged at random.
func New(name string, data []byte) *Subject {
	s := &Subject{Name: name, data: data, order: binary.LittleEndian, kinds: anyFile}
	s.kinds = slices.Concat(s.kinds, s.elfKinds(), s.btfKinds(0, uint64(len(data)), "raw BTF"))
	return s
}

// Mutate returns a damaged copy and says what was done to it. The same r gives the same.
func (s *Subject) Mutate(r *rand.Rand) (data []byte, what string) {
	data = slices.Clone(s.data)
	for n := 1 + r.IntN(r.IntN(4)+1); n > 0; n-- {
		k := s.kinds[r.IntN(len(s.kinds))]
		var did string
		if data, did = k.damage(r, data); did == "" {
			did = "nothing"
		}
		what += fmt.Sprintf("; %s: %s", k.name, did)
	}
	return data, what[2:]
}

// anyFile is damage that takes no knowledge of the file.
var anyFile = []kind{
	{"bit", func(r *rand.Rand, b []byte) ([]byte, string) {
		if len(b) == 0 {
			return b, ""
		}
		i, bit := r.IntN(len(b)), r.IntN(8)
		b[i] ^= 1 << bit
		return b, fmt.Sprintf("%d of %#x", bit, i)
	}},
	{"bytes", func(r *rand.Rand, b []byte) ([]byte, string) {
		i, n := span(r, b)
		v := []byte{0, 0xff, 0x80, 0x7f, 1, byte(r.Uint32())}[r.IntN(6)]
		for k := range b[i : i+n] {
			b[i+k] = v
		}
		return b, fmt.Sprintf("%d at %#x are %#x", n, i, v)
	}},
	{"noise", func(r *rand.Rand, b []byte) ([]byte, string) {
		i, n := span(r, b)
		for k := range b[i : i+n] {
			b[i+k] = byte(r.Uint32())
		}
		return b, fmt.Sprintf("%d at %#x", n, i)
	}},
	{"copied", func(r *rand.Rand, b []byte) ([]byte, string) {
		i, n := span(r, b)
		j := r.IntN(len(b) - n + 1)
		copy(b[j:], slices.Clone(b[i:i+n]))
		return b, fmt.Sprintf("%d from %#x to %#x", n, i, j)
	}},
	{"cut off", func(r *rand.Rand, b []byte) ([]byte, string) {
		n := r.IntN(len(b) + 1)
		return b[:n], fmt.Sprintf("at %#x", n)
	}},
	{"cut out", func(r *rand.Rand, b []byte) ([]byte, string) {
		i, n := span(r, b)
		return slices.Delete(b, i, i+n), fmt.Sprintf("%d at %#x", n, i)
	}},
	{"appended", func(r *rand.Rand, b []byte) ([]byte, string) {
		i, n := span(r, b)
		return append(b, b[i:i+n]...), fmt.Sprintf("%d from %#x", n, i)
	}},
	{"signature", func(r *rand.Rand, b []byte) ([]byte, string) {
		// struct module_signature and its magic (include/linux/module_signature.h).
		n := number(r, uint64(len(b)))
		b = append(b, 0, 0, 2, 0, 0, 0, 0, 0)
		b = binary.BigEndian.AppendUint32(b, uint32(n))
		return append(b, "~Module signature appended~\n"...), fmt.Sprintf("of %d bytes", uint32(n))
	}},
}

// span picks a range of b, mostly a short one.
func span(r *rand.Rand, b []byte) (at, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	at = r.IntN(len(b))
	return at, min(1+r.IntN([]int{4, 16, 64, 4096}[r.IntN(4)]), len(b)-at)
}

// number picks a value that hurts, for a field that has v now.
func number(r *rand.Rand, v uint64) uint64 {
	switch r.IntN(10) {
	case 0:
		return 0
	case 1:
		return v + 1
	case 2:
		return v - 1
	case 3:
		return 1 << r.IntN(64)
	case 4:
		return 1<<r.IntN(64) - 1
	case 5:
		return ^uint64(0) - uint64(r.IntN(32))
	case 6:
		return v ^ 1<<r.IntN(64)
	case 7:
		return uint64(r.IntN(64))
	case 8:
		return v*2 + uint64(r.IntN(3))
	}
	return r.Uint64()
}

// field is a number in the file.
type field struct {
	name string
	off  uint64
	size int
}

func (s *Subject) get(b []byte, f field) (uint64, bool) {
	if f.off > uint64(len(b)) || uint64(f.size) > uint64(len(b))-f.off {
		return 0, false
	}
	switch p := b[f.off:]; f.size {
	case 1:
		return uint64(p[0]), true
	case 2:
		return uint64(s.order.Uint16(p)), true
	case 4:
		return uint64(s.order.Uint32(p)), true
	}
	return s.order.Uint64(b[f.off:]), true
}

// set writes a field, if an earlier damage has left it in the file, and says so.
func (s *Subject) set(b []byte, f field, v uint64) string {
	if _, ok := s.get(b, f); !ok {
		return ""
	}
	switch p := b[f.off:]; f.size {
	case 1:
		p[0] = byte(v)
	case 2:
		s.order.PutUint16(p, uint16(v))
	case 4:
		s.order.PutUint32(p, uint32(v))
	default:
		s.order.PutUint64(p, v)
	}
	return fmt.Sprintf("%s at %#x is %#x", f.name, f.off, v)
}

// fields is damage to one of some numbers.
func (s *Subject) fields(name string, list []field) []kind {
	if len(list) == 0 {
		return nil
	}
	return []kind{{name, func(r *rand.Rand, b []byte) ([]byte, string) {
		f := list[r.IntN(len(list))]
		v, _ := s.get(b, f)
		if r.IntN(4) == 0 { // what another field has
			v, _ = s.get(b, list[r.IntN(len(list))])
		} else {
			v = number(r, v)
		}
		return b, s.set(b, f, v)
	}}}
}
