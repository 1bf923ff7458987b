package object

import "os"

var pageSize = uint64(os.Getpagesize())

// Release gives back the memory that a range of the section and its relocations
// take in the mapping of the file. What is read again comes from the file again.
func (d *debugSection) Release(off, n uint64) {
	s := &d.f.Sections[d.index]
	if n == 0 || off > d.size || n > d.size-off || d.f.disk == nil {
		return
	}
	if data, err := d.Bytes(); err == nil && inside(d.f.data, s.Off, data) {
		d.f.disk.drop(s.Off+off, n)
	}
	if len(d.relocated) == 0 {
		return
	}
	d.relocsOnce.Do(func() { d.relocs, d.relocsErr = d.loadRelocations() })
	for _, r := range d.relocs {
		if r.order == nil && inside(d.f.data, r.fileOff, r.raw) {
			first, last := r.first(off), r.first(off+n)
			d.f.disk.drop(r.fileOff+uint64(first*r.len), uint64((last-first)*r.len))
		}
	}
}

// inside reports whether b is the part of data that begins at off, not a copy.
func inside(data []byte, off uint64, b []byte) bool {
	return len(b) > 0 && off < uint64(len(data)) && &data[off] == &b[0]
}

// drop gives back the pages that lie wholly in a range.
func (m *mapped) drop(off, n uint64) {
	if m.unmap == nil || off > uint64(len(m.data)) || n > uint64(len(m.data))-off {
		return
	}
	first, end := (off+pageSize-1)&^(pageSize-1), (off+n)&^(pageSize-1)
	if first < end {
		dropPages(m.data[first:end])
	}
}
