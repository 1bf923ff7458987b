package bootimg

import "strings"

// Offsets in the header of an EFI zboot image (include/linux/pe.h,
// drivers/firmware/efi/libstub/zboot-header.S). Numbers are little-endian.
const (
	zbootMagic  = 4
	zbootOffset = 8
	zbootSize   = 12
	zbootEnd    = 24 // where the name of the compression starts
)

func isZBoot(data []byte) bool {
	return hasAt(data, 0, "MZ") && hasAt(data, zbootMagic, "zimg") && len(data) >= zbootEnd
}

func (u *unpacker) openZBoot(data []byte, depth int) (*Image, error) {
	u.how = append(u.how, "EFI zboot")
	return u.openPayload(data, uint64(le.Uint32(data[zbootOffset:])), uint64(le.Uint32(data[zbootSize:])), false, depth)
}

// Sizes and offsets of PE/COFF headers.
const (
	peOffset       = 0x3c // in the DOS header
	peHeader       = 24   // signature and COFF header
	peSectionLen   = 40
	peMostSections = 96
)

// linuxSection finds the kernel in a unified kernel image, a PE file whose section
// .linux it is (UAPI group specification 5; if there are several the first one is
// that of the main profile). ok is false if data is no such thing.
func (u *unpacker) linuxSection(data []byte) (linux []byte, ok bool, err error) {
	if !hasAt(data, 0, "MZ") || len(data) < peOffset+4 {
		return nil, false, nil
	}
	pe := int64(le.Uint32(data[peOffset:]))
	if pe > int64(len(data)-peHeader) || !hasAt(data, int(pe), "PE\x00\x00") {
		return nil, false, nil
	}
	h := data[pe:]
	at := peHeader + int(le.Uint16(h[20:]))
	for range min(le.Uint16(h[6:]), peMostSections) {
		if at+peSectionLen > len(h) {
			return nil, false, nil
		}
		s := h[at : at+peSectionLen]
		at += peSectionLen
		if strings.TrimRight(string(s[:8]), "\x00") != ".linux" {
			continue
		}
		size, raw, off := uint64(le.Uint32(s[8:])), uint64(le.Uint32(s[16:])), uint64(le.Uint32(s[20:]))
		if size == 0 || size > raw {
			size = raw
		}
		if off > uint64(len(data)) || size > uint64(len(data))-off {
			u.how = append(u.how, "UKI")
			return nil, false, u.errorAt(int(pe)+at-peSectionLen, ErrTruncated, "section .linux ends at %d, the file at %d: truncated", off+size, len(data))
		}
		return data[off : off+size], true, nil
	}
	return nil, false, nil
}
