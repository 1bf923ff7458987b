package dwarf2btf

import (
	"sort"
)

// group splits the units into pieces of work that do not refer to each other:
// each unit on its own unless references across units (DW_FORM_ref_addr,
// DW_FORM_ref_sig8, DW_TAG_imported_unit) tie some together. Such references
// come from link-time optimisation, type units and dwz.
func (c *Converter) group() error {
	c.bySignature = map[uint64]int32{}
	for i := range c.units {
		if h := &c.units[i]; h.kind == utType {
			if _, ok := c.bySignature[h.signature]; !ok {
				c.bySignature[h.signature] = int32(i)
			}
		}
	}
	var crossing []int32 // units with an abbreviation that may lead out of them
	for i := range c.units {
		if t := &c.tables[c.units[i].table]; t.crossing && t.err == nil {
			crossing = append(crossing, int32(i))
		}
	}
	c.order = make([]int32, len(c.units))
	for i := range c.order {
		c.order[i] = int32(i)
	}
	if len(crossing) == 0 {
		c.starts = make([]int32, len(c.units)+1)
		for i := range c.starts {
			c.starts[i] = int32(i)
		}
		return nil
	}
	leader := make([]int32, len(c.units))
	for i := range leader {
		leader[i] = int32(i)
	}
	find := func(i int32) int32 {
		for leader[i] != i {
			leader[i] = leader[leader[i]]
			i = leader[i]
		}
		return i
	}
	w := c.NewWorker()
	for _, i := range crossing {
		err := w.crossReferences(i, func(other int32) {
			a, b := find(i), find(other)
			leader[max(a, b)] = min(a, b) // the first unit leads
		})
		if err != nil {
			return err
		}
	}
	sort.SliceStable(c.order, func(a, b int) bool { return find(c.order[a]) < find(c.order[b]) })
	for i, u := range c.order {
		if i == 0 || find(u) != find(c.order[i-1]) {
			c.starts = append(c.starts, int32(i))
		}
	}
	c.starts = append(c.starts, int32(len(c.order)))
	return nil
}

// crossReferences calls found for every other unit that unit i refers to.
func (w *Worker) crossReferences(i int32, found func(int32)) error {
	w.unload()
	u, err := w.load(i)
	if err != nil {
		return err
	}
	if u.excluded || !u.tab.crossing {
		return nil
	}
	w.use(u)
	for pos := int(u.firstDIE); pos < len(w.data); {
		code, next := w.uleb(pos)
		if next == tooFar {
			return w.malformed(pos, 0, "truncated")
		}
		if code == 0 {
			pos = next
			continue
		}
		a := u.tab.lookup(code)
		if a == nil {
			return w.malformed(pos, 0, "abbreviation %d is not in the table at %#x", code, u.abbrevOff)
		}
		if next = w.attrs(a, next); next > len(w.data) {
			return w.malformed(pos, a.tag, "attributes run past the end of the unit")
		}
		for j := range a.steps {
			s := &a.steps[j]
			if !crosses(s.form, s.slot) {
				continue
			}
			form := s.form
			if form == formIndirect {
				form = w.actual[s.slot]
			}
			other, _, err := w.target(form, w.val[s.slot], pos, a.tag)
			if err != nil {
				return err
			}
			if other >= 0 && other != i {
				found(other)
			}
		}
		pos = next
	}
	return nil
}

// unitAt returns the unit of a section that holds an offset, -1 if none does.
func (c *Converter) unitAt(section int32, off uint64) int32 {
	s := &c.sections[section]
	n := sort.Search(s.end-s.first, func(i int) bool {
		h := &c.units[s.first+i]
		return off < h.off+uint64(h.size)
	})
	i := s.first + n
	if i >= s.end || off < c.units[i].off+uint64(c.units[i].firstDIE) {
		return -1
	}
	return int32(i)
}
