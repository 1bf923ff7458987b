package emit

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"mkbtf/internal/elfhdr"
)

// largestAlign is the largest alignment of a section that can be added.
const largestAlign = 4096

// Errors of EditELF that a caller can tell apart with errors.Is; others match
// those of the header reader (elfhdr.ErrTruncated and so on).
var (
	// ErrSigned: an edited module would no longer match its signature.
	ErrSigned = errors.New("the module is signed")
	// ErrLoaded: the section is part of the memory image, as .BTF of a vmlinux is,
	// and has its place and size from the linker.
	ErrLoaded = errors.New("the section is part of the loaded image")
	// ErrInPlace: there is no such content of that size to overwrite.
	ErrInPlace = errors.New("the section cannot be overwritten in place")
	// ErrReferenced: other sections depend on the section.
	ErrReferenced = errors.New("other sections refer to the section")
)

// ELFSection is a section to be put into an ELF file, in place of the one of the
// same name if there is one.
type ELFSection struct {
	Name string
	// Data is the content; nil removes the section.
	Data []byte
	// Align is the alignment in the file and sh_addralign, a power of two. The
	// kernel reads .BTF.base in place, in words of 4 bytes.
	Align uint64
}

// ELFOptions are what EditELF may do beyond the plain case.
type ELFOptions struct {
	// DropSignature removes the signature of a signed module instead of failing
	// with ErrSigned.
	DropSignature bool
	// Overwrite gives sections that are there other content of the same size and
	// changes nothing else of them. That is possible for sections of the memory image
	// too, such as .BTF_ids.
	Overwrite []ELFContent
}

// ELFContent is new content for a section.
type ELFContent struct {
	Name string
	Data []byte
}

// ELFEdit is an edited ELF file that has not been written yet: ranges of the
// input and new bytes.
type ELFEdit struct {
	in     []byte
	chunks []chunk
	size   uint64
	same   bool
	source *os.File
}

// chunk is a piece of the output: new data, or n bytes from the input.
type chunk struct {
	data []byte
	off  uint64
	n    uint64
}

// EditELF plans how to add, replace or remove sections without SHF_ALLOC in an ELF
// file of either class and byte order, and how to overwrite others. Nothing else changes: every section keeps
// its index, its header but for the offset, and its content; program headers and
// what they cover stay where they are.
//
// New content goes behind everything else, followed by the section names if one
// was added, and the section headers. In a file without program headers (modules,
// objects) the hole that an old, differently sized section leaves is closed by
// moving up what follows it, as far as alignment allows; otherwise it is zeroed. A
// section that is removed leaves an unused header (SHT_NULL) unless it is the
// last one. An edit that changes nothing gives the input itself, and the second of
// two equal edits never changes anything.
//
// A file that has no section headers, whose headers contradict each other, or that
// ends too early is an error. The plan keeps in and the data of the sections.
func EditELF(in []byte, sections []ELFSection, opt ELFOptions) (*ELFEdit, error) {
	sig, signed, err := elfhdr.FindSignature(in)
	if signed {
		if !opt.DropSignature {
			return nil, ErrSigned
		}
		if err != nil {
			return nil, err
		}
		in = in[:sig.Off]
	}
	l, err := newLayout(in)
	if err != nil {
		return nil, err
	}
	changed := false
	seen := make(map[string]bool)
	for i := range sections {
		s := &sections[i]
		if seen[s.Name] || s.Name == "" {
			return nil, fmt.Errorf("section %q: named twice or without a name", s.Name)
		}
		seen[s.Name] = true
		if s.Align&(s.Align-1) != 0 || s.Align > largestAlign {
			return nil, fmt.Errorf("section %s: alignment %d is not a power of two up to %d", s.Name, s.Align, largestAlign)
		}
		c, err := l.edit(s)
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", s.Name, err)
		}
		changed = changed || c
	}
	for i := range opt.Overwrite {
		o := &opt.Overwrite[i]
		if seen[o.Name] {
			return nil, fmt.Errorf("section %q: named twice", o.Name)
		}
		if err := l.overwrite(o.Name, o.Data); err != nil {
			return nil, fmt.Errorf("section %s: %w", o.Name, err)
		}
	}
	if !changed {
		n := uint64(len(in))
		return &ELFEdit{in: in, chunks: l.head(l.inPlace, n), size: n, same: !signed && len(l.inPlace) == 0}, nil
	}
	return l.finish()
}

// Unchanged reports whether the output is the input.
func (e *ELFEdit) Unchanged() bool { return e.same }

// Size is the size of the output in bytes.
func (e *ELFEdit) Size() uint64 { return e.size }

// CopyFrom makes WriteTo take large ranges of the input from the open file that it
// was mapped from, which lets the kernel copy them without mapping each page, and
// share them if the file system can.
func (e *ELFEdit) CopyFrom(f *os.File) { e.source = f }

// copyLeast is the size of a range from which on CopyFrom pays.
const copyLeast = 1 << 20

// WriteTo writes the edited file.
func (e *ELFEdit) WriteTo(w io.Writer) (n int64, err error) {
	to, _ := w.(io.ReaderFrom)
	for _, c := range e.chunks {
		var k int64
		if to != nil && e.source != nil && c.data == nil && c.n >= copyLeast {
			if _, err = e.source.Seek(int64(c.off), io.SeekStart); err == nil {
				k, err = to.ReadFrom(io.LimitReader(e.source, int64(c.n)))
			}
			if err == nil && uint64(k) < c.n {
				err = io.ErrUnexpectedEOF
			}
		} else {
			b := c.data
			if b == nil {
				b = e.in[c.off : c.off+c.n]
			}
			var m int
			m, err = w.Write(b)
			k = int64(m)
		}
		if n += k; err != nil {
			return n, err
		}
	}
	return n, nil
}

// Bytes returns the edited file.
func (e *ELFEdit) Bytes() []byte {
	if e.same {
		return e.in
	}
	b := make([]byte, 0, e.size)
	for _, c := range e.chunks {
		if c.data != nil {
			b = append(b, c.data...)
		} else {
			b = append(b, e.in[c.off:c.off+c.n]...)
		}
	}
	return b
}

// checkSize makes sure that offsets fit the class.
func checkSize(h *elfhdr.Header, size uint64) error {
	if !h.Is64() && size > math.MaxUint32 {
		return fmt.Errorf("%d bytes: too large for %s", size, elf.ELFCLASS32)
	}
	return nil
}
