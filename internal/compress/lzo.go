package compress

import (
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"io"

	"github.com/anchore/go-lzo"
)

// Flags of the lzop format.
const (
	lzopAdlerPlain  = 0x1
	lzopAdlerPacked = 0x2
	lzopExtra       = 0x40
	lzopCRCPlain    = 0x100
	lzopCRCPacked   = 0x200
	lzopFilter      = 0x800
)

// lzopBlock is the largest block that lzop and the kernel (LZO_BLOCK_SIZE is 256
// KiB) know.
const lzopBlock = 64 << 20

// lzopReader takes big-endian numbers off a file; after the end they are 0 and err is set.
type lzopReader struct {
	data []byte
	at   int
	err  error
}

func (r *lzopReader) bytes(n int) []byte {
	if r.err != nil || n > len(r.data)-r.at {
		r.err = io.ErrUnexpectedEOF
		return make([]byte, min(n, 8))
	}
	b := r.data[r.at : r.at+n]
	r.at += n
	return b
}

func (r *lzopReader) u8() int     { return int(r.bytes(1)[0]) }
func (r *lzopReader) u16() int    { return int(binary.BigEndian.Uint16(r.bytes(2))) }
func (r *lzopReader) u32() uint32 { return binary.BigEndian.Uint32(r.bytes(4)) }

// unpackLZO reads what lzop writes: a header, then blocks of LZO1X data until one
// of size 0.
func unpackLZO(data []byte, j job) ([]byte, error) {
	r := &lzopReader{data: data, at: len(magics[LZO])}
	out := make([]byte, 0, min(max(j.size, 0), j.limit))
	for {
		flags, err := r.header()
		if err != nil {
			return nil, err
		}
		for more := true; more; {
			if out, more, err = r.block(out, flags, j); err != nil {
				return nil, err
			}
		}
		if !j.all || r.at == len(data) {
			return out, nil
		}
		if string(r.bytes(len(magics[LZO]))) != string(magics[LZO]) {
			return nil, ErrTrailing
		}
	}
}

// header reads what stands between the magic and the first block.
func (r *lzopReader) header() (flags uint32, err error) {
	const first, method = 0x0940, 3 // the version that all since 1999 have; LZO1X is 1 to 3
	version := r.u16()
	r.bytes(4) // version of the library, version needed
	how := r.u8()
	r.bytes(1) // level
	flags = r.u32()
	if flags&lzopFilter != 0 {
		r.bytes(4)
	}
	r.bytes(12)     // mode, time
	r.bytes(r.u8()) // name
	r.bytes(4)      // checksum of the header
	if flags&lzopExtra != 0 {
		r.bytes(int(min(r.u32(), 1<<20)))
		r.bytes(4)
	}
	switch {
	case r.err != nil:
		return 0, r.err
	case version < first || how < 1 || how > method || flags&lzopFilter != 0:
		return 0, fmt.Errorf("header: version %#x, method %d, flags %#x: cannot read that", version, how, flags)
	}
	return flags, nil
}

// block appends what a block unpacks to; more is false at the last one.
func (r *lzopReader) block(out []byte, flags uint32, j job) (all []byte, more bool, err error) {
	at := r.at
	n := r.u32()
	if n == 0 {
		return out, false, r.err
	}
	packed := r.u32()
	var adler, crc uint32
	if flags&lzopAdlerPlain != 0 {
		adler = r.u32()
	}
	if flags&lzopCRCPlain != 0 {
		crc = r.u32()
	}
	if packed < n {
		if flags&lzopAdlerPacked != 0 {
			r.bytes(4)
		}
		if flags&lzopCRCPacked != 0 {
			r.bytes(4)
		}
	}
	switch {
	case r.err != nil:
		return nil, false, r.err
	case n > lzopBlock || packed > n:
		return nil, false, fmt.Errorf("block at %#x: %d bytes packed to %d: %w", at, n, packed, ErrCorrupt)
	case int(n) > j.limit-len(out):
		return nil, false, j.tooLarge()
	}
	src := r.bytes(int(packed))
	if r.err != nil {
		return nil, false, r.err
	}
	start := len(out)
	out = grow(out, int(n))[:start+int(n)]
	if packed == n {
		copy(out[start:], src)
	} else if m, err := lzo.Decompress(src, out[start:]); err != nil || m != int(n) {
		return nil, false, fmt.Errorf("block at %#x: %d of %d bytes: %w: %v", at, m, n, ErrCorrupt, err)
	}
	if flags&lzopAdlerPlain != 0 && adler32.Checksum(out[start:]) != adler || flags&lzopCRCPlain != 0 && crc32.ChecksumIEEE(out[start:]) != crc {
		return nil, false, fmt.Errorf("block at %#x: wrong checksum: %w", at, ErrCorrupt)
	}
	return out, true, nil
}
