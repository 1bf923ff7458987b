package compress

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/ulikunitz/xz/lzma"
)

// Bounds on what a stream may claim. A kernel reaches a ratio of 6, a module with
// debug information of 12.
const (
	largest           = 2 << 30  // output
	freeOutput        = 64 << 20 // always allowed
	largestRatio      = 128
	largestDictionary = 256 << 20 // kernels use up to 128 MiB (scripts/xz_wrap.sh)
	lzmaHeaderLen     = 13
)

// Errors that a caller can tell apart with errors.Is, besides those of the decoders.
var (
	ErrTooLarge = errors.New("unpacks to too much")
	ErrTrailing = errors.New("something else follows the compressed data")
	ErrCorrupt  = errors.New("corrupt")
)

// Limit is how much so many compressed bytes may unpack to.
func Limit(packed int) int {
	return int(min(largest, max(freeOutput, int64(packed)*largestRatio)))
}

// All unpacks a whole file: one stream or several that follow each other, and
// nothing else. The result has at most Limit(len(data)) bytes, or ErrTooLarge is
// the error.
func All(m Method, data []byte) ([]byte, error) {
	return unpack(m, data, job{all: true, limit: Limit(len(data))})
}

// First unpacks the stream that data starts with and ignores what follows it. size
// is how much it is expected to give, 0 if that is not known; limit is the most
// that it may give.
func First(m Method, data []byte, size, limit int) ([]byte, error) {
	return unpack(m, data, job{size: size, limit: min(limit, Limit(len(data)))})
}

// job says how to unpack.
type job struct {
	all   bool // every stream, and nothing may follow
	size  int  // expected output, 0 unknown
	limit int  // of the output
}

func unpack(m Method, data []byte, j job) (out []byte, err error) {
	switch m {
	case Gzip:
		out, err = unpackGzip(data, j)
	case Bzip2:
		out, err = unpackBzip2(data, j)
	case LZMA:
		out, err = unpackLZMA(data, j)
	case XZ:
		out, err = unpackXZ(data, j)
	case LZO:
		out, err = unpackLZO(data, j)
	case LZ4:
		out, err = unpackLZ4(data, j)
	case Zstd:
		out, err = unpackZstd(data, j)
	default:
		return nil, errors.New("not compressed in a known way")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = fmt.Errorf("truncated: %w", io.ErrUnexpectedEOF)
	}
	switch {
	case err == nil:
		return out, nil
	case strings.HasPrefix(err.Error(), m.String()+": "): // the decoder has said so
		return nil, err
	}
	return nil, fmt.Errorf("%s: %w", m, err)
}

// readAll reads a decoder to its end, with one allocation if the size is known.
func (j job) readAll(r io.Reader) ([]byte, error) {
	buf := make([]byte, 0, min(max(j.size, 64<<10), j.limit)+1)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > j.limit:
			return nil, j.tooLarge()
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}

func (j job) tooLarge() error { return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, j.limit) }

func unpackGzip(data []byte, j job) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	z.Multistream(j.all)
	out, err := j.readAll(z)
	if errors.Is(err, gzip.ErrHeader) {
		err = ErrTrailing
	}
	return out, err
}

func unpackBzip2(data []byte, j job) ([]byte, error) {
	out, err := j.readAll(bzip2.NewReader(bytes.NewReader(data)))
	// The decoder goes on to the next stream by itself. What it says when none
	// follows comes after the checksum of the last one.
	if err == bzip2.StructuralError("bad magic value in continuation file") || len(out) > 0 && err == bzip2.StructuralError("bad magic value") {
		err = nil
		if j.all {
			err = ErrTrailing
		}
	}
	return out, err
}

func unpackLZMA(data []byte, j job) ([]byte, error) {
	if !plausible(LZMA, data) {
		return nil, fmt.Errorf("header: %w", ErrCorrupt)
	}
	src := bytes.NewReader(data)
	r, err := lzma.ReaderConfig{DictCap: largestDictionary}.NewReader(src)
	if err != nil {
		return nil, err
	}
	out, err := j.readAll(r)
	if err == nil && j.all && src.Len() > 0 {
		err = ErrTrailing
	}
	return out, err
}
