package compress

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// Filters of xz that are younger than the decoder that reads everything else. The
// kernel's build uses them (scripts/xz_wrap.sh, Linux 6.12) for EFI zboot images.
const (
	xzFilterARM64 = 0x0a // xz 5.4
	xzFilterRISCV = 0x0b // xz 5.6
	xzFilterLZMA2 = 0x21
)

// Checks of the xz format.
const (
	xzCheckNone  = 0
	xzCheckCRC32 = 1
	xzCheckCRC64 = 4
)

// unpackFiltered unpacks the blocks of a stream whose first block, b, goes through
// one of the newer filters; all others have to as well. data ends where the index
// starts.
func unpackFiltered(data []byte, b xzBlock, j job) ([]byte, error) {
	var all []byte
	for at, ok := xzHeaderLen, true; ; {
		part := j
		part.limit -= len(all)
		out, n, err := b.unpack(data[at:], data[7], part)
		if err != nil {
			return nil, fmt.Errorf("block at %#x: %w", at, err)
		}
		if all == nil {
			all = out
		} else {
			all = append(all, out...)
		}
		if at += n; at == len(data) {
			return all, nil
		}
		if b, ok = parseXZBlock(data[at:]); !ok {
			return nil, fmt.Errorf("block at %#x: no filter for machine code as before", at)
		}
	}
}

// unpack unpacks a block, with which data starts. It returns its size, too.
func (b xzBlock) unpack(data []byte, check byte, j job) (out []byte, n int, err error) {
	if b.header > len(data) { // it reaches into the index
		return nil, 0, io.ErrUnexpectedEOF
	}
	src := bytes.NewReader(data[b.header:])
	r, err := lzma.Reader2Config{DictCap: max(b.dictionary, lzma.MinDictCap)}.NewReader2(src)
	if err != nil {
		return nil, 0, err
	}
	if out, err = j.readAll(r); err != nil {
		return nil, 0, err
	}
	if b.filter == xzFilterARM64 {
		unfilterARM64(out, b.start)
	} else {
		unfilterRISCV(out, b.start)
	}
	at := (len(data) - src.Len() + 3) &^ 3 // block header and padded block are multiples of 4
	want, ok := xzCheck(check, out)
	switch {
	case !ok:
		return nil, 0, fmt.Errorf("check of the unknown kind %d", check)
	case at > len(data), len(want) > len(data)-at:
		return nil, 0, io.ErrUnexpectedEOF
	case !bytes.Equal(data[at:at+len(want)], want):
		return nil, 0, fmt.Errorf("wrong check: %w", ErrCorrupt)
	}
	return out, at + len(want), nil
}

// xzCheck computes the check of a block; ok is false if the kind is unknown.
func xzCheck(kind byte, out []byte) (check []byte, ok bool) {
	switch kind {
	case xzCheckNone:
		return nil, true
	case xzCheckCRC32:
		return binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(out)), true
	case xzCheckCRC64:
		return binary.LittleEndian.AppendUint64(nil, crc64.Checksum(out, crc64.MakeTable(crc64.ECMA))), true
	}
	return nil, false
}

// xzBlock is what matters of a block header.
type xzBlock struct {
	header     int    // its size
	filter     uint64 // the first one
	start      uint32 // address that the filter takes for that of the first byte
	dictionary int
}

// parseXZBlock reads the header of a block; ok is false if it does not go through
// one of the newer filters and LZMA2.
func parseXZBlock(data []byte) (b xzBlock, ok bool) {
	if len(data) == 0 {
		return b, false
	}
	n := (int(data[0]) + 1) * 4
	if n < 8 || n > len(data) || crc32.ChecksumIEEE(data[:n-4]) != binary.LittleEndian.Uint32(data[n-4:]) {
		return b, false
	}
	b.header = n
	h := bytes.NewReader(data[2 : n-4])
	for _, size := range [...]byte{0x40, 0x80} { // packed and unpacked size of the block
		if data[1]&size != 0 {
			if _, err := binary.ReadUvarint(h); err != nil {
				return b, false
			}
		}
	}
	if data[1]&0x3f != 1 { // two filters
		return b, false
	}
	for i := range 2 {
		id, err1 := binary.ReadUvarint(h)
		n, err2 := binary.ReadUvarint(h)
		if err1 != nil || err2 != nil || n > uint64(h.Len()) {
			return b, false
		}
		props := make([]byte, n)
		h.Read(props)
		switch {
		case i == 0 && (id == xzFilterARM64 || id == xzFilterRISCV) && (n == 0 || n == 4):
			b.filter = id
			if n == 4 {
				b.start = binary.LittleEndian.Uint32(props)
			}
		case i == 1 && id == xzFilterLZMA2 && n == 1:
			size, err := lzma.DecodeDictCap(props[0])
			if err != nil || size > largestDictionary {
				return b, false
			}
			b.dictionary = int(size)
		default:
			return b, false
		}
	}
	return b, true
}

// unfilterARM64 makes the absolute targets of BL and ADRP relative again.
func unfilterARM64(b []byte, start uint32) {
	le := binary.LittleEndian
	for i := 0; i+4 <= len(b); i += 4 {
		pc := start + uint32(i)
		x := le.Uint32(b[i:])
		switch {
		case x>>26 == 0x25: // BL
			le.PutUint32(b[i:], 0x94000000|(x-pc>>2)&0x03ffffff)
		case x&0x9f000000 == 0x90000000: // ADRP, unless it reaches further than 512 MiB
			page := x>>29&3 | x>>3&0x1ffffc
			if (page+0x20000)&0x1c0000 != 0 {
				continue
			}
			page -= pc >> 12
			le.PutUint32(b[i:], x&0x9000001f|page&3<<29|page&0x3fffc<<3|-(page&0x20000)&0xe00000)
		}
	}
}

// unfilterRISCV makes the absolute targets of JAL and of AUIPC with its second
// instruction relative again. The encoder has written such a pair as an AUIPC to x2
// followed by the target, most significant byte first; pairs that looked like that
// already have another form.
func unfilterRISCV(b []byte, start uint32) {
	le := binary.LittleEndian
	for i := 0; i+8 <= len(b); i += 2 {
		pc := start + uint32(i)
		switch {
		case b[i] == 0xef && b[i+1]&0x0d == 0: // JAL to x1 or x5
			b1, b2, b3 := uint32(b[i+1]), uint32(b[i+2]), uint32(b[i+3])
			addr := b1&0xf0<<13 | b2<<9 | b3<<1
			addr -= pc
			b[i+1] = byte(b1&0x0f | addr>>8&0xf0)
			b[i+2] = byte(addr>>16&0x0f | addr>>7&0x10 | addr<<4&0xe0)
			b[i+3] = byte(addr>>4&0x7f | addr>>13&0x80)
			i += 2
		case b[i]&0x7f == 0x17: // AUIPC
			x := le.Uint32(b[i:])
			var y uint32
			if x&0xe80 != 0 { // to a register other than x0 and x2
				y = le.Uint32(b[i+4:])
				if (x<<8^y)&0xf8003 != 3 {
					i += 4
					continue
				}
				addr := x&0xfffff000 + y>>20
				x, y = 0x17|2<<7|y<<12, addr
			} else {
				register := x >> 27
				if (x-0x3117)<<18 >= register&0x1d {
					i += 2
					continue
				}
				addr := binary.BigEndian.Uint32(b[i+4:]) - pc
				y = x>>12 | addr<<20
				x = 0x17 | register<<7 | (addr+0x800)&0xfffff000
			}
			le.PutUint32(b[i:], x)
			le.PutUint32(b[i+4:], y)
			i += 6
		}
	}
}
