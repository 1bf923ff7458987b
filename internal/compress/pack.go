package compress

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Windows of what is written. The kernel allocates as much for every module that
// it unpacks; these are what scripts/Makefile.modinst uses.
const (
	xzDictionary = 1 << 20
	zstdWindow   = 2 << 20
)

// Pack compresses a module with gzip, xz or zstd in a way that the kernel's
// decompressor can read (finit_module with MODULE_INIT_COMPRESSED_FILE, Linux 5.17
// and later): gzip without optional header fields; xz as one block without
// filters, checked by CRC32, which is the only check the kernel has; zstd as one
// frame. With None the result is data itself. Equal input gives equal output.
func Pack(m Method, data []byte) ([]byte, error) {
	var w io.WriteCloser
	var err error
	var buf bytes.Buffer
	switch m {
	case None:
		return data, nil
	case Gzip:
		w, err = gzip.NewWriterLevel(&buf, gzip.BestCompression)
	case XZ:
		w, err = xz.WriterConfig{CheckSum: xz.CRC32, DictCap: xzDictionary}.NewWriter(&buf)
	case Zstd:
		return packZstd(data)
	default:
		return nil, fmt.Errorf("modules cannot be packed with %s: the kernel knows gzip, xz and zstd", m)
	}
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("packing with %s: %w", m, err)
	}
	return buf.Bytes(), nil
}

func packZstd(data []byte) ([]byte, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(zstdWindow),
		zstd.WithSingleSegment(false), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("packing with zstd: %w", err)
	}
	out := e.EncodeAll(data, nil)
	return out, e.Close()
}

// ForName is the method that the end of a file name says, such as "x.ko.xz"; a name
// that says nothing, and is not that of a plain module or object, gives def.
func ForName(name string, def Method) Method {
	for suffix, m := range map[string]Method{".gz": Gzip, ".xz": XZ, ".zst": Zstd, ".ko": None, ".o": None, ".debug": None} {
		if strings.HasSuffix(name, suffix) {
			return m
		}
	}
	return def
}

// PlainName is the name of a module without the end that tells how it is compressed.
func PlainName(name string) string {
	for _, suffix := range [...]string{".gz", ".xz", ".zst"} {
		if plain, ok := strings.CutSuffix(name, suffix); ok {
			return plain
		}
	}
	return name
}
