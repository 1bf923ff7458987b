package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// Sizes of the wire format in bytes.
const (
	HeaderLen = 24     // the header that every kernel reads
	recordLen = 12     // a type record without its variable part
	magic     = 0xeb9f // read in the byte order of the blob
)

// Errors that a reader of BTF can tell apart with errors.Is. What Parse returns
// wraps one of them in a *FormatError.
var (
	ErrNoBTF     = errors.New("no BTF header")
	ErrTruncated = errors.New("truncated")
	ErrMalformed = errors.New("malformed BTF")
	// ErrNeedsBase: a type or name is referred to that neither the BTF nor its base
	// has. It was made over another base, or is malformed; it matches ErrMalformed too.
	ErrNeedsBase = fmt.Errorf("%w: it needs another base", ErrMalformed)
)

// FormatError says what is wrong in a BTF blob and where.
type FormatError struct {
	Section string // "header", "types" or "strings"
	Offset  uint64 // in bytes from the start of the blob
	Msg     string
	Err     error // one of the sentinels above
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("BTF %s+%#x: %s", e.Section, e.Offset, e.Msg)
}

func (e *FormatError) Unwrap() error { return e.Err }

// Header is the BTF header in host terms. Offsets count from the end of the
// header. LayoutOff and LayoutLen are 0 unless HdrLen is at least 32 (Linux 7.1).
type Header struct {
	HdrLen               uint32
	TypeOff, TypeLen     uint32
	StrOff, StrLen       uint32
	LayoutOff, LayoutLen uint32
}

// Blob is a parsed BTF blob in the wire format, with an index of its records but
// nothing decoded. It keeps the data it was made from. It is immutable and may be
// used by several goroutines.
type Blob struct {
	Header  Header
	Order   Order
	Base    *Blob  // nil unless this is split BTF
	Data    []byte // the whole blob
	types   []byte
	strs    []byte
	offs    []uint32 // offset of each own record in types
	start   ID       // id of the first own type
	strBase uint32   // string offset of strs[0]
	le      bool     // Order is little endian
	counts  [NumKinds]kindCount

	lookups   atomic.Int32 // how often lookupStrings was called
	indexOnce sync.Once
	stringAt  []uint32
}

// Parse reads the header and finds the records of a BTF blob of either byte
// order. With base not nil the blob is split BTF over it. Every record, every
// reference, every name offset and every section bound is checked, so that the
// other methods cannot fail; what the kernel demands beyond that is not checked
// here. Errors are *FormatError.
func Parse(data []byte, base *Blob) (*Blob, error) { return ParseEach(data, base, nil) }

// ParseEach is Parse that calls each, unless it is nil, for the own types other than FUNCs
// in the order of their ids, with what Blob.Each has, as it finds them: who indexes types
// needs not go through them again. What they refer to has not been checked then, and of
// the blob only Word and HashAt may be called.
func ParseEach(data []byte, base *Blob, each func(b *Blob, id ID, r Record, extra []byte)) (*Blob, error) {
	b, top, err := parse(data, base, each)
	if err != nil {
		return nil, err
	}
	if top.ref >= uint32(b.End()) || uint64(top.name) >= uint64(b.strBase)+uint64(len(b.strs)) {
		if err := b.check(); err != nil {
			return nil, err
		}
	}
	if err := b.checkStrings(); err != nil {
		return nil, err
	}
	return b, nil
}

// ParseTrusted is Parse without the check of names and references: for a base
// that the kernel itself has accepted and that must be loaded in milliseconds.
// IDs and offsets that are out of range read as void and as the empty string.
func ParseTrusted(data []byte, base *Blob) (*Blob, error) {
	b, _, err := parse(data, base, nil)
	return b, err
}

func parse(data []byte, base *Blob, each func(*Blob, ID, Record, []byte)) (*Blob, highest, error) {
	fail := func(off uint64, err error, format string, args ...any) (*Blob, highest, error) {
		return nil, highest{}, &FormatError{"header", off, fmt.Sprintf(format, args...), err}
	}
	if len(data) < HeaderLen {
		return fail(0, ErrTruncated, "%d bytes, a header has %d", len(data), HeaderLen)
	}
	if uint64(len(data)) > math.MaxUint32 {
		return fail(0, ErrMalformed, "larger than 4 GiB")
	}
	var order Order = binary.LittleEndian
	switch {
	case data[0] == magic&0xff && data[1] == magic>>8:
	case data[0] == magic>>8 && data[1] == magic&0xff:
		order = binary.BigEndian
	default:
		return fail(0, ErrNoBTF, "magic is %#x %#x, not that of BTF", data[0], data[1])
	}
	if data[2] != 1 || data[3] != 0 {
		return fail(2, ErrMalformed, "version %d, flags %#x: only version 1 without flags is known", data[2], data[3])
	}
	h := Header{
		HdrLen:  order.Uint32(data[4:]),
		TypeOff: order.Uint32(data[8:]), TypeLen: order.Uint32(data[12:]),
		StrOff: order.Uint32(data[16:]), StrLen: order.Uint32(data[20:]),
	}
	if h.HdrLen < HeaderLen || uint64(h.HdrLen) > uint64(len(data)) {
		return fail(4, ErrTruncated, "header length %d in a blob of %d bytes", h.HdrLen, len(data))
	}
	if h.HdrLen >= 32 {
		h.LayoutOff, h.LayoutLen = order.Uint32(data[24:]), order.Uint32(data[28:])
	}
	body := data[h.HdrLen:]
	if uint64(h.TypeOff)+uint64(h.TypeLen) > uint64(len(body)) {
		return fail(8, ErrTruncated, "types end at %d, the data after the header at %d", uint64(h.TypeOff)+uint64(h.TypeLen), len(body))
	}
	if uint64(h.StrOff)+uint64(h.StrLen) > uint64(len(body)) {
		return fail(16, ErrTruncated, "strings end at %d, the data after the header at %d", uint64(h.StrOff)+uint64(h.StrLen), len(body))
	}
	b := &Blob{
		Header: h, Order: order, Base: base, Data: data, start: 1, le: order == binary.LittleEndian,
		types: body[h.TypeOff : h.TypeOff+h.TypeLen],
		strs:  body[h.StrOff : h.StrOff+h.StrLen],
	}
	if base != nil {
		if base.Order != order {
			return fail(0, ErrMalformed, "byte order differs from that of the base")
		}
		b.start, b.strBase = base.End(), base.strBase+uint32(len(base.strs))
	}
	switch n := len(b.strs); {
	case n == 0 && base == nil:
		return nil, highest{}, &FormatError{"strings", b.strPos(0), "the string section is empty, as only that of split BTF may be", ErrNeedsBase}
	case n > 0 && b.strs[n-1] != 0:
		return nil, highest{}, &FormatError{"strings", b.strPos(0), "string section does not end in a NUL", ErrMalformed}
	}
	top, err := b.index(each)
	if err != nil {
		return nil, highest{}, err
	}
	return b, top, nil
}

// maxString bounds a string in bytes: names that overlap must not take memory in
// proportion to the whole string section each. The kernel's limit for identifiers is 512
// (KSYM_NAME_LEN).
const maxString = 2046

// checkStrings looks for strings that are longer. Each holds one of the windows of half
// the length that follow each other.
func (b *Blob) checkStrings() error {
	const window = maxString / 2
	for at := 0; at+window <= len(b.strs); at += window {
		if bytes.IndexByte(b.strs[at:at+window], 0) >= 0 {
			continue
		}
		first := bytes.LastIndexByte(b.strs[:at], 0) + 1
		if n := bytes.IndexByte(b.strs[first:], 0); n > maxString {
			return &FormatError{"strings", b.strPos(first), fmt.Sprintf("a string of %d bytes, more than %d", n, maxString), ErrMalformed}
		}
	}
	return nil
}

func (b *Blob) typePos(off int) uint64 {
	return uint64(b.Header.HdrLen) + uint64(b.Header.TypeOff) + uint64(off)
}

func (b *Blob) strPos(off int) uint64 {
	return uint64(b.Header.HdrLen) + uint64(b.Header.StrOff) + uint64(off)
}

// Word reads four bytes in the byte order of the blob; a call through Order costs
// several times as much.
func (b *Blob) Word(p []byte) uint32 {
	if b.le {
		return binary.LittleEndian.Uint32(p)
	}
	return binary.BigEndian.Uint32(p)
}

func (b *Blob) validName(off uint32) bool {
	for b.Base != nil && off < b.strBase {
		b = b.Base
	}
	return off == 0 || off-b.strBase < uint32(len(b.strs))
}

// Count is how many own types of a kind have a name, and how many have none.
func (b *Blob) Count(k Kind) (named, unnamed int) {
	return b.counts[k].all - b.counts[k].unnamed, b.counts[k].unnamed
}

// Start is the id of the first own type: 1 without a base.
func (b *Blob) Start() ID { return b.start }

// End is one more than the last type id.
func (b *Blob) End() ID { return b.start + ID(len(b.offs)) }

// StringsEnd is the string offset at which split BTF over this blob begins to
// number its own strings.
func (b *Blob) StringsEnd() uint32 { return b.strBase + uint32(len(b.strs)) }

// OwnStrings is the string section of the blob itself.
func (b *Blob) OwnStrings() []byte { return b.strs }

// OwnTypes is the type section of the blob itself.
func (b *Blob) OwnTypes() []byte { return b.types }
