package dwarf2btf

import (
	"math"

	"mkbtf/btf"
)

// byteType returns "unsigned char", the element of stand-ins.
func (w *Worker) byteType() uint32 {
	if w.byteRef == 0 {
		if w.strUchar == 0 {
			w.strUchar = btf.Str(w.names.intern([]byte("unsigned char")) &^ badName)
		}
		w.byteRef = w.addExtra(btf.Type{Kind: btf.Int, Name: w.strUchar, Size: 1, Extra: btf.IntData(0, 0, 8)})
	}
	return w.byteRef
}

// bytesOf is the stand-in for a type that BTF cannot express: an array of
// unsigned char of its size.
func (w *Worker) bytesOf(size uint64) btf.Type {
	w.arrays = true
	return btf.Type{Kind: btf.Array, Ref: btf.ID(w.byteType()), Size: uint32(min(size, math.MaxUint32))}
}

// opaque writes a type of which BTF can keep only the size: pointers to members,
// strings, sets, files. A pointer to member without a size has the one of the
// Itanium C++ ABI for data: an address.
func (w *Worker) opaque(a *abbrev, off uint32) {
	size, ok := w.constant(a, slotByteSize)
	if !ok && a.tag == tagPtrToMemberType {
		size = uint64(w.c.wordSize())
	}
	w.note(off, a.tag, w.nameText(w.typeName(a, off)), "BTF has nothing like it; written as an array of %d bytes", size)
	w.addType(off, w.bytesOf(size))
}
