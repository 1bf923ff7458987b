package object

import (
	"debug/elf"
	"fmt"
	"math"
	"math/bits"
)

const (
	firstAddress = 0x10000 // of the first section in a relocatable file
	largestAlign = 1 << 21 // more than any linker script asks for
)

// addresses returns an address for each section: in a relocatable file, where
// sh_addr is 0, one made up for each section with SHF_ALLOC, such that no two
// sections overlap or touch and none starts at 0; 0 for the others. In other files
// it is sh_addr.
func (f *File) addresses() ([]uint64, error) {
	f.addrsOnce.Do(func() { f.addrs, f.addrsErr = f.layout() })
	return f.addrs, f.addrsErr
}

func (f *File) layout() ([]uint64, error) {
	addrs := make([]uint64, len(f.Sections))
	if !f.Relocatable() {
		for i := range f.Sections {
			addrs[i] = f.Sections[i].Addr
		}
		return addrs, nil
	}
	limit := uint64(math.MaxUint64)
	if f.Class == elf.ELFCLASS32 {
		limit = math.MaxUint32
	}
	next := uint64(firstAddress)
	for i := 1; i < len(f.Sections); i++ {
		s := &f.Sections[i]
		if s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		align := uint64(16) // leaves a gap between sections and gives empty ones a range
		if s.Align > align && s.Align <= largestAlign && bits.OnesCount64(s.Align) == 1 {
			align = s.Align
		}
		addr := (next + align - 1) &^ (align - 1)
		if addr < next || s.Size >= limit-addr {
			return nil, fmt.Errorf("%s: section %s of %#x bytes: the sections do not fit the address space: %w", f.Name, s.Name, s.Size, ErrMalformed)
		}
		addrs[i] = addr
		next = addr + s.Size + 1
	}
	return addrs, nil
}
