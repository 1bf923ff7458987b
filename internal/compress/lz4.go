package compress

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
)

// lz4Block is what every block of a legacy frame but the last unpacks to.
const lz4Block = 8 << 20

// unpackLZ4 reads legacy frames: the magic, then blocks with their packed size in
// front. Nothing marks the end, so that what follows (kernels append their size as
// a 32-bit number) is told from a block by being impossible as one.
func unpackLZ4(data []byte, j job) ([]byte, error) {
	out := make([]byte, 0, min(max(j.size, 0), j.limit))
	at := len(magics[LZ4])
	if len(data) < at {
		return nil, io.ErrUnexpectedEOF
	}
	for at < len(data) {
		if len(data)-at < 4 {
			return j.lz4End(out, at, "%d bytes where a block or the end must be", len(data)-at)
		}
		n := int64(binary.LittleEndian.Uint32(data[at:]))
		if n == int64(binary.LittleEndian.Uint32(magics[LZ4])) {
			if !j.all {
				return out, nil
			}
			at += 4
			continue
		}
		if n == 0 || n > int64(lz4.CompressBlockBound(lz4Block)) || n > int64(len(data)-at-4) {
			return j.lz4End(out, at, "a block of %d bytes, %d are left", n, len(data)-at-4)
		}
		block := data[at+4 : at+4+int(n)]
		start := len(out)
		room := min(lz4Block, j.limit-start)
		out = grow(out, room)
		m, err := lz4.UncompressBlock(block, out[start:start+room])
		if err != nil {
			if room < lz4Block {
				return nil, j.tooLarge()
			}
			return nil, fmt.Errorf("block at %#x: %w: %w", at, ErrCorrupt, err)
		}
		out = out[:start+m]
		at += 4 + int(n)
	}
	return out, nil
}

// lz4End is the end of the blocks where something else follows.
func (j job) lz4End(out []byte, at int, format string, args ...any) ([]byte, error) {
	if j.all || len(out) == 0 {
		return nil, fmt.Errorf("at %#x: %s: %w", at, fmt.Sprintf(format, args...), ErrCorrupt)
	}
	return out, nil
}

// grow makes room for n more bytes.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	bigger := make([]byte, len(b), max(2*cap(b), len(b)+n))
	copy(bigger, b)
	return bigger
}
