package compress

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Method is a way of compression.
type Method uint8

// The methods that kernels and modules are packed with. None is what Sniff says of
// anything else.
const (
	None Method = iota
	Gzip
	Bzip2
	LZMA // the .lzma format that came before .xz
	XZ
	LZO // the lzop format
	LZ4 // the legacy frame that "lz4 -l" writes
	Zstd
)

var names = [...]string{"no compression", "gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd"}

func (m Method) String() string { return names[m] }

// magics are the first bytes of each method but LZMA, which has none.
var magics = [...][]byte{
	Gzip:  []byte("\x1f\x8b\x08"),
	Bzip2: []byte("BZh"),
	XZ:    []byte("\xfd7zXZ\x00"),
	LZO:   []byte("\x89LZO\x00\r\n\x1a\n"),
	LZ4:   []byte("\x02\x21\x4c\x18"),
	Zstd:  []byte("\x28\xb5\x2f\xfd"),
}

// Sniff tells how data is compressed from its first bytes.
func Sniff(data []byte) Method {
	for m, magic := range magics {
		if len(magic) != 0 && bytes.HasPrefix(data, magic) && plausible(Method(m), data) {
			return Method(m)
		}
	}
	if bytes.HasPrefix(data, lzmaStart) && plausible(LZMA, data) {
		return LZMA
	}
	return None
}

// lzmaStart is the properties byte for lc=3, lp=0, pb=2, which all tools write by
// default, and the low bytes of a dictionary size that is a multiple of 64 KiB.
var lzmaStart = []byte{0x5d, 0, 0}

// plausible looks at the bytes after a magic that can only have some values.
func plausible(m Method, data []byte) bool {
	switch m {
	case Gzip: // reserved flags are zero
		return len(data) > 3 && data[3]&0xe0 == 0
	case Bzip2: // block size, then the magic of the first block
		return len(data) >= 10 && data[3] >= '1' && data[3] <= '9' && string(data[4:10]) == "1AY&SY"
	case LZMA:
		if len(data) < lzmaHeaderLen {
			return false
		}
		dict, size := binary.LittleEndian.Uint32(data[1:]), binary.LittleEndian.Uint64(data[5:])
		return dict <= largestDictionary && bits.OnesCount32(dict) <= 2 && dict != 0 && (size == 1<<64-1 || size < largest)
	}
	return true
}

// Candidates calls f with every place in data where a compressed stream seems to
// start, in ascending order for each method, until it returns false. It is for
// images whose header does not tell where the kernel is.
func Candidates(data []byte, f func(m Method, off int) bool) {
	for _, m := range [...]Method{Zstd, XZ, LZO, LZ4, Bzip2, Gzip, LZMA} {
		magic := magics[min(int(m), len(magics)-1)]
		if m == LZMA {
			magic = lzmaStart
		}
		for at := 0; ; at++ {
			i := bytes.Index(data[at:], magic)
			if i < 0 {
				break
			}
			at += i
			if plausible(m, data[at:]) && !f(m, at) {
				return
			}
		}
	}
}
