package bootimg

import "hash/crc32"

// The header of U-Boot's legacy images (include/image.h of U-Boot). Numbers are
// big-endian. What lies behind it is told by its own magic, not by the header's
// compression field.
const (
	uimageMagic  = "\x27\x05\x19\x56"
	uimageSize   = 12
	uimageCRC    = 24
	uimageType   = 30
	uimageHeader = 64

	uimageMulti = 4 // image type: sizes of the images, a zero, then the images
)

func isUImage(data []byte) bool { return hasAt(data, 0, uimageMagic) && len(data) >= uimageHeader }

func (u *unpacker) openUImage(data []byte, depth int) (*Image, error) {
	size := uint64(be.Uint32(data[uimageSize:]))
	if size > uint64(len(data)-uimageHeader) {
		u.how = append(u.how, "uImage")
		return nil, u.errorAt(uimageSize, ErrTruncated, "its data ends at %d, the file at %d: truncated", size+uimageHeader, len(data))
	}
	body := data[uimageHeader : uimageHeader+size]
	if crc32.ChecksumIEEE(body) != be.Uint32(data[uimageCRC:]) {
		u.how = append(u.how, "uImage")
		return nil, u.errorAt(uimageCRC, ErrMalformed, "the checksum is not that of the data")
	}
	if data[uimageType] == uimageMulti {
		// The first image is the kernel.
		if len(body) < 4 {
			body = nil
		} else {
			first, at := uint64(be.Uint32(body)), uint64(4)
			for at+4 <= size && be.Uint32(body[at:]) != 0 {
				at += 4
			}
			if at += 4; at > size || first > size-at {
				u.how = append(u.how, "uImage")
				return nil, u.errorAt(uimageHeader, ErrMalformed, "the first of its images would have %d bytes of %d", first, size)
			}
			body = body[at : at+first]
		}
	}
	return u.into("uImage", body, depth)
}
