package emit

import (
	"bytes"
	"cmp"
	"debug/elf"
	"fmt"
	"math"
	"slices"

	"mkbtf/internal/elfhdr"
)

// layout is an ELF file while it is edited.
type layout struct {
	in       []byte
	h        *elfhdr.Header
	headers  []elfhdr.Section
	names    elfhdr.Names
	segments []elfhdr.Segment

	oldNames int            // length of names in the input
	oldCount int            // number of sections in the input
	old      map[int]span   // where edited sections lay, by index; absent if they took no bytes
	content  map[int][]byte // of the edited sections that stay or are new
	removed  map[int]bool
	inPlace  []patch // that change no sizes
	refs     [2]int  // space for references
	// namesKept: the section names do not change and share bytes with something
	// that keeps its place, such as the symbol names.
	namesKept bool
}

// span is a range of the file.
type span struct{ off, end uint64 }

func newLayout(in []byte) (*layout, error) {
	h, err := elfhdr.ParseHeader(in)
	if err != nil {
		return nil, err
	}
	if h.ShNum == 0 {
		return nil, fmt.Errorf("cannot hold a section: %w", elfhdr.ErrNoSections)
	}
	l := &layout{
		in: in, h: h, headers: h.ParseSections(in), segments: h.ParseSegments(in),
		oldCount: h.ShNum, old: map[int]span{}, content: map[int][]byte{}, removed: map[int]bool{},
	}
	if l.names, err = h.ParseNames(in, l.headers); err != nil {
		return nil, err
	}
	if h.ShStrNdx == 0 || len(l.names) == 0 || l.names[len(l.names)-1] != 0 {
		return nil, fmt.Errorf("no usable section with section names: %w", elfhdr.ErrMalformed)
	}
	if f := l.headers[h.ShStrNdx].Flags; f&(elf.SHF_COMPRESSED|elf.SHF_ALLOC) != 0 {
		return nil, fmt.Errorf("the section with section names has flags %s: %w", f, elfhdr.ErrMalformed)
	}
	l.names = l.names[:len(l.names):len(l.names)] // append copies
	l.oldNames = len(l.names)
	for i := 1; i < len(l.headers); i++ {
		x := &l.headers[i]
		if uint64(x.NameOff) >= uint64(len(l.names)) {
			return nil, fmt.Errorf("section %d: its name would be at %#x of %#x: %w", i, x.NameOff, len(l.names), elfhdr.ErrMalformed)
		}
		if _, err := x.Contents(in, l.names.At(x.NameOff)); err != nil {
			return nil, err
		}
		if x.FileSize() > 0 && x.Off < uint64(h.Len()) {
			return nil, fmt.Errorf("section %s overlaps the file header: %w", l.names.At(x.NameOff), elfhdr.ErrMalformed)
		}
	}
	return l, nil
}

// mostOfAName is how many sections of the same name are edited. More than one is
// the work of a tool that went wrong.
const mostOfAName = 8

// edit enters one section and reports whether that changes anything.
func (l *layout) edit(s *ELFSection) (changed bool, err error) {
	target, found := 0, 0
	for i := 1; i < len(l.headers); i++ {
		x := &l.headers[i]
		if x.Type == elf.SHT_NULL || l.names.At(x.NameOff) != s.Name {
			continue
		}
		if found++; found > mostOfAName {
			return false, fmt.Errorf("occurs more than %d times: %w", mostOfAName, elfhdr.ErrMalformed)
		}
		if err := l.editable(i); err != nil {
			return false, err
		}
		if target == 0 && s.Data != nil {
			target = i
			continue
		}
		// Removed, or of several with the same name: the kernel takes the first one.
		l.vacate(i)
		l.headers[i] = elfhdr.Section{}
		l.removed[i] = true
		changed = true
	}
	if s.Data == nil {
		return changed, nil
	}
	if target == 0 {
		if target, err = l.newHeader(s.Name); err != nil {
			return false, err
		}
	} else if !changed && l.holds(target, s) {
		return false, nil
	}
	l.vacate(target)
	x := &l.headers[target]
	*x = elfhdr.Section{NameOff: x.NameOff, Type: SectionType(s.Name), Align: max(s.Align, 1), Size: uint64(len(s.Data))}
	l.content[target] = s.Data
	return true, nil
}

// overwrite enters new content of a section that stays as it is otherwise.
func (l *layout) overwrite(name string, data []byte) error {
	for i := 1; i < len(l.headers); i++ {
		x := &l.headers[i]
		if x.Type == elf.SHT_NULL || l.names.At(x.NameOff) != name {
			continue
		}
		old, err := x.Contents(l.in, name)
		switch {
		case err != nil:
			return err
		case x.Flags&elf.SHF_COMPRESSED != 0:
			return fmt.Errorf("%w: it is compressed", ErrInPlace)
		case len(old) != len(data):
			return fmt.Errorf("%w: it has %d bytes, the new content %d", ErrInPlace, len(old), len(data))
		case bytes.Equal(old, data):
			return nil
		}
		at := span{x.Off, x.Off + uint64(len(old))}
		for _, p := range l.inPlace {
			if at.off < p.end && p.off < at.end {
				return fmt.Errorf("%w: it overlaps another section", ErrInPlace)
			}
		}
		l.inPlace = append(l.inPlace, patch{at, data})
		return nil
	}
	return fmt.Errorf("%w: it is not there", ErrInPlace)
}

// SectionType is the type that linkers give a section of the name.
func SectionType(name string) elf.SectionType {
	if name == ".note" || len(name) > 6 && name[:6] == ".note." {
		return elf.SHT_NOTE
	}
	return elf.SHT_PROGBITS
}

// holds reports whether a section is already as it shall become.
func (l *layout) holds(i int, s *ELFSection) bool {
	x := &l.headers[i]
	if x.Type != SectionType(s.Name) || x.Flags != 0 || x.FlagsHigh != 0 || x.Align != max(s.Align, 1) || x.Off%x.Align != 0 {
		return false
	}
	old, err := x.Contents(l.in, s.Name)
	return err == nil && bytes.Equal(old, s.Data)
}

// editable reports why a section cannot be replaced or removed.
func (l *layout) editable(i int) error {
	x := &l.headers[i]
	if x.Flags&elf.SHF_ALLOC != 0 && l.h.Type != elf.ET_REL {
		return ErrLoaded
	}
	if n := x.FileSize(); n > 0 {
		for _, p := range l.segments {
			if p.FileSize > 0 && x.Off < p.Off+p.FileSize && p.Off < x.Off+n {
				return ErrLoaded
			}
		}
	}
	if i == l.h.ShStrNdx || x.Flags&elf.SHF_GROUP != 0 {
		return ErrReferenced
	}
	for j := 1; j < len(l.headers); j++ {
		if slices.Contains(l.references(j), i) {
			return fmt.Errorf("%w: %s", ErrReferenced, l.names.At(l.headers[j].NameOff))
		}
	}
	return nil
}

// references lists the section indices that a section header holds.
func (l *layout) references(i int) []int {
	x := &l.headers[i]
	list := append(l.refs[:0:2], int(min(x.Link, math.MaxInt32)))
	if x.Type == elf.SHT_REL || x.Type == elf.SHT_RELA || x.Flags&elf.SHF_INFO_LINK != 0 {
		list = append(list, int(min(x.Info, math.MaxInt32)))
	}
	return list
}

// vacate notes the bytes that a section takes in the input.
func (l *layout) vacate(i int) {
	if n := l.headers[i].FileSize(); n > 0 && i < l.oldCount {
		l.old[i] = span{l.headers[i].Off, l.headers[i].Off + n}
	}
	delete(l.content, i)
	delete(l.removed, i)
}

// newHeader returns the index of a header for a section of a new name: one that a
// removed section has left behind, or a new one at the end.
func (l *layout) newHeader(name string) (int, error) {
	off := bytes.Index(l.names, append([]byte(name), 0))
	if off < 0 {
		off = len(l.names)
		l.names = append(append(l.names, name...), 0)
	}
	x := elfhdr.Section{NameOff: uint32(off)}
	n := len(l.headers)
	named := make([]int, n+1) // by index, a section that refers to it
	for i := 1; i < n; i++ {
		for _, to := range l.references(i) {
			if to <= n {
				named[to] = i
			}
		}
	}
	for i := 1; i < n; i++ {
		if l.headers[i] == (elfhdr.Section{}) && !l.removed[i] && named[i] == 0 {
			l.headers[i] = x
			return i, nil
		}
	}
	if named[n] != 0 {
		return 0, fmt.Errorf("section %s refers to section %d of %d: %w", l.names.At(l.headers[named[n]].NameOff), n, n, elfhdr.ErrMalformed)
	}
	l.headers = append(l.headers, x)
	return n, nil
}

// trim drops the headers of removed sections at the end of the table, unless a
// symbol still names one.
func (l *layout) trim() {
	last := len(l.headers)
	for last > 1 && l.removed[last-1] {
		last--
	}
	if last < len(l.headers) && !l.symbolsName(last) {
		l.headers = l.headers[:last]
	}
}

// symbolsName reports whether a symbol belongs to the section of an index or one
// behind it. Indices that do not fit st_shndx are taken to.
func (l *layout) symbolsName(first int) bool {
	for i := range l.headers {
		x := &l.headers[i]
		if x.Type == elf.SHT_SYMTAB_SHNDX {
			return true
		}
		if x.Type != elf.SHT_SYMTAB && x.Type != elf.SHT_DYNSYM {
			continue
		}
		size, at := uint64(16), 14
		if l.h.Is64() {
			size, at = 24, 6
		}
		b, err := x.Contents(l.in, "with symbols")
		if err != nil {
			return true
		}
		for ; uint64(len(b)) >= size; b = b[size:] {
			if n := l.h.Order.Uint16(b[at:]); int(n) >= first && n < uint16(elf.SHN_LORESERVE) {
				return true
			}
		}
	}
	return false
}

// spans is a sorted list of ranges that do not overlap.
type spans []span

// merge sorts ranges and joins those that overlap or touch.
func merge(list []span) spans {
	slices.SortFunc(list, func(a, b span) int { return cmp.Compare(a.off, b.off) })
	out := list[:0]
	for _, s := range list {
		if n := len(out); n > 0 && s.off <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, s.end)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// overlap reports whether a range shares a byte with the list.
func (l spans) overlap(s span) bool {
	i, _ := slices.BinarySearchFunc(l, s.off, func(x span, off uint64) int {
		if x.end <= off {
			return -1
		}
		return 1
	})
	return i < len(l) && l[i].off < s.end
}

// end is the end of the last range.
func (l spans) end() uint64 {
	if len(l) == 0 {
		return 0
	}
	return l[len(l)-1].end
}

// saturated is off+n, bounded by the size of the file.
func (l *layout) saturated(off, n uint64) uint64 {
	end := off + n
	if end < off {
		end = math.MaxUint64
	}
	return min(end, uint64(len(l.in)))
}
