package bootimg

// Offsets in the setup header of an x86 kernel (Documentation/arch/x86/boot.rst).
const (
	setupSects    = 0x1f1
	bootFlag      = 0x1fe
	headerMagic   = 0x202
	bootVersion   = 0x206
	payloadOffset = 0x248 // from the end of the setup code; boot protocol 2.08 and later
	payloadLength = 0x24c
	setupEnd      = 0x250
)

func isBzImage(data []byte) bool {
	return hasAt(data, bootFlag, "\x55\xaa") && hasAt(data, headerMagic, "HdrS") && len(data) >= setupEnd
}

func (u *unpacker) openBzImage(data []byte, depth int) (*Image, error) {
	if le.Uint16(data[bootVersion:]) < 0x208 {
		return u.search(data, depth)
	}
	sects := uint64(data[setupSects])
	if sects == 0 {
		sects = 4
	}
	u.how = append(u.how, "bzImage")
	off := (sects+1)*512 + uint64(le.Uint32(data[payloadOffset:]))
	return u.openPayload(data, off, uint64(le.Uint32(data[payloadLength:])), true, depth)
}
