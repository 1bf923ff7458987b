package compress

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/therootcompany/xz"
)

// Sizes of the parts of an xz stream that have one.
const (
	xzHeaderLen = 12
	xzFooterLen = 12
)

func unpackXZ(data []byte, j job) ([]byte, error) {
	end, index := xzStreamEnd(data)
	if !j.all {
		if end == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		data = data[:end]
	}
	if b, ok := parseXZBlock(data[min(xzHeaderLen, len(data)):]); ok {
		switch {
		case end == 0:
			return nil, io.ErrUnexpectedEOF
		case end != len(data):
			return nil, ErrTrailing
		}
		return unpackFiltered(data[:index], b, j)
	}
	r, err := xz.NewReader(bytes.NewReader(data), largestDictionary)
	if err != nil {
		return nil, err
	}
	return j.readAll(r)
}

// xzStreamEnd finds the footer of the stream that data starts with. It returns
// where the stream ends and where its index starts, 0 if there is no footer.
func xzStreamEnd(data []byte) (end, index int) {
	// Everything before the footer has a size that is a multiple of 4.
	for at := xzHeaderLen + xzFooterLen; at <= len(data); at += 4 {
		f := data[at-xzFooterLen : at]
		if f[10] != 'Y' || f[11] != 'Z' || crc32.ChecksumIEEE(f[4:10]) != binary.LittleEndian.Uint32(f) || !bytes.Equal(f[8:10], data[6:8]) {
			continue
		}
		size := (int64(binary.LittleEndian.Uint32(f[4:])) + 1) * 4
		if start := int64(at-xzFooterLen) - size; start >= xzHeaderLen && data[start] == 0 {
			return at, int(start)
		}
	}
	return 0, 0
}
