package compress

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// zstdBlock is the most that a compressed block gives (RFC 8878, 3.1.1.2.4).
const zstdBlock = 128 << 10

// unpackZstd unpacks frame by frame, since a decoder that is given more than the
// frames wants a frame there.
func unpackZstd(data []byte, j job) ([]byte, error) {
	// A limit on memory would also be one on the window, which kernels have larger
	// than their content. The room given to DecodeAll is the limit instead.
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var out []byte
	for at := 0; ; {
		n, most, err := zstdFrame(data[at:])
		if err != nil {
			return nil, fmt.Errorf("frame at %#x: %w", at, err)
		}
		out = grow(out, min(max(most, j.size), j.limit-len(out)))
		out, err = d.DecodeAll(data[at:at+n], out[:len(out):min(cap(out), j.limit)])
		switch {
		case errors.Is(err, zstd.ErrDecoderSizeExceeded):
			return nil, j.tooLarge()
		case err != nil:
			return nil, fmt.Errorf("frame at %#x: %w: %w", at, ErrCorrupt, err)
		}
		if at += n; !j.all || at == len(data) {
			return out, nil
		}
		if Sniff(data[at:]) != Zstd && !skippable(data[at:]) {
			return nil, ErrTrailing
		}
	}
}

// skippable reports whether data starts with a skippable frame (RFC 8878, 3.1.2).
func skippable(data []byte) bool {
	return len(data) >= 8 && binary.LittleEndian.Uint32(data)&^0xf == 0x184d2a50
}

// zstdFrame is the length of the frame that data starts with (RFC 8878, 3.1.1),
// found by following the sizes of its blocks, and the most that they can give.
func zstdFrame(data []byte) (size, most int, err error) {
	if skippable(data) {
		n := 8 + uint64(binary.LittleEndian.Uint32(data[4:]))
		if n > uint64(len(data)) {
			return 0, 0, io.ErrUnexpectedEOF
		}
		return int(n), 0, nil
	}
	if len(data) < 6 {
		return 0, 0, io.ErrUnexpectedEOF
	}
	descriptor := data[4]
	at := 5 + [...]int{0, 1, 2, 4}[descriptor&3] // dictionary id
	single := descriptor >> 5 & 1
	at += 1 - int(single)                     // window descriptor
	if field := descriptor >> 6; field != 0 { // content size
		at += 1 << field
	} else {
		at += int(single)
	}
	for last := false; !last; {
		if len(data)-at < 3 {
			return 0, 0, io.ErrUnexpectedEOF
		}
		h := uint32(data[at]) | uint32(data[at+1])<<8 | uint32(data[at+2])<<16
		last = h&1 != 0
		n := int(h >> 3)
		switch h >> 1 & 3 {
		case 0: // stored
			most += n
		case 1: // one byte, repeated
			most += n
			n = 1
		case 2:
			most += zstdBlock
		case 3:
			return 0, 0, fmt.Errorf("block at %#x: unknown type: %w", at, ErrCorrupt)
		}
		if at += 3; n > len(data)-at {
			return 0, 0, io.ErrUnexpectedEOF
		}
		at += n
	}
	if descriptor&4 != 0 { // checksum
		at += 4
	}
	if at > len(data) {
		return 0, 0, io.ErrUnexpectedEOF
	}
	return at, most, nil
}
