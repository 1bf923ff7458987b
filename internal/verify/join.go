package verify

import (
	"encoding/binary"
	"fmt"

	"mkbtf/btf"
)

// Join makes one standalone blob of base BTF and split BTF over it: a header of 24
// bytes, the types of the base, those of the split, the strings in the same order.
// All ids and string offsets keep their meaning. Only headers and sections are
// looked at. An error is an *Error about either blob, or says that the two together
// are too large for the format.
func Join(base, split []byte) ([]byte, error) {
	ab := newest()
	b, err := open(base, nil, &ab, ".BTF.base", false)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	s, err := open(split, b, &ab, ".BTF", false)
	if err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	types := uint64(len(b.types)) + uint64(len(s.types))
	strs := uint64(len(b.strs)) + uint64(len(s.strs))
	if strs > maxNameOff+1 || types > 1<<31 {
		return nil, fmt.Errorf("join: %d bytes of types and %d of strings exceed the format", types, strs)
	}
	var order btf.Order = binary.LittleEndian
	if b.big {
		order = binary.BigEndian
	}
	out := make([]byte, 0, hdrLenClassic+types+strs)
	out = order.AppendUint16(out, magic)
	out = append(out, 1, 0)
	for _, v := range []uint32{hdrLenClassic, 0, uint32(types), uint32(types), uint32(strs)} {
		out = order.AppendUint32(out, v)
	}
	out = append(append(out, b.types...), s.types...)
	return append(append(out, b.strs...), s.strs...), nil
}
