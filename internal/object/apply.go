package object

import (
	"encoding/binary"

	"mkbtf/btf"
)

// widest is more than the bytes of any field that a relocation changes, except
// that of a ULEB128 number that somebody padded senselessly.
const widest = 16

// apply relocates dst, which holds the bytes of the section from off on. It
// reports whether a field lies across an end of dst and was therefore left alone;
// then the caller has to relocate a wider range.
func (r *relocations) apply(dst []byte, off uint64) (across bool, err error) {
	i := r.first(off)
	for j := i - 1; j >= 0 && !across; j-- {
		rec := r.read(j)
		if off-rec.off >= widest {
			break
		}
		across = rec.width(nil) > off-rec.off
	}
	for n := uint64(len(dst)); i < r.count; i++ {
		if r.fast {
			if i = r.applyFast(dst, off, i); i == r.count {
				break
			}
		}
		rec := r.read(i)
		at := rec.off - off
		if at >= n {
			break
		}
		if w := rec.width(dst[at:]); w > n-at {
			if w > r.size-rec.off {
				return across, r.f.errorAt(r.target, rec.off, "the field of a relocation of %s ends outside the section of %#x bytes", r.name, r.size)
			}
			across = true
			continue
		}
		if err := r.relocate(dst[at:], rec); err != nil {
			return across, err
		}
	}
	return across, nil
}

// applyFast does the plain 32- and 64-bit relocations of a sorted 64-bit
// little-endian RELA section from record i on. It stops at the first that is
// anything else and returns its number.
func (r *relocations) applyFast(dst []byte, off uint64, i int) int {
	values, set32, set64 := r.values, r.m.set32, r.m.set64
	p := r.raw[i*24:]
	for ; len(p) >= 24; p = p[24:] {
		at := binary.LittleEndian.Uint64(p) - off
		if at >= uint64(len(dst)) {
			break
		}
		info := binary.LittleEndian.Uint64(p[8:])
		if info>>32 >= uint64(len(values)) {
			break
		}
		v := values[info>>32] + binary.LittleEndian.Uint64(p[16:])
		field := dst[at:]
		if typ := uint32(info); typ == set32 && len(field) >= 4 {
			binary.LittleEndian.PutUint32(field, uint32(v))
		} else if typ == set64 && len(field) >= 8 {
			binary.LittleEndian.PutUint64(field, v)
		} else {
			break
		}
	}
	return r.count - len(p)/24
}

// width is the number of bytes that a relocation changes. b is the section from
// the field on as far as it is at hand; a ULEB128 number that does not end there
// counts as one byte more. For an unknown type it is 1.
func (rec *record) width(b []byte) uint64 {
	switch rec.do.op {
	case 0:
		return 1
	case opSetULEB, opAddULEB, opSubULEB:
		if b == nil {
			return widest
		}
		return ulebLen(b)
	}
	return uint64(rec.do.size)
}

func ulebLen(b []byte) uint64 {
	n := 0
	for n < len(b) && b[n]&0x80 != 0 {
		n++
	}
	return uint64(n) + 1
}

// relocate applies one relocation to the field at the start of b, which is long
// enough.
func (r *relocations) relocate(b []byte, rec record) error {
	if rec.do.op == opNone {
		return nil
	}
	if uint64(rec.sym) >= uint64(len(r.values)) {
		return r.f.errorAt(r.target, rec.off, "a relocation of %s names symbol %d of %d", r.name, rec.sym, len(r.values))
	}
	o, f := r.f.Order, rec.do
	v := r.values[rec.sym] + rec.addend
	if !r.rela && f.op == opSet {
		v += signExtend(load(o, b, f.size), f.size)
	}
	switch f.op {
	case opSet:
		store(o, b, f.size, v)
	case opAdd:
		store(o, b, f.size, load(o, b, f.size)+v)
	case opSub:
		store(o, b, f.size, load(o, b, f.size)-v)
	case opSet6:
		b[0] = b[0]&0xc0 | byte(v)&0x3f
	case opAdd6:
		b[0] = b[0]&0xc0 | (b[0]+byte(v))&0x3f
	case opSub6:
		b[0] = b[0]&0xc0 | (b[0]-byte(v))&0x3f
	case opSetULEB:
		storeULEB(b, v)
	case opAddULEB:
		storeULEB(b, loadULEB(b)+v)
	case opSubULEB:
		storeULEB(b, loadULEB(b)-v)
	case opThree:
		return r.relocateThree(b, rec, v)
	default:
		return r.unknown(rec)
	}
	return nil
}

func (r *relocations) unknown(rec record) error {
	return r.f.errorAt(r.target, rec.off, "relocation type %s (%d) of %s does not belong in debug information", r.m.name(rec.typ), rec.typ, r.name)
}

// relocateThree applies a relocation of 64-bit MIPS with a second and a third
// type: the result of each is the addend of the next, and the last one stores.
// Only the absolute types can be chained here.
func (r *relocations) relocateThree(b []byte, rec record, v uint64) error {
	if !r.rela {
		v += signExtend(load(r.f.Order, b, rec.do.size), rec.do.size)
	}
	for typ := rec.typ; typ != 0; typ >>= 8 {
		f := r.m.fields[typ&0xff]
		if f.op != opSet || typ>>24 != 0 {
			return r.unknown(rec)
		}
		v = signExtend(v, f.size)
	}
	store(r.f.Order, b, rec.do.size, v)
	return nil
}

// load reads an unsigned number of 1 to 8 bytes.
func load(o btf.Order, b []byte, size uint8) uint64 {
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(o.Uint16(b))
	case 3: // R_LARCH_ADD24, little endian
		return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16
	case 4:
		return uint64(o.Uint32(b))
	}
	return o.Uint64(b)
}

// store writes the low bytes of v.
func store(o btf.Order, b []byte, size uint8, v uint64) {
	switch size {
	case 1:
		b[0] = byte(v)
	case 2:
		o.PutUint16(b, uint16(v))
	case 3:
		b[0], b[1], b[2] = byte(v), byte(v>>8), byte(v>>16)
	case 4:
		o.PutUint32(b, uint32(v))
	default:
		o.PutUint64(b, v)
	}
}

func signExtend(v uint64, size uint8) uint64 {
	shift := 64 - 8*uint(size)
	return uint64(int64(v<<shift) >> shift)
}

// loadULEB reads the low 64 bits of a ULEB128 number.
func loadULEB(b []byte) (v uint64) {
	for i, c := range b {
		if i < 10 {
			v |= uint64(c&0x7f) << (7 * i)
		}
		if c&0x80 == 0 {
			break
		}
	}
	return v
}

// storeULEB overwrites a ULEB128 number with the low bits of another, keeping its
// length.
func storeULEB(b []byte, v uint64) {
	for i, c := range b {
		b[i] = c&0x80 | byte(v)&0x7f
		v >>= 7
		if c&0x80 == 0 {
			break
		}
	}
}
