package emit

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
)

// tableAlign is the alignment of the section headers, enough for both classes.
const tableAlign = 8

// largestStep bounds the alignment that is preserved when a hole is closed.
const largestStep = 1 << 16

// headerTable stands for the section headers where a section index is expected.
const headerTable = -1

// movable is something whose place may change: an edited section, the section
// names, the section headers.
type movable struct {
	index int // of the section, or headerTable
	old   span
	size  uint64 // new size
	align uint64
	free  bool // old overlaps nothing
	stays bool // keeps its place
}

// patch replaces a range of the input by other data of any length.
type patch struct {
	span
	data []byte
}

// finish decides where everything goes and lays the output out.
func (l *layout) finish() (*ELFEdit, error) {
	l.trim()
	list, kept := l.movables()
	end := kept.end()
	for i := range list {
		m := &list[i]
		m.stays = m.free && m.old.off < end && m.old.end-m.old.off == m.size && m.old.off%m.align == 0
	}
	patches := l.closeHoles(list, end)
	l.moveUp(patches)
	stays := make(map[int]bool)
	for _, m := range list {
		stays[m.index] = m.stays
	}

	w := &tail{at: moved(patches, end)}
	for i := range l.headers {
		data, edited := l.content[i]
		switch {
		case edited && stays[i]:
			l.headers[i].Off = moved(patches, l.old[i].off)
			patches = append(patches, patch{l.old[i], data})
		case edited:
			l.headers[i].Off = w.put(data, l.headers[i].Align)
		}
	}
	if i := l.h.ShStrNdx; !l.namesKept && !stays[i] {
		l.headers[i].Off, l.headers[i].Size = w.put(l.names, 1), uint64(len(l.names))
	}
	l.h.ShNum = len(l.headers)
	l.h.PutExtended(&l.headers[0])
	if stays[headerTable] {
		at := span{l.h.ShOff, l.h.ShOff + uint64(l.oldCount*l.h.SectionLen())}
		l.h.ShOff = moved(patches, at.off)
		patches = append(patches, patch{at, l.table()})
	} else {
		w.pad(tableAlign)
		l.h.ShOff = w.at
		w.put(l.table(), 1)
	}
	if err := checkSize(l.h, w.at); err != nil {
		return nil, err
	}
	first := bytes.Clone(l.in[:l.h.Len()])
	l.h.Put(first)
	patches = append(patches, patch{span{0, uint64(len(first))}, first})
	patches = append(patches, l.inPlace...)
	return &ELFEdit{in: l.in, chunks: append(l.head(patches, end), w.chunks...), size: w.at}, nil
}

// movables lists what may move and the ranges that must not.
func (l *layout) movables() ([]movable, spans) {
	var list []movable
	var other []span
	for i, old := range l.old {
		m := movable{index: i, old: old, align: 1}
		if data, ok := l.content[i]; ok {
			m.size, m.align = uint64(len(data)), l.headers[i].Align
		}
		list = append(list, m)
	}
	table := span{l.h.ShOff, l.h.ShOff + uint64(l.oldCount*l.h.SectionLen())}
	list = append(list, movable{
		index: headerTable, old: table, size: uint64(len(l.headers) * l.h.SectionLen()), align: 1,
	})
	names := l.headers[l.h.ShStrNdx]
	other = append(other, span{0, uint64(l.h.Len())})
	if l.h.PhNum > 0 {
		off, end := l.h.SegmentTable()
		other = append(other, span{off, end})
	}
	for _, p := range l.segments {
		if p.FileSize > 0 {
			other = append(other, span{min(p.Off, uint64(len(l.in))), l.saturated(p.Off, p.FileSize)})
		}
	}
	for i := 1; i < len(l.headers); i++ {
		x := &l.headers[i]
		_, edited := l.content[i]
		if n := x.FileSize(); n > 0 && !edited && i != l.h.ShStrNdx {
			other = append(other, span{x.Off, x.Off + n})
		}
	}
	kept := merge(other)
	namesSpan := span{names.Off, names.Off + uint64(l.oldNames)}
	if len(l.names) == l.oldNames && kept.overlap(namesSpan) {
		kept = merge(append(kept, namesSpan))
		l.namesKept = true
	} else {
		list = append(list, movable{index: l.h.ShStrNdx, old: namesSpan, size: uint64(len(l.names)), align: 1})
	}
	kept = l.keepUnknown(list, kept)
	slices.SortFunc(list, func(a, b movable) int {
		return cmp.Or(cmp.Compare(a.old.off, b.old.off), cmp.Compare(a.index, b.index))
	})
	for i := range list {
		list[i].free = !kept.overlap(list[i].old)
		for j := range list {
			if i != j && list[i].old.off < list[j].old.end && list[j].old.off < list[i].old.end {
				list[i].free = false
			}
		}
	}
	return list, kept
}

// keepUnknown adds the bytes that no header describes to those that must not move,
// unless they are zero.
func (l *layout) keepUnknown(list []movable, kept spans) spans {
	known := slices.Clone(kept)
	for _, m := range list {
		known = append(known, m.old)
	}
	at := uint64(0)
	for _, s := range append(merge(known), span{uint64(len(l.in)), uint64(len(l.in))}) {
		if gap := bytes.TrimRight(l.in[at:max(at, s.off)], "\x00"); len(gap) > 0 {
			kept = append(kept, span{at, at + uint64(len(gap))})
		}
		at = s.end
	}
	return merge(kept)
}

// closeHoles returns patches that cut out or zero the old bytes of what moves
// away.
func (l *layout) closeHoles(list []movable, end uint64) []patch {
	var patches []patch
	for _, m := range list {
		if !m.free || m.stays || m.old.off >= end {
			continue
		}
		n := m.old.end - m.old.off
		if step := l.step(m.old.end); step > 0 {
			n %= step
		}
		patches = append(patches, patch{m.old, make([]byte, n)})
	}
	return patches
}

// step returns the number of bytes, and its multiples, by which everything from an
// offset on can move without losing its alignment; 0 if it must not move.
func (l *layout) step(from uint64) uint64 {
	if l.h.PhNum > 0 {
		return 0
	}
	step := uint64(tableAlign)
	for i := 1; i < len(l.headers); i++ {
		x := &l.headers[i]
		if _, edited := l.content[i]; edited || x.Off < from {
			continue
		}
		if x.Align > largestStep || bits.OnesCount64(x.Align) > 1 {
			return 0
		}
		step = max(step, x.Align)
	}
	return step
}

// moved is where an offset of the input lies after the patches.
func moved(patches []patch, off uint64) uint64 {
	to := off
	for _, p := range patches {
		if p.end <= off {
			to -= p.end - p.off - uint64(len(p.data))
		} else if p.off < off && uint64(len(p.data)) < p.end-p.off {
			to -= off - p.off // an empty section in the midst of a hole
		}
	}
	return to
}

// moveUp corrects the offsets of the sections that are not edited.
func (l *layout) moveUp(patches []patch) {
	for i := 1; i < len(l.headers); i++ {
		if _, edited := l.content[i]; !edited {
			l.headers[i].Off = moved(patches, l.headers[i].Off)
		}
	}
}

// table is the wire form of the section headers.
func (l *layout) table() []byte {
	b := make([]byte, 0, len(l.headers)*l.h.SectionLen())
	for i := range l.headers {
		b = l.h.AppendSection(b, &l.headers[i])
	}
	return b
}

// head cuts the input up to end into chunks around the patches.
func (l *layout) head(patches []patch, end uint64) []chunk {
	slices.SortFunc(patches, func(a, b patch) int { return cmp.Compare(a.off, b.off) })
	var chunks []chunk
	at := uint64(0)
	for _, p := range append(patches, patch{span: span{end, end}}) {
		if p.off > at {
			chunks = append(chunks, chunk{off: at, n: p.off - at})
		}
		if len(p.data) > 0 {
			chunks = append(chunks, chunk{data: p.data})
		}
		at = p.end
	}
	return chunks
}

// tail is what comes behind everything that is kept.
type tail struct {
	chunks []chunk
	at     uint64 // offset in the output
}

func (t *tail) pad(align uint64) {
	if n := -t.at & (align - 1); n > 0 {
		t.chunks = append(t.chunks, chunk{data: make([]byte, n)})
		t.at += n
	}
}

// put appends data at an alignment and returns its offset.
func (t *tail) put(data []byte, align uint64) uint64 {
	t.pad(align)
	off := t.at
	if len(data) > 0 {
		t.chunks = append(t.chunks, chunk{data: data})
		t.at += uint64(len(data))
	}
	return off
}
