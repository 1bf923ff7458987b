package dump

import "mkbtf/btf"

// placement goes through the members of one record as a compiler would, for both
// alignments that a type may have.
type placement struct {
	l      *layouter
	size   uint64 // of the record in bytes
	cur    uint64 // in bits
	align  aligns // so far
	unit   uint64 // largest bytes of a bit-field used as padding
	packed bool
}

// arrange appends the fields of a record that make C lay out l.items as the BTF
// says. It reports whether it can be done; with lay.packed set it always can.
func (l *layouter) arrange(t *btf.Type, lay *layout) bool {
	p := placement{l: l, size: uint64(t.Size), align: aligns{1, 1}, packed: lay.packed, unit: uint64(l.ptr)}
	if !p.packed {
		// Unnamed bit-fields count for the alignment of the record on ARM: take small ones.
		natural := aligns{1, 1}
		for i := range l.items {
			natural = natural.max(l.items[i].align)
		}
		p.unit = min(p.unit, uint64(natural[0]))
	}
	end := uint64(0)
	for i := range l.items {
		if t.Kind == btf.Union {
			p.cur = 0
		}
		if !p.place(&l.items[i]) {
			return false
		}
		end = max(end, p.cur)
	}
	p.cur = end
	return p.finish(t.Kind == btf.Union, lay)
}

func roundUp(n, to uint64) uint64 { return (n + to - 1) / to * to }

// natural is where a compiler puts an item when cur is where the last one ended.
func (p *placement) natural(it *item, cur uint64, model int) uint64 {
	if it.bits == 0 {
		to := uint64(8)
		if !p.packed {
			to *= uint64(it.align[model])
		}
		return roundUp(cur, to)
	}
	if p.packed {
		return cur
	}
	if to := uint64(it.align[model]) * 8; cur%to+uint64(it.bits) > it.unit {
		return roundUp(cur, to)
	}
	return cur
}

// lands reports whether both models put the item where it belongs.
func (p *placement) lands(it *item, cur uint64) bool {
	return p.natural(it, cur, 0) == it.off && p.natural(it, cur, 1) == it.off
}

func (p *placement) place(it *item) bool {
	f := field{kind: fieldMember, member: it.member, bits: it.bits}
	if !p.lands(it, p.cur) {
		if n := p.explain(p.cur, it.off, it.align, it.alignN); n != 0 && it.bits == 0 && p.size%uint64(n) == 0 {
			f.alignTo = n
			p.align = p.align.max(aligns{n, n})
		} else {
			if it.off < p.cur || !p.lands(it, it.off) {
				return false
			}
			p.pad(it.off)
		}
	}
	if !p.packed {
		p.align = p.align.max(it.align)
	}
	p.l.fields = append(p.l.fields, f)
	p.cur = it.off + it.width
	return true
}

// explain returns the alignment, greater than the one a type has, that makes a gap
// from one bit to another; 0 if none does.
func (p *placement) explain(from, to uint64, has aligns, most uint32) uint32 {
	least := uint32(2)
	if !p.packed {
		least = 2 * has[0]
	}
	for n := least; n <= most; n *= 2 {
		if roundUp(from, uint64(n)*8) == to && (p.packed || n >= has[1]) {
			return n
		}
	}
	return 0
}

// pad fills the bits up to an offset with unnamed bit-fields or, if that would take
// many, an array.
func (p *placement) pad(to uint64) {
	if to-p.cur > maxPadLines*8*p.unit {
		p.bits(roundUp(p.cur, 8))
		n := (to - p.cur) / 8
		p.l.fields = append(p.l.fields, field{kind: fieldBytes, n: uint32(n)})
		p.cur += n * 8
	}
	p.bits(to)
}

func (p *placement) bits(to uint64) {
	for unit := p.unit * 8; p.cur < to; {
		n := min(unit-p.cur%unit, to-p.cur)
		p.l.fields = append(p.l.fields, field{kind: fieldBits, unit: uint8(p.unit), n: uint32(n)})
		p.cur += n
	}
}

// finish makes the record as long as it must be.
func (p *placement) finish(union bool, lay *layout) bool {
	if roundUp(p.cur, uint64(p.align[0])*8) != p.size*8 || roundUp(p.cur, uint64(p.align[1])*8) != p.size*8 {
		bytes := roundUp(p.cur, 8) / 8
		if n := p.tail(bytes); n != 0 {
			lay.alignTo = n
			p.align = p.align.max(aligns{n, n})
		} else {
			if bytes > p.size || p.size%uint64(p.align[0]) != 0 || p.size%uint64(p.align[1]) != 0 {
				return false
			}
			if union {
				p.cur = 0
				if p.size > p.unit { // a bit-field can be no longer than its type
					p.l.fields = append(p.l.fields, field{kind: fieldBytes, n: uint32(p.size)})
					p.cur = p.size * 8
				}
			}
			p.pad(p.size * 8)
		}
	}
	lay.align = p.align
	return true
}

// tail returns the alignment of a record that explains its length, 0 if none does.
func (p *placement) tail(bytes uint64) uint32 {
	for n := 2 * p.align[0]; n <= maxAligned; n *= 2 {
		if roundUp(bytes, uint64(n)) == p.size && n >= p.align[1] && p.size != 0 {
			return n
		}
	}
	return 0
}
