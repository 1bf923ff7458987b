package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// method is how the content of a section is compressed.
type method uint8

const (
	stored  method = iota
	gabi           // SHF_COMPRESSED: Elf32_Chdr or Elf64_Chdr before the stream (gABI)
	zlibGNU        // .zdebug_*: "ZLIB" and the size as a big-endian 64-bit number before the stream
)

// Bounds on decompression, so that a small file cannot fill the memory: what all
// compressed sections together claim must stay below inflateRatio times the size
// of the file, or below inflateFree if that is more. Debug sections reach ratios
// of 3 to 20.
const (
	inflateRatio = 256
	inflateFree  = 64 << 20
	inflateMax   = 4 << 30 // one section
)

// inflated keeps the decompressed sections of a file.
type inflated struct {
	mu      sync.Mutex
	section map[int]*inflatedSection
	claimed uint64
}

type inflatedSection struct {
	once sync.Once
	data []byte
	err  error
}

// compression tells how a section is compressed from its header and first bytes.
func compression(s *Section, raw []byte) method {
	if s.Flags&elf.SHF_COMPRESSED != 0 && s.Type != elf.SHT_NOBITS {
		return gabi
	}
	if strings.HasPrefix(s.Name, ".zdebug_") && bytes.HasPrefix(raw, []byte("ZLIB")) {
		return zlibGNU
	}
	return stored
}

// compressedHeader is the header in front of a compressed stream.
type compressedHeader struct {
	kind elf.CompressionType
	size uint64 // after decompression
	len  int    // of the header
}

func (f *File) compressedHeader(s *Section, how method, raw []byte) (h compressedHeader, err error) {
	o := f.Order
	switch {
	case how == zlibGNU:
		h = compressedHeader{elf.COMPRESS_ZLIB, 0, 12}
		if len(raw) >= h.len {
			h.size = binary.BigEndian.Uint64(raw[4:])
		}
	case f.Class == elf.ELFCLASS64:
		h.len = 24
		if len(raw) >= h.len {
			h.kind, h.size = elf.CompressionType(o.Uint32(raw)), o.Uint64(raw[8:])
		}
	default:
		h.len = 12
		if len(raw) >= h.len {
			h.kind, h.size = elf.CompressionType(o.Uint32(raw)), uint64(o.Uint32(raw[4:]))
		}
	}
	if len(raw) < h.len {
		return h, f.errorAt(s.Name, 0, "%d bytes, the header of a compressed section has %d", len(raw), h.len)
	}
	return h, nil
}

// sizeOf returns the size of a section after decompression, as its header has it.
func (f *File) sizeOf(index int) (uint64, error) {
	s := &f.Sections[index]
	raw, err := s.Contents(f.data, s.Name)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", f.Name, err)
	}
	how := compression(s, raw)
	if how == stored {
		return uint64(len(raw)), nil
	}
	h, err := f.compressedHeader(s, how, raw)
	return h.size, err
}

// inflate returns the decompressed content of a section, doing the work once.
func (f *File) inflate(index int, how method, raw []byte) ([]byte, error) {
	f.inflated.mu.Lock()
	s := f.inflated.section[index]
	if s == nil {
		s = new(inflatedSection)
		if f.inflated.section == nil {
			f.inflated.section = make(map[int]*inflatedSection)
		}
		f.inflated.section[index] = s
	}
	f.inflated.mu.Unlock()
	s.once.Do(func() { s.data, s.err = f.inflateOnce(&f.Sections[index], how, raw) })
	return s.data, s.err
}

func (f *File) inflateOnce(s *Section, how method, raw []byte) ([]byte, error) {
	h, err := f.compressedHeader(s, how, raw)
	if err != nil {
		return nil, err
	}
	if err := f.claim(s, h.size); err != nil {
		return nil, err
	}
	var data []byte
	stream := raw[h.len:]
	switch h.kind {
	case elf.COMPRESS_ZLIB:
		data, err = inflateZlib(stream, h.size)
	case elf.COMPRESS_ZSTD:
		data, err = inflateZstd(stream, h.size)
	default:
		return nil, f.errorAt(s.Name, 0, "compressed in the unknown way %d", uint32(h.kind))
	}
	if err != nil {
		return nil, &SectionError{f.Name, s.Name, uint64(h.len), fmt.Sprintf("cannot decompress: %v", err), err}
	}
	if uint64(len(data)) != h.size {
		return nil, f.errorAt(s.Name, 0, "decompresses to %d bytes, its header says %d", len(data), h.size)
	}
	return data, nil
}

// claim admits the decompression of size bytes or refuses it.
func (f *File) claim(s *Section, size uint64) error {
	limit := max(inflateFree, inflateRatio*uint64(len(f.data)))
	f.inflated.mu.Lock()
	defer f.inflated.mu.Unlock()
	if size > inflateMax || size > limit || f.inflated.claimed > limit-size {
		return f.errorAt(s.Name, 0, "claims to decompress to %d bytes, too much for a file of %d", size, len(f.data))
	}
	f.inflated.claimed += size
	return nil
}

// inflateZlib decompresses one or several zlib streams that follow each other,
// which binutils accept too.
func inflateZlib(stream []byte, size uint64) ([]byte, error) {
	src := bytes.NewReader(stream)
	data := make([]byte, size)
	for done := uint64(0); ; {
		z, err := zlib.NewReader(src)
		if err != nil {
			return nil, err
		}
		n, err := io.ReadFull(z, data[done:])
		if done += uint64(n); err == io.EOF || err == io.ErrUnexpectedEOF {
			if src.Len() == 0 || n == 0 {
				return data[:done], nil
			}
			continue // the next stream
		}
		if err != nil {
			return nil, err
		}
		// The end of the stream verifies its checksum.
		var more [1]byte
		if n, err := io.ReadFull(z, more[:]); n != 0 {
			return nil, fmt.Errorf("more than the %d bytes that the header says", size)
		} else if err != io.EOF {
			return nil, err
		}
		return data, nil
	}
}

// zstdDecoder serves all files; DecodeAll may be called from several goroutines.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(inflateMax),
		zstd.WithDecodeAllCapLimit(true))
})

func inflateZstd(stream []byte, size uint64) ([]byte, error) {
	d, err := zstdDecoder()
	if err != nil {
		return nil, err
	}
	return d.DecodeAll(stream, make([]byte, 0, size))
}
