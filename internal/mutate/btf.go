package mutate

import (
	"math/rand/v2"

	"mkbtf/btf"
)

var btfHeader = []field{
	{"magic", 0, 2}, {"version", 2, 1}, {"flags", 3, 1}, {"hdr_len", 4, 4}, {"type_off", 8, 4}, {"type_len", 12, 4}, {"str_off", 16, 4}, {"str_len", 20, 4},
}

// btfKinds is damage to BTF: to the header, to types, and to what types refer to.
func (s *Subject) btfKinds(off, size uint64, name string) []kind {
	if off+size > uint64(len(s.data)) || size < 24 {
		return nil
	}
	data := s.data[off : off+size]
	if m := uint16(0xeb9f); s.order.Uint16(data) != m {
		return nil
	}
	get := func(i uint64) uint64 { v, _ := s.get(data, field{"", i, 4}); return v }
	start, end := get(4)+get(8), get(4)+get(8)+get(12)
	var records, refs []field
	for at := start; at+12 <= min(end, size); {
		info := get(at + 4)
		kind, vlen := btf.Kind(info>>24&0x1f), info&0xffff
		records = append(records, fieldsAt([]field{{"name_off", 0, 4}, {"info", 4, 4}, {"vlen", 4, 2}, {"kind", 7, 1}, {"size or type", 8, 4}}, off+at, kind.String()+" ")...)
		var words uint64 // behind the record
		switch kind {
		case btf.Ptr, btf.Typedef, btf.Const, btf.Volatile, btf.Restrict, btf.Func, btf.FuncProto, btf.Var, btf.DeclTag, btf.TypeTag:
			refs = append(refs, field{kind.String(), off + at + 8, 4})
		}
		switch kind {
		case btf.Int, btf.Var, btf.DeclTag:
			words = 1
		case btf.Array:
			words = 3
			refs = append(refs, field{"ARRAY of", off + at + 12, 4}, field{"ARRAY by", off + at + 16, 4})
		case btf.Struct, btf.Union, btf.DataSec, btf.Enum64:
			words = 3 * vlen
		case btf.Enum, btf.FuncProto:
			words = 2 * vlen
		}
		for w := range words {
			f := field{kind.String() + " word", off + at + 12 + 4*w, 4}
			records = append(records, f)
			if (kind == btf.Struct || kind == btf.Union) && w%3 == 1 || kind == btf.FuncProto && w%2 == 1 || kind == btf.DataSec && w%3 == 0 {
				refs = append(refs, f)
			}
		}
		at += 12 + 4*words
	}
	kinds := s.fields("header of "+name, fieldsAt(btfHeader, off, ""))
	kinds = append(kinds, s.fields("type of "+name, records)...)
	if len(refs) > 0 {
		kinds = append(kinds, kind{"reference of " + name, func(r *rand.Rand, b []byte) ([]byte, string) {
			f := refs[r.IntN(len(refs))]
			v := uint64(r.IntN(len(records)/4 + 2))
			if r.IntN(2) == 0 {
				v, _ = s.get(b, refs[r.IntN(len(refs))])
			}
			return b, s.set(b, f, v)
		}})
	}
	return kinds
}
