package btf

import "fmt"

// Sizes of the layout section and of the header that names it (Linux 7.1).
const (
	layoutHeaderLen = 32
	layoutEntryLen  = 4
)

// WithLayout returns a copy of BTF with a layout section, which tells readers how
// long the records of each kind are, so that they can skip kinds that they do not
// know (struct btf_layout, Linux 7.1). It belongs into BTF without a base. Kernels
// before 7.1 refuse such BTF.
//
// The data must have the header that Encode writes.
func WithLayout(data []byte) ([]byte, error) {
	b, err := ParseTrusted(data, nil)
	if err != nil {
		return nil, err
	}
	if b.Header.HdrLen != HeaderLen || b.Header.TypeOff != 0 || b.Header.StrOff != b.Header.TypeLen {
		return nil, fmt.Errorf("btf: layout for a header of %d bytes, types at %d, strings at %d", b.Header.HdrLen, b.Header.TypeOff, b.Header.StrOff)
	}
	const layoutLen = layoutEntryLen * uint32(NumKinds)
	out := make([]byte, layoutHeaderLen, layoutHeaderLen+len(data)-HeaderLen+int(layoutLen))
	copy(out, data[:4])
	typeLen := b.Header.TypeLen
	for i, v := range [...]uint32{layoutHeaderLen, 0, typeLen, typeLen + layoutLen, b.Header.StrLen, typeLen, layoutLen} {
		b.Order.PutUint32(out[4+4*i:], v)
	}
	out = append(out, b.types...)
	for k := range NumKinds {
		fixed, element := extraLen(k, 0), extraLen(k, 1)-extraLen(k, 0)
		out = append(out, byte(fixed), byte(element), 0, 0)
	}
	return append(out, b.strs...), nil
}
