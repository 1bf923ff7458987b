package compare

import (
	"encoding/binary"
	"math/bits"

	"mkbtf/btf"
)

// Sizes in bytes of what a kernel allocates for the BTF of each module besides, as Debian's
// 6.12.117 for amd64 does. Elsewhere they differ by little.
const (
	structBTF    = 232
	structModule = 48  // struct btf_module
	structFile   = 72  // struct bin_attribute, for /sys/kernel/btf/MODULE
	structKernfs = 136 // struct kernfs_node, the same; from a slab of its own
)

// memory is how much of a kernel's memory a module's BTF takes once it is loaded.
//
// The kernel (btf_parse_module) keeps a copy of .BTF and an array of pointers to its
// types, which it makes larger by a quarter, and at least 16, whenever it is full. If there
// is a .BTF.base, it keeps a map from its types and those of .BTF to the kernel's own,
// of 4 bytes each (btf_relocate); the rest of .BTF.base is freed. It resolves no types of
// a module, so that the tables for that, which a program's BTF has, are not there. name
// is that of the module.
//
// test/kernel has a kernel's own account of it.
func memory(name string, data, base []byte, addrSize int) (int64, error) {
	if len(data) == 0 {
		return 0, nil
	}
	var over *btf.Blob
	if base != nil {
		var err error
		if over, err = btf.ParseTrusted(base, nil); err != nil {
			return 0, err
		}
	}
	b, err := btf.ParseTrusted(data, over)
	if err != nil && over == nil { // split BTF need not have strings of its own
		b, err = btf.ParseTrusted(data, someBase(data))
	}
	if err != nil {
		return 0, err
	}
	types := int64(b.End() - b.Start())
	n := kmalloc(int64(len(data))) + kmalloc(typesArray(types)*int64(addrSize))
	if over != nil {
		n += kmalloc(4 * int64(b.End()))
	}
	n += kmalloc(structBTF) + kmalloc(structModule) + kmalloc(structFile) + structKernfs
	return n + kmalloc(int64(len(name))+1), nil
}

// someBase is BTF of the byte order of data, for reading split BTF without its own base.
func someBase(data []byte) *btf.Blob {
	var order btf.Order = binary.LittleEndian
	if len(data) > 0 && data[0] == 0xeb {
		order = binary.BigEndian
	}
	raw, err := btf.Encode(btf.NewTable(1, nil), order, nil, false)
	if err != nil {
		return nil
	}
	b, err := btf.ParseTrusted(raw, nil)
	if err != nil {
		return nil
	}
	return b
}

// typesArray is the number of entries of the array when so many types have been added
// (btf_add_type).
func typesArray(types int64) int64 {
	size := int64(0)
	for size < types {
		size += max(size/4, 16)
	}
	return size
}

// kmalloc is what an allocation of so many bytes takes: one of the sizes of the slabs up to
// two pages, then a power of two of pages, and above 4 MiB, where only vmalloc can
// serve it, whole pages.
func kmalloc(n int64) int64 {
	const page, largest = 4096, 4 << 20
	switch {
	case n <= 0:
		return 0
	case n <= 8:
		return 8
	case n > 64 && n <= 96:
		return 96
	case n > 128 && n <= 192:
		return 192
	case n > largest:
		return (n + page - 1) &^ (page - 1)
	}
	return 1 << bits.Len64(uint64(n-1))
}
