package btf

import (
	"bytes"
	"encoding/binary"
)

// lookupStrings enters the offset of every wanted string that the blob or its
// base holds into offs, both indexed by Str. The pool is the one the numbers
// belong to. Of equal strings the first one counts.
func (b *Blob) lookupStrings(pool *Strings, wanted []bool, offs []uint32) {
	if b.Base != nil {
		b.Base.lookupStrings(pool, wanted, offs)
	}
	if b.lookups.Add(1) == 1 {
		// An index does not pay for one time. Most strings are told from all that are
		// wanted by their beginning and length.
		var some [1 << 10]uint64
		for n := 1; n < len(wanted); n++ {
			if wanted[n] && offs[n] == 0 {
				s := pool.Bytes(Str(n))
				h := sketch(s, len(s))
				some[h>>6] |= 1 << (h & 63)
			}
		}
		for at := 0; at < len(b.strs); {
			s := b.strs[at:]
			n := bytes.IndexByte(s, 0)
			if h := sketch(s, n); n > 0 && some[h>>6]>>(h&63)&1 != 0 {
				if n, ok := pool.Find(s[:n]); ok && wanted[n] && offs[n] == 0 {
					offs[n] = b.strBase + uint32(at)
				}
			}
			at += n + 1
		}
		return
	}
	b.indexOnce.Do(b.indexStrings)
	mask := uint32(len(b.stringAt) - 1)
	for n := 1; n < len(wanted); n++ {
		if !wanted[n] || offs[n] != 0 {
			continue
		}
		s := pool.Bytes(Str(n))
		for i := pool.hash[n] & mask; b.stringAt[i] != 0; i = (i + 1) & mask {
			at := b.stringAt[i]
			if rest := b.strs[at:]; len(rest) > len(s) && rest[len(s)] == 0 && bytes.Equal(rest[:len(s)], s) {
				offs[n] = b.strBase + at
				break
			}
		}
	}
}

// sketch is a poor but quick hash of the first n bytes of s.
func sketch(s []byte, n int) uint16 {
	var x uint64
	switch {
	case n >= 8:
		x = binary.LittleEndian.Uint64(s) ^ binary.LittleEndian.Uint64(s[n-8:])<<1
	case len(s) >= 8:
		x = binary.LittleEndian.Uint64(s) << (64 - 8*n)
	default:
		for _, c := range s[:n] {
			x = x>>8 | uint64(c)<<56
		}
	}
	return uint16((x ^ uint64(n)) * 0x9e3779b97f4a7c15 >> 48)
}

// eachString calls f for every string but the empty ones.
func (b *Blob) eachString(f func(at int, s []byte)) {
	for at := 0; at < len(b.strs); {
		n := bytes.IndexByte(b.strs[at:], 0)
		if n > 0 {
			f(at, b.strs[at:at+n])
		}
		at += n + 1
	}
}

// indexStrings makes stringAt: open addressing by what pools keep of the hash of a
// string, its offset in strs, 0: free. The first of equal strings is found first.
func (b *Blob) indexStrings() {
	count := 0
	b.eachString(func(int, []byte) { count++ })
	size := 16
	for size < 2*count {
		size *= 2
	}
	b.stringAt = make([]uint32, size)
	mask := uint32(size - 1)
	b.eachString(func(at int, s []byte) {
		if at == 0 {
			return // only in split BTF, whose first string may be one
		}
		i := uint32(HashOf(s)>>32) & mask
		for b.stringAt[i] != 0 {
			i = (i + 1) & mask
		}
		b.stringAt[i] = uint32(at)
	})
}
