package dwarf2btf

import (
	"bytes"

	"mkbtf/btf"
)

// sanitizedInt is the name that pahole gives to integers of sizes that BTF does
// not know; consumers know it.
const sanitizedInt = "__SANITIZED_FAKE_INT__"

// baseType writes a base type.
//
//   - Integers, characters, booleans, decimal floating point and all else: INT of
//     DW_AT_byte_size. Signed if the encoding is signed or signed_char, boolean if
//     it is boolean; CHAR is never set. A size that BTF does not know (not 1, 2, 4,
//     8 or 16) makes it an INT of 4 bytes named __SANITIZED_FAKE_INT__.
//   - Floating point: FLOAT of 2, 4, 8, 12 or 16 bytes, of another size an array of bytes.
//   - Complex floating point: an anonymous STRUCT of two FLOATs, real and imag, the
//     layout that C promises. Its own name ("complex double") is no identifier.
//
// Without Features.Floats all floating point is INT.
func (w *Worker) baseType(a *abbrev, off uint32) {
	size, _ := w.constant(a, slotByteSize)
	if !a.has.has(slotByteSize) {
		bits, _ := w.constant(a, slotBitSize)
		size = bits/8 + (bits%8+7)/8
	}
	enc, _ := w.constant(a, slotEncoding)
	var name btf.Str
	if a.has.has(slotName) {
		name = btf.Str(w.name(a.nameForm, w.val[slotName]) &^ badName)
	}
	if w.c.opts.Features.Floats {
		switch enc {
		case ateFloat, ateImaginaryFloat:
			if !floatSize(size) {
				w.note(off, a.tag, w.nameText(name), "floating point of %d bytes; written as an array of bytes", size)
				w.addType(off, w.bytesOf(size))
				return
			}
			w.addType(off, btf.Type{Kind: btf.Float, Name: name, Size: uint32(size)})
			return
		case ateComplexFloat:
			w.complex(off, a.tag, name, size)
			return
		}
	}
	encoding := uint32(0)
	switch enc {
	case ateSigned, ateSignedChar:
		encoding = btf.IntSigned
	case ateBoolean:
		encoding = btf.IntBool
	}
	switch size {
	case 1, 2, 4, 8, 16:
	default:
		w.note(off, a.tag, w.nameText(name), "integer of %d bytes; written as %s of 4", size, sanitizedInt)
		size, name = 4, 0
	}
	if name == 0 {
		name = btf.Str(w.names.intern([]byte(sanitizedInt)))
	}
	t := btf.Type{Kind: btf.Int, Name: name, Size: uint32(size), Extra: btf.IntData(encoding, 0, uint32(size)*8)}
	w.addType(off, t)
	if w.intRef == 0 && name == w.intName() {
		w.intRef = off
	}
}

func floatSize(n uint64) bool {
	switch n {
	case 2, 4, 8, 12, 16:
		return true
	}
	return false
}

// realName is the C type of a part of a complex number of which only the size is known.
func realName(size uint64) string {
	switch size {
	case 2:
		return "_Float16"
	case 4:
		return "float"
	case 8:
		return "double"
	}
	return "long double"
}

// complex writes a complex floating-point type of size bytes in all.
func (w *Worker) complex(off uint32, tag uint16, name btf.Str, size uint64) {
	half := size / 2
	if size%2 != 0 || !floatSize(half) {
		w.note(off, tag, w.nameText(name), "complex floating point of %d bytes; written as an array of bytes", size)
		w.addType(off, w.bytesOf(size))
		return
	}
	part := w.result.Strings.Bytes(name)
	for _, prefix := range []string{"_Complex ", "complex "} {
		part = bytes.TrimPrefix(part, []byte(prefix))
	}
	if string(part) == "complex" { // clang's name for all of them
		part = []byte(realName(half))
	}
	float := w.addExtra(btf.Type{Kind: btf.Float, Name: btf.Str(w.names.intern(part) &^ badName), Size: uint32(half)})
	if w.open >= 0 {
		w.setAside(&w.frames[w.open])
	}
	first := uint32(len(w.members))
	for i, name := range []string{"real", "imag"} {
		w.members = append(w.members, btf.Member{
			Name: btf.Str(w.names.intern([]byte(name))), Type: btf.ID(float), Off: uint32(i) * uint32(half) * 8,
		})
	}
	w.note(off, tag, w.nameText(name), "complex floating point; written as a struct of real and imag")
	w.addType(off, btf.Type{Kind: btf.Struct, Size: uint32(size), First: first, Len: 2})
}
