package verify

import (
	"bytes"
	"encoding/binary"
)

// Sizes of the header: what every kernel reads, and what Linux 7.1 reads.
const (
	hdrLenClassic = 24
	hdrLenLayout  = 32
)

// open reads the header and finds the sections: the passes B and C of every kind
// of load, and with load set those that only BPF_BTF_LOAD makes (D, E). base is
// nil unless data is split BTF.
func open(data []byte, base *blob, ab *Abilities, name string, load bool) (*blob, *Error) {
	b := &blob{section: name, data: data, base: base}
	switch {
	case base != nil:
		b.big = base.big
		b.start, b.strStart = base.nrTypes(), base.hdr.strLen
	case ab.Order != nil:
		b.big = ab.Order == binary.BigEndian
	default:
		b.big = len(data) >= 2 && binary.BigEndian.Uint16(data) == magic
	}
	if err := b.parseHeader(ab); err != nil {
		return nil, err
	}
	if err := b.checkSections(ab); err != nil {
		return nil, err
	}
	if err := b.parseStrings(ab); err != nil {
		return nil, err
	}
	if load {
		if err := b.checkLayout(); err != nil {
			return nil, err
		}
		if err := b.checkTypeSection(); err != nil {
			return nil, err
		}
	}
	body := data[b.hdr.hdrLen:]
	b.types = body[b.hdr.typeOff : b.hdr.typeOff+b.hdr.typeLen]
	return b, nil
}

func (b *blob) fail(p Pass, no Errno, off uint64, msg string) *Error {
	return &Error{Pass: p, Errno: no, Msg: msg, Section: b.section, Offset: off}
}

func (b *blob) parseHeader(ab *Abilities) *Error {
	bad := func(no Errno, off uint64, msg string) *Error { return b.fail(PassHeader, no, off, msg) }
	o := b.order()
	size := uint64(len(b.data))
	if size < 8 {
		return bad(EINVAL, 0, "hdr_len not found")
	}
	hdrLen := o.Uint32(b.data[4:])
	if size < uint64(hdrLen) {
		return bad(EINVAL, 4, "btf_header not found")
	}
	known := uint32(hdrLenClassic)
	if ab.LayoutHeader {
		known = hdrLenLayout
	}
	if hdrLen > known {
		if i := bytes.IndexFunc(b.data[known:hdrLen], func(r rune) bool { return r != 0 }); i >= 0 {
			return bad(E2BIG, uint64(known)+uint64(i), "Unsupported btf_header")
		}
	}
	// A header shorter than what the kernel knows is completed with zeros, even
	// within a field.
	var h [hdrLenLayout]byte
	copy(h[:known], b.data[:hdrLen])
	b.hdr = header{
		magic: o.Uint16(h[:]), version: h[2], flags: h[3], hdrLen: o.Uint32(h[4:]),
		typeOff: o.Uint32(h[8:]), typeLen: o.Uint32(h[12:]),
		strOff: o.Uint32(h[16:]), strLen: o.Uint32(h[20:]),
		layoutOff: o.Uint32(h[24:]), layoutLen: o.Uint32(h[28:]),
	}
	switch {
	case b.hdr.magic != magic:
		return bad(EINVAL, 0, "Invalid magic")
	case b.hdr.version != 1:
		return bad(ENOTSUPP, 2, "Unsupported version")
	case b.hdr.flags != 0:
		return bad(ENOTSUPP, 3, "Unsupported flags")
	case b.base == nil && size == uint64(b.hdr.hdrLen):
		return bad(EINVAL, size, "No data")
	}
	return nil
}

type section struct{ off, len uint32 }

func (s section) after(o section) bool {
	if d := int32(s.off - o.off); d != 0 {
		return d > 0
	}
	return int32(s.len-o.len) > 0
}

// checkSections makes sure that the sections tile what follows the header.
func (b *blob) checkSections(ab *Abilities) *Error {
	secs := []section{{b.hdr.typeOff, b.hdr.typeLen}, {b.hdr.strOff, b.hdr.strLen}}
	if ab.LayoutHeader && b.hdr.hdrLen >= hdrLenLayout && b.hdr.layoutLen != 0 {
		secs = append(secs, section{b.hdr.layoutOff, b.hdr.layoutLen})
	}
	// The kernel sorts by the sign of the difference in 32 bits, which is not an
	// order for offsets that are far apart.
	for i := range secs {
		for ; i > 0 && secs[i-1].after(secs[i]); i-- {
			secs[i-1], secs[i] = secs[i], secs[i-1]
		}
	}
	want := uint64(len(b.data)) - uint64(b.hdr.hdrLen)
	var total uint64
	for _, s := range secs {
		bad := func(msg string) *Error { return b.fail(PassHeader, EINVAL, uint64(b.hdr.hdrLen)+total, msg) }
		switch {
		case want < uint64(s.off):
			return bad("Invalid section offset")
		case total < uint64(s.off):
			return bad("Unsupported section found")
		case total > uint64(s.off):
			return bad("Section overlap found")
		case want-total < uint64(s.len):
			return bad("Total section length too long")
		}
		total += uint64(s.len)
	}
	if total != want {
		return b.fail(PassHeader, EINVAL, uint64(b.hdr.hdrLen)+total, "Unsupported section found")
	}
	return nil
}

func (b *blob) parseStrings(ab *Abilities) *Error {
	body := b.data[b.hdr.hdrLen:]
	off, end := uint64(b.hdr.strOff), uint64(b.hdr.strOff)+uint64(b.hdr.strLen)
	bad := func(msg string) *Error {
		return b.fail(PassStrings, EINVAL, uint64(b.hdr.hdrLen)+off, msg)
	}
	if (!ab.LayoutHeader || b.hdr.hdrLen < hdrLenLayout) && end != uint64(len(body)) {
		return bad("String section is not at the end")
	}
	b.strs = body[off:end]
	if b.base != nil && len(b.strs) == 0 {
		return nil
	}
	if n := len(b.strs); n == 0 || n-1 > maxNameOff || b.strs[n-1] != 0 || b.base == nil && b.strs[0] != 0 {
		return bad("Invalid string section")
	}
	return nil
}

// checkLayout looks at the bounds of the layout section; no kernel up to 7.3
// reads its content.
func (b *blob) checkLayout() *Error {
	h := &b.hdr
	bad := func(msg string) *Error {
		return b.fail(PassLayout, EINVAL, uint64(h.hdrLen)+uint64(h.layoutOff), msg)
	}
	switch {
	case h.layoutLen == 0:
		return nil
	case h.layoutOff&3 != 0:
		return bad("Unaligned layout_off")
	case h.layoutLen < 4:
		return bad("Layout section is too small")
	case h.layoutLen%4 != 0:
		return bad("layout_len is not multiple of 4")
	}
	return nil
}

func (b *blob) checkTypeSection() *Error {
	bad := func(msg string) *Error {
		return b.fail(PassTypes, EINVAL, uint64(b.hdr.hdrLen)+uint64(b.hdr.typeOff), msg)
	}
	switch {
	case b.hdr.typeOff&3 != 0:
		return bad("Unaligned type_off")
	case b.base == nil && b.hdr.typeLen == 0:
		return bad("No type found")
	}
	return nil
}
