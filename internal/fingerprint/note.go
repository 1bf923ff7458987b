// Package fingerprint is the note that tells which kernel's BTF a module's BTF was
// made over.
//
// Nothing in BTF itself links split BTF to its base: the kernel takes small split
// BTF of another build for its own, with wrong names and types. The note lies in a
// section of its own, .note.mkbtf, of type SHT_NOTE and without SHF_ALLOC: the
// kernel shows only notes with SHF_ALLOC in sysfs and looks at no others, strip -g
// and its relatives leave it where they leave .BTF.
//
// It is one ELF note, in the byte order of the file, padded to 4 bytes:
//
//	namesz  6, "mkbtf"
//	type    1, the version of what follows
//	desc    u32  form: 1 split, 2 distilled
//	        u32  number of types in the base, void included
//	        u8   SHA-256 of the base, 32 bytes: of the whole .BTF of the kernel
//	        u8   SHA-256 of the module's own .BTF, 32 bytes: if that is another one, some
//	             other tool has replaced it and the note is stale
//	        u8   release of the kernel, NUL-terminated; empty if it was not known
package fingerprint

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"mkbtf/btf"
)

// Section is the name of the section that holds the note.
const Section = ".note.mkbtf"

// ErrMalformed says that the section holds something else, or a newer version.
var ErrMalformed = errors.New("not a note that can be read")

// Form is what was made over the base.
type Form uint32

// The forms that depend on a base.
const (
	Split     Form = 1
	Distilled Form = 2
)

func (f Form) String() string {
	switch f {
	case Split:
		return "split"
	case Distilled:
		return "distilled"
	}
	return fmt.Sprintf("form %d", uint32(f))
}

// Hash identifies BTF, such as that of a kernel build.
type Hash [sha256.Size]byte

func (h Hash) String() string { return fmt.Sprintf("%x", h[:8]) }

// Of is the hash of raw BTF.
func Of(raw []byte) Hash { return sha256.Sum256(raw) }

// Note says what a module's BTF was made over.
type Note struct {
	Form    Form
	Types   uint32 // of the base, void included
	Base    Hash
	BTF     Hash   // of the module's .BTF
	Release string // of the kernel, such as 6.12.117-amd64; "" if not known
}

const (
	owner    = "mkbtf\x00"
	version  = 1
	fixedLen = 8 + 2*sha256.Size
	// longestRelease is what uname can hold (__NEW_UTS_LEN).
	longestRelease = 64
)

func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// Encode returns the content of the section.
func (n *Note) Encode(order btf.Order) []byte {
	release := n.Release[:min(len(n.Release), longestRelease)]
	b := order.AppendUint32(nil, uint32(len(owner)))
	b = order.AppendUint32(b, uint32(fixedLen+len(release)+1))
	b = order.AppendUint32(b, version)
	b = pad(append(b, owner...))
	b = order.AppendUint32(b, uint32(n.Form))
	b = order.AppendUint32(b, n.Types)
	b = append(b, n.Base[:]...)
	b = append(b, n.BTF[:]...)
	return pad(append(append(b, release...), 0))
}

// Parse reads the content of the section. ErrMalformed if it is no such note.
func Parse(data []byte, order btf.Order) (*Note, error) {
	const start = 12 + 8 // the note's header and its padded name
	if len(data) < start+fixedLen+1 || order.Uint32(data) != uint32(len(owner)) || string(data[12:12+len(owner)]) != owner {
		return nil, fmt.Errorf("%w: %d bytes without the name of mkbtf", ErrMalformed, len(data))
	}
	if v := order.Uint32(data[8:]); v != version {
		return nil, fmt.Errorf("%w: version %d, known is %d", ErrMalformed, v, version)
	}
	size := order.Uint32(data[4:])
	if size < fixedLen+1 || uint64(size) > uint64(len(data)-start) {
		return nil, fmt.Errorf("%w: a descriptor of %d bytes in a section of %d", ErrMalformed, size, len(data))
	}
	desc := data[start : start+size]
	n := &Note{Form: Form(order.Uint32(desc)), Types: order.Uint32(desc[4:])}
	copy(n.Base[:], desc[8:])
	copy(n.BTF[:], desc[8+len(n.Base):])
	release, _, ok := bytes.Cut(desc[fixedLen:], []byte{0})
	if !ok || len(release) > longestRelease {
		return nil, fmt.Errorf("%w: a release without end", ErrMalformed)
	}
	for _, c := range release {
		if c <= ' ' || c > '~' { // it is printed
			return nil, fmt.Errorf("%w: a release that cannot be printed", ErrMalformed)
		}
	}
	n.Release = string(release)
	return n, nil
}
