package dwarf2btf

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/dwarftest"
)

func farType(d *dwarftest.DIE) attr { return attr{At: atType, Form: formRefAddr, Value: d} }
func sigType(d *dwarftest.DIE) attr { return attr{At: atType, Form: formRefSig8, Value: d} }

// TestGroups checks which units belong together, and that references between
// them arrive.
func TestGroups(t *testing.T) {
	order := btf.Order(binary.LittleEndian)
	i, alone := intDIE(), baseDIE("long", 8, ateSigned)
	a := cUnit(4, die(tagPointerType, attrs{farType(i)}))
	b := cUnit(4, alone)
	c := cUnit(4, i)
	partial := cUnit(4, baseDIE("short", 2, ateSigned))
	partial.Root.Tag = tagPartialUnit
	importer := cUnit(4, die(tagImportedUnit, attrs{{At: atImport, Form: formRefAddr, Value: partial.Root}}))
	build := dwarftest.Builder{Order: order, Units: []*dwarftest.Unit{a, b, c, partial, importer}}
	conv, err := New(builtSource(build.Build(), order), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]bool{
		{"ptr " + intText: true, intText: true},
		{"long/8/0x1000040": true},
		{"short/2/0x1000010": true},
	}
	if conv.Len() != len(want) {
		t.Fatalf("%d pieces, want %d", conv.Len(), len(want))
	}
	w := conv.NewWorker()
	// Backwards: no piece may depend on what the worker did before.
	for n := len(want) - 1; n >= 0; n-- {
		u, err := w.Convert(n)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		renderUnit(u, got)
		if len(missing(got, want[n]))+len(missing(want[n], got)) != 0 {
			t.Errorf("piece %d: %v, want %v", n, got, want[n])
		}
	}
}

// TestTypeUnits checks references by signature in both versions, from several
// units and between type units.
func TestTypeUnits(t *testing.T) {
	for _, v := range []int{4, 5} {
		order := btf.Order(binary.BigEndian)
		typeUnit := func(sig uint64, d *dwarftest.DIE, more ...*dwarftest.DIE) *dwarftest.Unit {
			u := cUnit(v, append([]*dwarftest.DIE{d}, more...)...)
			u.Root.Tag, u.Kind, u.Types, u.Type, u.Signature = tagTypeUnit, utType, v == 4, d, sig
			return u
		}
		i := intDIE()
		inner := die(tagStructureType, attrs{name("inner"), size(4)}, die(tagMember, attrs{name("i"), typ(i), at(0)}))
		outer := die(tagStructureType, attrs{name("outer"), size(4)}, die(tagMember, attrs{name("in"), sigType(inner), at(0)}))
		stub := die(tagStructureType, attrs{flag(atDeclaration), {At: atSignature, Form: formRefSig8, Value: outer}})
		u1 := cUnit(v, die(tagPointerType, attrs{sigType(outer)}))
		u2 := cUnit(v, stub, die(tagConstType, attrs{typ(stub)}))
		units := []*dwarftest.Unit{u1, u2, typeUnit(0x1111, outer), typeUnit(0x2222, inner, i)}
		got, notes := convertDIEs(t, order, DefaultOptions(), units...)
		wantTypes(t, got, intText, "struct inner size 4 signed false { 0:0 i int/4/0x1000020; }",
			"struct outer size 4 signed false { 0:0 in struct inner; }", "ptr struct outer", "const struct outer")
		if len(notes) != 0 {
			t.Errorf("notes: %v", notes)
		}
	}
}

// TestLanguages checks which units give nothing.
func TestLanguages(t *testing.T) {
	unit := func(lang int, n string) *dwarftest.Unit {
		u := cUnit(5, baseDIE(n, 4, ateSigned))
		u.Root.Attrs[0] = attr{At: atLanguage, Form: formData2, Value: lang}
		return u
	}
	units := []*dwarftest.Unit{unit(langC11, "c"), unit(LangCPlusPlus14, "cpp"), unit(LangRust, "rust"), unit(LangMipsAssembler, "asm"), unit(0x8e57, "odd")}
	tests := []struct {
		name    string
		exclude []uint16
		want    []string
		notes   string
	}{
		{"default", nil, []string{"c", "odd"}, "C++ Rust"},
		{"none", []uint16{}, []string{"c", "cpp", "rust", "asm", "odd"}, ""},
		{"C", []uint16{langC11}, []string{"cpp", "rust", "asm", "odd"}, "0x1d"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts := DefaultOptions()
			opts.ExcludeLanguages = tt.exclude
			got, notes := convertDIEs(t, binary.LittleEndian, opts, units...)
			var left []string
			for _, n := range notes {
				if _, lang, ok := strings.Cut(n.Msg, "left out, since it is in "); ok {
					left = append(left, strings.TrimPrefix(lang, "the language "))
				}
			}
			if got := strings.Join(left, " "); got != tt.notes {
				t.Errorf("notes about units in %q, want %q", got, tt.notes)
			}
			var want []string
			for _, n := range tt.want {
				want = append(want, n+"/4/0x1000020")
			}
			wantTypes(t, got, want...)
		})
	}
}

// TestErrors corrupts or misuses one thing each and wants one clear error.
func TestErrors(t *testing.T) {
	order := btf.Order(binary.LittleEndian)
	i := intDIE()
	loop1, loop2 := die(tagTypedef, nil), die(tagConstType, nil)
	loop1.Attrs, loop2.Attrs = attrs{name("loop"), typ(loop2)}, attrs{typ(loop1)}
	aliases := die(tagAtomicType, nil)
	aliases.Attrs = attrs{typ(aliases)}
	deep := die(0x0b, nil)
	for range maxDepth + 10 {
		deep = die(0x0b, nil, deep)
	}
	deep.Add(i)
	skeleton := cUnit(5)
	skeleton.Root.Attrs = attrs{{At: atDwoName, Form: formString, Value: "x.dwo"}}
	skeleton.Root.Tag, skeleton.Kind = tagSkeletonUnit, utSkeleton
	gnuSplit := cUnit(4)
	gnuSplit.Root.Attrs = attrs{{At: atGNUDwoName, Form: formString, Value: "y.dwo"}}
	build := func(units ...*dwarftest.Unit) func() *Source {
		return func() *Source {
			return builtSource((&dwarftest.Builder{Order: order, Units: units}).Build(), order)
		}
	}
	// edit builds a unit with one type and changes a byte of a section.
	edit := func(change func(s *dwarftest.Sections)) func() *Source {
		return func() *Source {
			s := (&dwarftest.Builder{Order: order, Units: []*dwarftest.Unit{cUnit(5, intDIE())}}).Build()
			change(s)
			return builtSource(s, order)
		}
	}
	tests := []struct {
		name string
		src  func() *Source
		is   error
		want string // a part of the message
	}{
		{"no sections", func() *Source { return &Source{Order: order} }, ErrNoDWARF, ".debug_info"},
		{"no abbreviations", func() *Source { s := build(cUnit(5, i))(); s.Abbrev = nil; return s }, ErrMalformed, ".debug_abbrev"},
		{"length 0", edit(func(s *dwarftest.Sections) { s.Info[0] = 0 }), ErrMalformed, ".debug_info+0x0: unit header: length 0"},
		{"length too large", edit(func(s *dwarftest.Sections) { s.Info[1] = 1 }), ErrMalformed, "bytes are left"},
		{"reserved length", edit(func(s *dwarftest.Sections) { order.PutUint32(s.Info, 0xfffffff1) }), ErrMalformed, "reserved"},
		{"only a length", edit(func(s *dwarftest.Sections) { s.Info = s.Info[:3] }), ErrMalformed, "too few"},
		{"inside the header", edit(func(s *dwarftest.Sections) { s.Info = s.Info[:9]; s.Info[0] = 5 }), ErrMalformed, "ends inside its header"},
		{"version 0", edit(func(s *dwarftest.Sections) { s.Info[4] = 0 }), ErrUnsupported, "version 0"},
		{"version 6", edit(func(s *dwarftest.Sections) { s.Info[4] = 6 }), ErrUnsupported, "version 6"},
		{"unit type", edit(func(s *dwarftest.Sections) { s.Info[6] = 0x77 }), ErrUnsupported, "unit type 0x77"},
		{"address size", edit(func(s *dwarftest.Sections) { s.Info[7] = 3 }), ErrMalformed, "addresses of 3 bytes"},
		{"abbreviations outside", edit(func(s *dwarftest.Sections) { s.Info[10] = 1 }), ErrMalformed, ".debug_abbrev+0x10000"},
		{"unknown abbreviation", edit(func(s *dwarftest.Sections) { s.Info[12] = 0x55 }), ErrMalformed, "abbreviation 85"},
		{"unknown form", edit(func(s *dwarftest.Sections) { s.Abbrev[4] = 0x55 }), ErrMalformed, "unknown form 0x55"},
		{"abbreviation twice", edit(func(s *dwarftest.Sections) { s.Abbrev[9] = 1 }), ErrMalformed, "is there twice"},
		{"string outside", edit(func(s *dwarftest.Sections) { s.Str = s.Str[:1] }), ErrMalformed, ".debug_str+0x1"},
		{"string without end", edit(func(s *dwarftest.Sections) { s.Str = s.Str[:len(s.Str)-1] }), ErrMalformed, "without end"},
		{"reference out of the unit", build(cUnit(5, die(tagPointerType, attrs{{At: atType, Form: formRef4, Value: 0x4711}}))), ErrMalformed, "DW_TAG_pointer_type: reference to offset 0x4711"},
		{"reference to nowhere", build(cUnit(5, die(tagPointerType, attrs{{At: atType, Form: formRefAddr, Value: 0x4711}}))), ErrMalformed, "no unit"},
		{"signature unknown", build(cUnit(5, die(tagPointerType, attrs{{At: atType, Form: formRefSig8, Value: 0x4711}}))), ErrMalformed, "type unit 0x0000000000004711"},
		{"form for a reference", build(cUnit(5, die(tagPointerType, attrs{{At: atType, Form: formString, Value: "x"}}))), ErrMalformed, "form 0x8 for a reference"},
		{"form for a name", build(cUnit(5, die(tagTypedef, attrs{{At: atName, Form: formData4, Value: 1}}))), ErrMalformed, "form 0x6 for a string"},
		{"modifier cycle", build(cUnit(5, loop1, loop2)), ErrMalformed, "leads to itself"},
		{"alias cycle", build(cUnit(5, aliases, die(tagPointerType, attrs{typ(aliases)}))), ErrMalformed, "without substance"},
		{"nesting", build(cUnit(5, deep)), ErrMalformed, "levels of nesting"},
		{"root", func() *Source { u := cUnit(5, i); u.Root.Tag = tagStructureType; return build(u)() }, ErrMalformed, "not the root of a unit"},
		{"skeleton unit", build(skeleton), ErrSplitDWARF, "'x.dwo'"},
		{"GNU skeleton unit", build(gnuSplit), ErrSplitDWARF, "'y.dwo': build without -gsplit-dwarf"},
		{".dwo file", func() *Source {
			return &Source{Order: order, Sections: []ELFSection{{Name: ".debug_info.dwo"}}}
		}, ErrSplitDWARF, "a .dwo file"},
		{"string of dwz -m", build(cUnit(4, die(tagTypedef, attrs{{At: atName, Form: formGNUStrpAlt, Value: 1}}))), ErrAltFile, ".gnu_debugaltlink"},
		{"string of a supplementary file", build(cUnit(5, die(tagTypedef, attrs{{At: atName, Form: formStrpSup, Value: 1}}))), ErrAltFile, ".debug_sup"},
		{"type of dwz -m", build(cUnit(4, die(tagPointerType, attrs{{At: atType, Form: formGNURefAlt, Value: 1}}))), ErrAltFile, "refers to"},
		{"type of a supplementary file", build(cUnit(5, die(tagPointerType, attrs{{At: atType, Form: formRefSup4, Value: 1}}))), ErrAltFile, "before dwz"},
		{"no .debug_str_offsets", func() *Source {
			s := build(cUnit(5, die(tagTypedef, attrs{{At: atName, Form: formStrx, Value: "x"}})))()
			s.StrOffsets = nil
			return s
		}, ErrMalformed, ".debug_str_offsets"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := New(tt.src(), DefaultOptions())
			if err == nil {
				w := c.NewWorker()
				for i := 0; i < c.Len() && err == nil; i++ {
					var u *Unit
					if u, err = w.Convert(i); err != nil && u != nil {
						t.Error("a unit and an error")
					}
				}
			}
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %v with %q", err, tt.is, tt.want)
			}
		})
	}
}

// TestTruncated cuts a unit at every byte: there is an error, or the rest was
// not needed.
func TestTruncated(t *testing.T) {
	order := btf.Order(binary.LittleEndian)
	for v := 2; v <= 5; v++ {
		full := (&dwarftest.Builder{Order: order, Units: []*dwarftest.Unit{everything(v)}}).Build()
		for n := 4; n < len(full.Info); n++ {
			cut := *full
			cut.Info = append([]byte(nil), full.Info[:n]...)
			order.PutUint32(cut.Info, uint32(n-4))
			convertHostile(t, builtSource(&cut, order))
		}
		for n := range full.Abbrev {
			cut := *full
			cut.Abbrev = full.Abbrev[:n]
			convertHostile(t, builtSource(&cut, order))
		}
	}
}

// TestUnterminated accepts a root whose children have no null entry at the end.
func TestUnterminated(t *testing.T) {
	order := btf.Order(binary.LittleEndian)
	s := (&dwarftest.Builder{Order: order, Units: []*dwarftest.Unit{cUnit(5, intDIE())}}).Build()
	s.Info = s.Info[:len(s.Info)-1]
	s.Info[0]--
	n := 0
	convertAll(t, builtSource(s, order), DefaultOptions(), func(u *Unit) { n += u.Roots })
	if n != 1 {
		t.Errorf("%d types, want 1", n)
	}
}
