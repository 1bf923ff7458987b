package object

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"math"
	"slices"
	"sort"
)

// relocations are those of one SHT_REL or SHT_RELA section, read in place. They
// are applied to ranges of the section they belong to, in the order in which they
// stand if several have the same offset.
type relocations struct {
	f       *File
	name    string // of the relocation section
	target  string // of the section relocated, for messages
	size    uint64 // of the section relocated
	m       *machine
	raw     []byte // whole records
	len     int    // of a record: 8, 12, 16 or 24 bytes
	count   int
	rela    bool     // records have addends, otherwise the field holds them
	fast    bool     // applyFast may be used: 64-bit little-endian RELA, sorted, the usual r_info
	values  []uint64 // S by symbol index
	fileOff uint64   // of raw, if it lies in the file as it is
	order   []uint32 // records by offset, nil if they are sorted
}

// record is a relocation in host terms.
type record struct {
	off    uint64
	sym    uint32
	typ    uint32
	addend uint64
	do     field // what the type asks for; op 0 if it is unknown
}

// shtCREL is the type of sections with compact relocations, a proposal that LLVM
// implements.
const shtCREL elf.SectionType = 0x40000014

// newRelocations checks a relocation section and brings it into order.
func newRelocations(f *File, index int, target string, size uint64) (*relocations, error) {
	s := &f.Sections[index]
	r := &relocations{f: f, name: s.Name, fileOff: s.Off, target: target, size: size, rela: s.Type == elf.SHT_RELA, m: machines[f.Machine]}
	if s.Type == shtCREL {
		return nil, f.errorAt(s.Name, 0, "compact relocations (SHT_CREL) are not known: assemble without --crel")
	}
	if r.m == nil {
		return nil, f.errorAt(target, 0, "the relocations of %s are not known", f.Machine)
	}
	r.len = 2 * f.AddrSize()
	if r.rela {
		r.len = 3 * f.AddrSize()
	}
	if s.EntSize != uint64(r.len) {
		return nil, f.errorAt(s.Name, 0, "records of %d bytes, expected %d", s.EntSize, r.len)
	}
	symtab, err := f.symtab()
	if err != nil {
		return nil, err
	}
	if int(s.Link) != symtab.index {
		return nil, f.errorAt(s.Name, 0, "its symbol table would be section %d", s.Link)
	}
	if r.values, err = f.symbolValues(); err != nil {
		return nil, err
	}
	if r.raw, err = f.Data(index); err != nil {
		return nil, err
	}
	r.count = len(r.raw) / r.len
	r.raw = r.raw[:r.count*r.len]
	r.fast = r.rela && f.Class == elf.ELFCLASS64 && f.Order == binary.LittleEndian &&
		f.Machine != elf.EM_MIPS && f.Machine != elf.EM_SPARCV9
	if uint64(r.count) > math.MaxUint32 {
		return nil, f.errorAt(s.Name, 0, "%d relocations", r.count)
	}
	if !r.sorted() {
		r.sort()
		r.fast = false
	}
	if r.count > 0 {
		if last := r.offset(r.count - 1); last >= size {
			return nil, f.errorAt(target, last, "a relocation of %s lies outside the section of %#x bytes", s.Name, size)
		}
	}
	return r, nil
}

// sorted reports whether the records lie in the order of their offsets.
func (r *relocations) sorted() bool {
	prev := uint64(0)
	if r.len == 24 && r.f.Order == binary.LittleEndian {
		for p := r.raw; len(p) >= 24; p = p[24:] {
			off := binary.LittleEndian.Uint64(p)
			if off < prev {
				return false
			}
			prev = off
		}
		return true
	}
	for i := range r.count {
		off := r.offset(i)
		if off < prev {
			return false
		}
		prev = off
	}
	return true
}

func (r *relocations) sort() {
	type key struct {
		off   uint64
		index uint32
	}
	keys := make([]key, r.count)
	for i := range keys {
		keys[i] = key{r.offset(i), uint32(i)}
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.off, b.off), cmp.Compare(a.index, b.index))
	})
	r.order = make([]uint32, r.count)
	for i := range keys {
		r.order[i] = keys[i].index
	}
}

// at returns the i-th record by offset.
func (r *relocations) at(i int) []byte {
	if r.order != nil {
		i = int(r.order[i])
	}
	return r.raw[i*r.len : (i+1)*r.len]
}

// offset returns the offset of the i-th record by offset.
func (r *relocations) offset(i int) uint64 {
	if r.len == 12 || r.len == 8 {
		return uint64(r.f.Order.Uint32(r.at(i)))
	}
	return r.f.Order.Uint64(r.at(i))
}

// read decodes the i-th record by offset.
func (r *relocations) read(i int) record {
	b, o := r.at(i), r.f.Order
	if r.f.Class == elf.ELFCLASS32 {
		info := o.Uint32(b[4:])
		rec := record{off: uint64(o.Uint32(b)), sym: info >> 8, typ: info & 0xff}
		if r.rela {
			rec.addend = uint64(int64(int32(o.Uint32(b[8:]))))
		}
		rec.do = r.m.field(rec.typ)
		return rec
	}
	info := o.Uint64(b[8:])
	rec := record{off: o.Uint64(b), sym: uint32(info >> 32), typ: uint32(info)}
	switch r.f.Machine {
	case elf.EM_MIPS:
		// r_sym is a word of its own in file order, followed by r_ssym, r_type3,
		// r_type2 and r_type as single bytes.
		rec.sym, rec.typ = o.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])
	case elf.EM_SPARCV9:
		rec.typ &= 0xff // the upper 24 bits are a second addend of one type of code
	}
	if r.rela {
		rec.addend = o.Uint64(b[16:])
	}
	rec.do = r.m.field(rec.typ)
	return rec
}

// first returns the number of the first record at or behind an offset.
func (r *relocations) first(off uint64) int {
	if r.order == nil && r.len == 24 && r.f.Order == binary.LittleEndian {
		lo, hi := 0, r.count
		for lo < hi {
			mid := int(uint(lo+hi) >> 1)
			if binary.LittleEndian.Uint64(r.raw[mid*24:]) < off {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		return lo
	}
	return sort.Search(r.count, func(i int) bool { return r.offset(i) >= off })
}
