package btf

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// hashSeed is one for all pools: a string met by two of them is hashed alike. It
// differs from run to run so that no input can be made to collide; nothing that
// is written depends on it.
var hashSeed = rand.Uint64()

// HashText hashes the text that p begins with, up to a NUL or the first word of 8 bytes
// behind the most-th byte: it costs little more than to look for the NUL. ok is false if p
// has fewer than 8 bytes from the word on in which the text ends.
func HashText(p []byte, most int) (hash uint64, length int, ok bool) {
	h := hashSeed
	for length+8 <= len(p) {
		x := binary.LittleEndian.Uint64(p[length:])
		zero := (x - 0x0101010101010101) &^ x & 0x8080808080808080 // the lowest bit marks the first NUL
		if zero != 0 {
			k := bits.TrailingZeros64(zero) &^ 7
			return hashEnd(h, x&(1<<k-1)), length + k/8, true
		}
		h = hashWord(h, x)
		if length += 8; length > most {
			return h, length, true
		}
	}
	return 0, 0, false
}

// HashOf is the hash that HashText has for a text, if that has no NUL.
func HashOf(text []byte) uint64 {
	h := hashSeed
	for len(text) >= 8 {
		h = hashWord(h, binary.LittleEndian.Uint64(text))
		text = text[8:]
	}
	x := uint64(0)
	for i := len(text) - 1; i >= 0; i-- {
		x = x<<8 | uint64(text[i])
	}
	return hashEnd(h, x)
}

func hashWord(h, x uint64) uint64 {
	hi, lo := bits.Mul64(h^x, 0xa0761d6478bd642f)
	return hi ^ lo
}

func hashEnd(h, x uint64) uint64 {
	hi, lo := bits.Mul64(h^x, 0xd6e8feb86659fd93)
	return hi ^ lo
}

// hashAt is HashOf for the string at an offset of a string section, which ends in a NUL.
func hashAt(section []byte, off int) (hash uint64, s []byte) {
	p := section[off:]
	h, n, ok := HashText(p, len(p))
	if ok {
		return h, p[:n:n]
	}
	for n = 0; p[n] != 0; n++ { // near the end
	}
	return HashOf(p[:n]), p[:n:n]
}
