package dwarf2btf

// releaser is a Section that lies in a mapping and can give back the memory of
// ranges that are not needed any more. What is read again comes back from the file.
type releaser interface {
	Release(off, n uint64)
}

// largeStrings is the size of a string section from which on it is released with
// the units: relocatable files have the strings of each unit beside each other.
const largeStrings = 16 << 20

// largeSection is the size from which on the other sections are released too: units
// lie in them in the same order, but where each begins is not known.
const largeSection = 1 << 20

// releaseHeaders is how many bytes of units are released at a time when only their
// headers were read.
const releaseHeaders = 8 << 20

// release gives back the memory of a range if the section can.
func release(s Section, off, n uint64) {
	if r, ok := s.(releaser); ok {
		r.Release(off, n)
	}
}

// Release gives back the memory that the units of pieces from up to, not
// including, to take in the mapping of the file. It may be called while workers
// convert other pieces.
func (c *Converter) Release(from, to int) {
	section, start, end := int32(-1), uint64(0), uint64(0)
	flush := func() {
		if section >= 0 {
			release(c.sections[section].Section, start, end-start)
		}
	}
	for i := from; i < to; i++ {
		for _, u := range c.pieces(i) {
			h := &c.units[u]
			if h.section != section || h.off != end {
				flush()
				section, start = h.section, h.off
			}
			end = h.off + uint64(h.size)
		}
	}
	flush()
	large := func(s Section, size uint64) {
		if s != nil && s.Size() >= size {
			release(s, 0, s.Size())
		}
	}
	large(c.src.Str, largeStrings)
	for _, s := range []Section{c.src.Loc, c.src.Loclists, c.src.Ranges, c.src.Rnglists} {
		large(s, largeSection)
	}
}
