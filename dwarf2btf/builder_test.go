package dwarf2btf

import (
	"debug/elf"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/dwarftest"
)

type (
	attrs = []dwarftest.Attr
	attr  = dwarftest.Attr
)

var die = dwarftest.New

// langC11 is DW_LANG_C11.
const langC11 = 0x1d

// builtSource makes a Source of built sections. Symbols and sections are added
// by the tests that need them.
func builtSource(s *dwarftest.Sections, order btf.Order) *Source {
	src := &Source{Name: "built", Machine: elf.EM_X86_64, Order: order, AddrSize: 8}
	section := func(name string, b []byte) Section {
		if b == nil {
			return nil
		}
		return &memSection{name: name, raw: b, data: b}
	}
	if s.Info != nil {
		src.Info = []Section{section(".debug_info", s.Info)}
	}
	if s.Types != nil {
		src.Types = []Section{section(".debug_types", s.Types)}
	}
	src.Abbrev = []Section{section(".debug_abbrev", s.Abbrev)}
	src.Str = section(".debug_str", s.Str)
	src.LineStr = section(".debug_line_str", s.LineStr)
	src.StrOffsets = section(".debug_str_offsets", s.StrOffsets)
	src.Addr = section(".debug_addr", s.Addr)
	return src
}

// cUnit returns a unit of C in DWARF version v with the given DIEs.
func cUnit(v int, dies ...*dwarftest.DIE) *dwarftest.Unit {
	root := die(tagCompileUnit, attrs{{At: atLanguage, Form: formData1, Value: langC11}, {At: atName, Form: formString, Value: "unit.c"}}, dies...)
	return &dwarftest.Unit{Version: v, Root: root}
}

func name(s string) attr               { return attr{At: atName, Form: formStrp, Value: s} }
func typ(d *dwarftest.DIE) attr        { return attr{At: atType, Form: formRef4, Value: d} }
func size(n int) attr                  { return attr{At: atByteSize, Form: formData1, Value: n} }
func data1(at uint16, n int) attr      { return attr{At: at, Form: formData1, Value: n} }
func flag(at uint16) attr              { return attr{At: at, Form: formFlagPresent, Value: true} }
func at(n int) attr                    { return attr{At: atDataMemberLocation, Form: formUdata, Value: n} }
func intDIE() *dwarftest.DIE           { return baseDIE("int", 4, ateSigned) }
func expr(at uint16, b ...byte) attr   { return attr{At: at, Form: formExprloc, Value: b} }
func block1(at uint16, b ...byte) attr { return attr{At: at, Form: formBlock1, Value: b} }

func baseDIE(n string, bytes, encoding int) *dwarftest.DIE {
	return die(tagBaseType, attrs{name(n), size(bytes), data1(atEncoding, encoding)})
}

// convertDIEs converts one unit and returns what it renders to, and the notes.
func convertDIEs(t *testing.T, order btf.Order, opts Options, units ...*dwarftest.Unit) (map[string]bool, []Note) {
	t.Helper()
	b := dwarftest.Builder{Order: order, Units: units}
	var notes []Note
	opts.Note = func(n Note) { notes = append(notes, n) }
	set := map[string]bool{}
	convertAll(t, builtSource(b.Build(), order), opts, func(u *Unit) {
		if err := checkUnit(u); err != nil {
			t.Error(err)
		}
		if _, err := btf.Encode(u.Table, order, nil, false); err != nil {
			t.Error(err)
		}
		renderUnit(u, set)
	})
	return set, notes
}

// wantTypes compares what came out with a list.
func wantTypes(t *testing.T, got map[string]bool, want ...string) {
	t.Helper()
	set := map[string]bool{}
	for _, s := range want {
		set[s] = true
	}
	for _, s := range missing(set, got) {
		t.Errorf("lacks   %s", s)
	}
	for _, s := range missing(got, set) {
		t.Errorf("besides %s", s)
	}
}
