package encode

import (
	"errors"
	"slices"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
	"mkbtf/emit"
	"mkbtf/internal/btfids"
	"mkbtf/internal/fingerprint"
	"mkbtf/internal/object"
)

// Variant is one way to encode a module.
type Variant struct {
	Form Form
	Keep Keep
	Hops int // with KeepOwn, self-contained
}

// Several encodes modules in several ways, with one pass over the DWARF of each. The
// result of each way is, byte for byte, what an Encoder with these options writes. It may
// be used by several goroutines.
type Several struct {
	encoders []*Encoder
	lead     *Encoder // one with a base if any has one
	need     need
	flat     bool // a base has no ARRAYs of ARRAYs, and other forms have
}

// NewSeveral makes one of the variants; base may be nil if none needs it. Of opts the
// form, the level, the base, and what concerns writing files have no effect, and of
// Options.Kernel only Sysroot has one, for finding debug files; one goroutine works on a
// file.
func NewSeveral(opts Options, base *Base, variants []Variant) (*Several, error) {
	s := &Several{need: need{nestArrays: true}}
	for _, v := range variants {
		o := opts
		o.Form, o.Keep, o.Hops, o.Base, o.Detached = v.Form, v.Keep, v.Hops, "", false
		if base != nil && (v.Form != SelfContained || v.Keep == KeepOwn) {
			o.Base = base.Path
		}
		e, err := newEncoder(o, base)
		if err != nil {
			return nil, err
		}
		s.encoders = append(s.encoders, e)
		s.need.picks |= e.picks()
		s.need.overBase = s.need.overBase || e.base != nil
		s.need.declFiles = s.need.declFiles || e.opts.byDeclaration()
		s.flat = s.flat || !e.nestArrays
		if s.lead == nil || s.lead.base == nil && e.base != nil {
			s.lead = e
		}
	}
	if s.lead == nil {
		return nil, errors.New("encode: no variants")
	}
	s.lead.crew = newCrew(1, 1) // it converts for all of them
	if !slices.ContainsFunc(s.encoders, func(e *Encoder) bool { return e.nestArrays }) {
		s.need.nestArrays, s.flat = false, false
	}
	return s, nil
}

// Made is what a module gets in one of its variants.
type Made struct {
	BTF, Base []byte // BTF nil: the module has no types of its own and gets no BTF
	// Sections replace those of the module, and Overwrite their content: see
	// emit.EditELF.
	Sections  []emit.ELFSection
	Overwrite []emit.ELFContent
}

// Encode encodes a module in all variants and calls each with the number of the variant
// and what came of it, in the order of the variants. debugFile is as Options.DebugFile.
// dwarf2btf.ErrNoDWARF if there is nothing to encode.
func (s *Several) Encode(f *object.File, debugFile string, each func(variant int, m *Made) error) error {
	src, err := s.lead.sourceWith(f, debugFile)
	if err != nil {
		return err
	}
	ids, err := s.lead.readIDs(f, src, false)
	if err != nil {
		return err
	}
	nested, err := s.lead.convert(f, src, ids, s.need)
	if err != nil {
		return err
	}
	defer func() { s.lead.crew.done(nested.scratch) }()
	flat := nested
	if s.flat {
		flat = nested.flatArrays()
	}
	for i, e := range s.encoders {
		c := nested
		if !e.nestArrays {
			c = flat
		}
		m, err := e.make(f, src, ids, c)
		if err != nil {
			return err
		}
		if err := each(i, m); err != nil {
			return err
		}
	}
	return nil
}

// make is the part of encode behind the conversion.
func (e *Encoder) make(f *object.File, src *dwarf2btf.Source, ids *btfids.Section, c *converted) (*Made, error) {
	t, err := e.table(c, src, ids)
	if err != nil {
		return nil, err
	}
	out := &emit.Output{NewID: func(id btf.ID) btf.ID { return id }}
	var idData []byte
	if len(t.Types) > 0 {
		if out, err = e.write(t, f.Name, newNamed(ids), src.Order, false); err != nil {
			return nil, err
		}
		if idData, err = e.resolveIDs(ids, out, f.Name); err != nil {
			return nil, err
		}
	}
	m := &Made{BTF: out.BTF, Base: out.Base, Sections: e.sections(f, out)}
	if idData != nil {
		m.Overwrite = []emit.ELFContent{{Name: ".BTF_ids", Data: idData}}
	}
	return m, nil
}

// sections are those that a module gets.
func (e *Encoder) sections(f *object.File, out *emit.Output) []emit.ELFSection {
	return []emit.ELFSection{
		{Name: ".BTF", Data: out.BTF, Align: 4},
		{Name: ".BTF.base", Data: out.Base, Align: 4},
		{Name: fingerprint.Section, Data: e.note(f, out.BTF), Align: 4},
	}
}

// flatArrays returns the same with ARRAYs of ARRAYs made one each.
func (c *converted) flatArrays() *converted {
	d, m := c.dedup.FlatArrays()
	if d == c.dedup {
		return c
	}
	flat := *c
	flat.dedup = d
	flat.functions.list, flat.variables = slices.Clone(c.functions.list), slices.Clone(c.variables)
	flat.roots, flat.own = slices.Clone(c.roots), slices.Clone(c.own)
	for i := range flat.functions.list {
		flat.functions.list[i].ref = m.Ref(flat.functions.list[i].ref)
	}
	for i := range flat.variables {
		flat.variables[i].ref = m.Ref(flat.variables[i].ref)
	}
	for i := range flat.roots {
		flat.roots[i].ref = m.Ref(flat.roots[i].ref)
	}
	for i := range flat.own {
		flat.own[i].ref = m.Ref(flat.own[i].ref)
	}
	return &flat
}
