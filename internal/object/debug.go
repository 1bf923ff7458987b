package object

import (
	"fmt"
	"slices"
	"sync"
)

// debugSection is a debug section as package dwarf2btf wants it.
type debugSection struct {
	f         *File
	index     int
	size      uint64
	relocated []int // indices of the relocation sections that apply to it

	dataOnce sync.Once
	data     []byte // decompressed, not relocated
	dataErr  error

	relocsOnce sync.Once
	relocs     []*relocations
	relocsErr  error
}

func (d *debugSection) Name() string { return d.f.Sections[d.index].Name }

func (d *debugSection) Size() uint64 { return d.size }

func (d *debugSection) Bytes() ([]byte, error) {
	d.dataOnce.Do(func() { d.data, d.dataErr = d.f.Data(d.index) })
	return d.data, d.dataErr
}

func (d *debugSection) Read(off, n uint64, buf []byte) ([]byte, error) {
	if off > d.size || n > d.size-off {
		return nil, d.f.errorAt(d.Name(), off, "%#x bytes wanted, the section has %#x in all", n, d.size)
	}
	data, err := d.Bytes()
	if err != nil {
		return nil, err
	}
	data = data[:d.size:d.size]
	if len(d.relocated) == 0 {
		if n < smallRead {
			return d.copy(data, off, n, buf)
		}
		return data[off : off+n : off+n], nil
	}
	d.relocsOnce.Do(func() { d.relocs, d.relocsErr = d.loadRelocations() })
	if d.relocsErr != nil {
		return nil, d.relocsErr
	}
	if buf, err = d.copy(data, off, n, buf); err != nil {
		return nil, err
	}
	across, err := d.apply(buf, off)
	if across && err == nil {
		return d.readAcross(data, off, buf)
	}
	return buf, err
}

// smallRead is the size below which a range is copied: headers of units lie far from each
// other, and each would bring in the pages around it.
const smallRead = 64

// copy returns a copy of a range of the section. Where it can be read from the file that is
// cheaper than to have the mapping's pages brought in one by one.
func (d *debugSection) copy(data []byte, off, n uint64, buf []byte) ([]byte, error) {
	s := &d.f.Sections[d.index]
	if m := d.f.disk; m == nil || m.unmap == nil || !inside(d.f.data, s.Off, data) {
		return append(buf[:0], data[off:off+n]...), nil
	}
	buf = slices.Grow(buf[:0], int(n))[:n]
	if _, err := d.f.disk.file.ReadAt(buf, int64(s.Off+off)); err != nil {
		return nil, fmt.Errorf("%s: cannot be read at %#x: %w", d.f.Name, s.Off+off, err)
	}
	return buf, nil
}

func (d *debugSection) loadRelocations() ([]*relocations, error) {
	var list []*relocations
	for _, i := range d.relocated {
		r, err := newRelocations(d.f, i, d.Name(), d.size)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

func (d *debugSection) apply(b []byte, off uint64) (across bool, err error) {
	for _, r := range d.relocs {
		a, err := r.apply(b, off)
		if err != nil {
			return false, err
		}
		across = across || a
	}
	return across, nil
}

// readAcross reads a range whose ends cut fields that relocations change, by
// relocating more and copying the part that is wanted into buf.
func (d *debugSection) readAcross(data []byte, off uint64, buf []byte) ([]byte, error) {
	n := uint64(len(buf))
	start, end := off-min(off, widest), off+n+min(d.size-off-n, widest)
	wide := slices.Clone(data[start:end])
	if _, err := d.apply(wide, start); err != nil {
		return nil, err
	}
	return append(buf[:0], wide[off-start:off-start+n]...), nil
}
