package dwarftest

import "fmt"

// number returns the value of a constant.
func number(v any) uint64 {
	switch v := v.(type) {
	case uint64:
		return v
	case int64:
		return uint64(v)
	case int:
		return uint64(v)
	case bool:
		if v {
			return 1
		}
		return 0
	}
	panic(fmt.Sprintf("%T is no number", v))
}

func (w *writer) value(a Attr) {
	if d, ok := a.Value.(*DIE); ok {
		w.reference(a.Form, d)
		return
	}
	switch a.Form {
	case formFlagPresent, formImplicitConst:
	case formData1, formFlag, formRef1:
		w.num(1, number(a.Value))
	case formData2, formRef2:
		w.num(2, number(a.Value))
	case formData4, formRef4, formRefSup4:
		w.num(4, number(a.Value))
	case formData8, formRef8, formRefSig8:
		w.num(8, number(a.Value))
	case formData16:
		if w.b.Order.Uint16([]byte{1, 0}) == 1 {
			w.num(8, number(a.Value))
			w.num(8, 0)
		} else {
			w.num(8, 0)
			w.num(8, number(a.Value))
		}
	case formAddr:
		w.num(w.addrSize(), number(a.Value))
	case formSecOffset, formStrpSup, formGNURefAlt, formGNUStrpAlt:
		w.num(w.offset(), number(a.Value))
	case formRefAddr:
		w.num(w.refAddr(), number(a.Value))
	case formSdata:
		w.buf = AppendSLEB(w.buf, int64(number(a.Value)))
	case formUdata, formRefUdata:
		w.buf = AppendULEB(w.buf, number(a.Value))
	case formString:
		w.buf = append(append(w.buf, a.Value.(string)...), 0)
	case formStrp:
		w.num(w.offset(), intern(w.b.strings, &w.b.out.Str, a.Value.(string)))
	case formLineStrp:
		w.num(w.offset(), intern(w.b.lines, &w.b.out.LineStr, a.Value.(string)))
	case formStrx:
		w.buf = AppendULEB(w.buf, w.stringIndex(a.Value.(string)))
	case formStrx1, formStrx1 + 1, formStrx1 + 2, formStrx1 + 3:
		w.num(int(a.Form-formStrx1)+1, w.stringIndex(a.Value.(string)))
	case formAddrx:
		w.buf = AppendULEB(w.buf, w.addressIndex(number(a.Value)))
	case formAddrx1, formAddrx1 + 1, formAddrx1 + 2, formAddrx1 + 3:
		w.num(int(a.Form-formAddrx1)+1, w.addressIndex(number(a.Value)))
	case formBlock1, formBlock2, formBlock4, formBlock, formExprloc:
		w.block(a.Form, a.Value.([]byte))
	default:
		panic(fmt.Sprintf("form %#x", a.Form))
	}
}

// reference writes a reference to a DIE. DW_FORM_ref_udata takes four bytes
// whatever the value, so that sizes do not depend on it.
func (w *writer) reference(form uint16, d *DIE) {
	local := d.offset - w.at
	switch form {
	case formRef1:
		w.num(1, local)
	case formRef2:
		w.num(2, local)
	case formRef4:
		w.num(4, local)
	case formRef8:
		w.num(8, local)
	case formRefUdata:
		w.buf = append(w.buf, byte(local)|0x80, byte(local>>7)|0x80, byte(local>>14)|0x80, byte(local>>21)&0x7f)
	case formRefAddr:
		w.num(w.refAddr(), d.offset)
	case formRefSig8:
		w.num(8, d.unit.signatureOf())
	default:
		panic(fmt.Sprintf("reference in form %#x", form))
	}
}

func (u *Unit) signatureOf() uint64 {
	if u == nil {
		return 0 // first pass
	}
	return u.Signature
}

func (w *writer) block(form uint16, b []byte) {
	switch form {
	case formBlock1:
		w.num(1, uint64(len(b)))
	case formBlock2:
		w.num(2, uint64(len(b)))
	case formBlock4:
		w.num(4, uint64(len(b)))
	default:
		w.buf = AppendULEB(w.buf, uint64(len(b)))
	}
	w.buf = append(w.buf, b...)
}

func (w *writer) addrSize() int {
	if w.u.AddrSize == 0 {
		return 8
	}
	return w.u.AddrSize
}

func (w *writer) refAddr() int {
	if w.u.Version <= 2 {
		return w.addrSize()
	}
	return w.offset()
}

// StrOffsetsBase and AddrBase are what the attributes of that name must hold: all
// units share one table of each.
func (u *Unit) StrOffsetsBase() uint64 {
	if u.Version < 5 {
		return 0
	}
	if u.Is64 {
		return 16
	}
	return 8
}

// AddrBase is the start of the addresses in .debug_addr.
func (u *Unit) AddrBase() uint64 {
	if u.Version < 5 {
		return 0
	}
	return 8
}

// stringIndex adds a string to .debug_str_offsets. The header is left zero:
// nobody reads it.
func (w *writer) stringIndex(s string) uint64 {
	out, base := &w.b.out.StrOffsets, int(w.u.StrOffsetsBase())
	for len(*out) < base {
		*out = append(*out, 0)
	}
	n := (len(*out) - base) / w.offset()
	x := writer{b: w.b, buf: *out}
	x.num(w.offset(), intern(w.b.strings, &w.b.out.Str, s))
	*out = x.buf
	return uint64(n)
}

func (w *writer) addressIndex(addr uint64) uint64 {
	out, base := &w.b.out.Addr, int(w.u.AddrBase())
	for len(*out) < base {
		*out = append(*out, 0)
	}
	n := (len(*out) - base) / w.addrSize()
	x := writer{b: w.b, buf: *out}
	x.num(w.addrSize(), addr)
	*out = x.buf
	return uint64(n)
}

func intern(known map[string]uint64, out *[]byte, s string) uint64 {
	off, ok := known[s]
	if !ok {
		off = uint64(len(*out))
		known[s] = off
		*out = append(append(*out, s...), 0)
	}
	return off
}

// AppendULEB appends an unsigned LEB128 number.
func AppendULEB(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// AppendSLEB appends a signed LEB128 number.
func AppendSLEB(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
