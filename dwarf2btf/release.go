package dwarf2btf

// releaser is a Section that lies in a mapping and can give back the memory of
// ranges that are not needed any more. What is read again comes back from the file.
type releaser interface {
	Release(off, n uint64)
}

// largeStrings is the size of a string section from which on it is released with
// the units: relocatable files have the strings of each unit beside each other.
const largeStrings = 16 << 20

// Release gives back the memory that the units of pieces from up to, not
// including, to take in the mapping of the file. It may be called while workers
// convert other pieces.
func (c *Converter) Release(from, to int) {
	section, start, end := int32(-1), uint64(0), uint64(0)
	flush := func() {
		if section >= 0 {
			if r, ok := c.sections[section].Section.(releaser); ok {
				r.Release(start, end-start)
			}
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
	if r, ok := c.src.Str.(releaser); ok && c.src.Str.Size() >= largeStrings {
		r.Release(0, c.src.Str.Size())
	}
}
