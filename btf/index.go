package btf

import "fmt"

// kindCount is what Count tells.
type kindCount struct{ all, unnamed int }

// highest is what the own types refer to: the highest id and the highest name offset.
// If these are in range, all are.
type highest struct{ ref, name uint32 }

// index finds the records, for ParseEach.
func (b *Blob) index(each func(*Blob, ID, Record, []byte)) (top highest, err error) {
	t := b.types
	offs := make([]uint32, 0, len(t)/24+1)
	var ref, name uint32
	for off := 0; off < len(t); {
		p := t[off:]
		if len(p) < recordLen {
			return top, b.badRecord(off, len(offs), "%d bytes left, a record has %d", len(p), recordLen)
		}
		r := b.record(p)
		kind := r.Kind()
		if kind == Void || kind >= NumKinds {
			return top, b.badRecord(off, len(offs), "unknown kind %d", uint8(kind))
		}
		n := recordLen + extraLen(kind, r.Vlen())
		if len(p) < n {
			return top, b.badRecord(off, len(offs), "%s needs %d bytes, %d are left", kind, n, len(p))
		}
		c := &b.counts[kind]
		if c.all++; r.NameOff == 0 {
			c.unnamed++
		}
		name = max(name, r.NameOff)
		x := p[recordLen:n]
		if each != nil && kind != Func {
			each(b, b.start+ID(len(offs)), r, x)
		}
		switch kind {
		case Func, Ptr, Typedef, Volatile, Const, Restrict, Var, DeclTag, TypeTag:
			ref = max(ref, r.SizeType)
		case FuncProto:
			ref = max(ref, r.SizeType)
			for ; len(x) >= 8; x = x[8:] {
				name, ref = max(name, b.Word(x)), max(ref, b.Word(x[4:]))
			}
		case Struct, Union:
			for ; len(x) >= 12; x = x[12:] {
				name, ref = max(name, b.Word(x)), max(ref, b.Word(x[4:]))
			}
		case Enum:
			for ; len(x) >= 8; x = x[8:] {
				name = max(name, b.Word(x))
			}
		case Array:
			ref = max(ref, b.Word(x), b.Word(x[4:]))
		case Enum64:
			for ; len(x) >= 12; x = x[12:] {
				name = max(name, b.Word(x))
			}
		case DataSec:
			for ; len(x) >= 12; x = x[12:] {
				ref = max(ref, b.Word(x))
			}
		}
		offs = append(offs, uint32(off))
		off += n
	}
	b.offs = offs
	return highest{ref, name}, nil
}

func (b *Blob) badRecord(off, number int, format string, args ...any) error {
	return &FormatError{"types", b.typePos(off), fmt.Sprintf("type [%d]: ", uint32(b.start)+uint32(number)) + fmt.Sprintf(format, args...), ErrMalformed}
}

// extraLen is the size in bytes of what follows the record of a kind.
func extraLen(k Kind, vlen int) int {
	switch k {
	case Int, Var, DeclTag:
		return 4
	case Array:
		return 12
	case Struct, Union, DataSec, Enum64:
		return 12 * vlen
	case Enum, FuncProto:
		return 8 * vlen
	}
	return 0
}

// check makes sure that all references and names of own types are in range.
func (b *Blob) check() error {
	for i, off := range b.offs {
		r := b.record(b.types[off:])
		x := b.extra(i)
		k := r.Kind()
		bad, what := uint32(0), ""
		ref := func(id uint32) {
			if id >= uint32(b.End()) {
				bad, what = id, "type"
			}
		}
		name := func(off uint32) {
			if !b.validName(off) {
				bad, what = off, "name"
			}
		}
		name(r.NameOff)
		switch k {
		case Array:
			ref(b.Word(x))
			ref(b.Word(x[4:]))
		case Struct, Union:
			for ; len(x) > 0; x = x[12:] {
				name(b.Word(x))
				ref(b.Word(x[4:]))
			}
		case Enum:
			for ; len(x) > 0; x = x[8:] {
				name(b.Word(x))
			}
		case Enum64:
			for ; len(x) > 0; x = x[12:] {
				name(b.Word(x))
			}
		case FuncProto:
			ref(r.SizeType)
			for ; len(x) > 0; x = x[8:] {
				name(b.Word(x))
				ref(b.Word(x[4:]))
			}
		case DataSec:
			for ; len(x) > 0; x = x[12:] {
				ref(b.Word(x))
			}
		default:
			if k.HasRef() {
				ref(r.SizeType)
			}
		}
		if what == "" {
			continue
		}
		msg := fmt.Sprintf("type [%d] %s: refers to type %d, the last one is %d", b.start+ID(i), k, bad, b.End()-1)
		if what == "name" {
			msg = fmt.Sprintf("type [%d] %s: name offset %#x is outside the strings", b.start+ID(i), k, bad)
		}
		return &FormatError{"types", b.typePos(int(off)), msg, ErrNeedsBase}
	}
	return nil
}
