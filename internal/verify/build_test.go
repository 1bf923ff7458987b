package verify

import (
	"encoding/binary"

	"mkbtf/btf"
)

// kf is kind_flag in an info word.
const kf = 1 << 31

// info words by kind, to be ORed with vlen and kf.
const (
	kInt       = uint32(btf.Int) << 24
	kPtr       = uint32(btf.Ptr) << 24
	kArray     = uint32(btf.Array) << 24
	kStruct    = uint32(btf.Struct) << 24
	kUnion     = uint32(btf.Union) << 24
	kEnum      = uint32(btf.Enum) << 24
	kFwd       = uint32(btf.Fwd) << 24
	kTypedef   = uint32(btf.Typedef) << 24
	kVolatile  = uint32(btf.Volatile) << 24
	kConst     = uint32(btf.Const) << 24
	kRestrict  = uint32(btf.Restrict) << 24
	kFunc      = uint32(btf.Func) << 24
	kFuncProto = uint32(btf.FuncProto) << 24
	kVar       = uint32(btf.Var) << 24
	kDataSec   = uint32(btf.DataSec) << 24
	kFloat     = uint32(btf.Float) << 24
	kDeclTag   = uint32(btf.DeclTag) << 24
	kTypeTag   = uint32(btf.TypeTag) << 24
	kEnum64    = uint32(btf.Enum64) << 24
)

// rec is a type record: the name (a string, or a number for a raw offset), info,
// size or type, and the words behind, again strings or numbers.
type rec []any

// i32 is "int", the first type of most blobs.
var i32 = rec{"int", kInt, 4, 0x01000020}

// builder lays records out as BTF.
type builder struct {
	order    btf.Order
	strBase  uint32 // for split BTF: string offset of the first own string
	borrowed map[string]uint32
	seen     map[string]uint32
	strs     []byte
	types    []byte
}

func (b *builder) str(s string) uint32 {
	if off, ok := b.borrowed[s]; ok {
		return off
	}
	if b.seen == nil {
		b.seen = map[string]uint32{}
	}
	off, ok := b.seen[s]
	if !ok {
		off = b.strBase + uint32(len(b.strs))
		b.strs = append(append(b.strs, s...), 0)
		b.seen[s] = off
	}
	return off
}

func (b *builder) add(recs ...rec) *builder {
	for _, r := range recs {
		for _, v := range r {
			switch v := v.(type) {
			case string:
				b.types = b.order.AppendUint32(b.types, b.str(v))
			case int:
				b.types = b.order.AppendUint32(b.types, uint32(v))
			case uint32:
				b.types = b.order.AppendUint32(b.types, v)
			default:
				panic("a record holds strings, int and uint32")
			}
		}
	}
	return b
}

// bytes writes a classic header before the sections.
func (b *builder) bytes() []byte {
	out := b.order.AppendUint16(nil, magic)
	out = append(out, 1, 0)
	for _, v := range []int{24, 0, len(b.types), len(b.types), len(b.strs)} {
		out = b.order.AppendUint32(out, uint32(v))
	}
	return append(append(out, b.types...), b.strs...)
}

func newBuilder() *builder {
	return &builder{order: binary.LittleEndian, strs: []byte{0}}
}

// mk is a standalone little-endian blob of the records.
func mk(recs ...rec) []byte { return newBuilder().add(recs...).bytes() }

// mkBig is the same in big endian.
func mkBig(recs ...rec) []byte {
	b := newBuilder()
	b.order = binary.BigEndian
	return b.add(recs...).bytes()
}

// over is split BTF over a base.
func over(base []byte, recs ...rec) []byte {
	b := newBuilder()
	b.strs = nil
	b.strBase = binary.LittleEndian.Uint32(base[20:])
	return b.add(recs...).bytes()
}

// patch changes bytes of a blob.
func patch(blob []byte, off int, bytes ...byte) []byte {
	copy(blob[off:], bytes)
	return blob
}

// sections is a blob with a header as given, the types, and what follows.
func sections(hdr []uint32, body []byte) []byte {
	out := binary.LittleEndian.AppendUint16(nil, magic)
	out = append(out, 1, 0)
	for _, v := range hdr {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return append(out, body...)
}

// refs is n records of one kind, each of which refers to the next.
func refs(from, n int, info uint32) []rec {
	var rs []rec
	for i := range n {
		rs = append(rs, rec{0, info, from + i + 1})
	}
	return rs
}

// long is a name of n letters.
func long(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	return string(b)
}

// cat joins lists of records.
func cat(lists ...[]rec) []rec {
	var all []rec
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}
