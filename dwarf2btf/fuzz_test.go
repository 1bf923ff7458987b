package dwarf2btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"reflect"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/dwarftest"
)

// convertHostile converts a source and checks what must hold of any input: an
// error or units, every reference in range, nothing that the kernel refuses, and
// BTF that can be written.
func convertHostile(t *testing.T, src *Source) {
	opts := DefaultOptions()
	opts.DeclFiles, opts.Explain, opts.AllFunctions, opts.Variables = true, true, true, AllVariables
	opts.Note = func(n Note) { _ = n.String() }
	c, err := New(src, opts)
	if err != nil {
		if c != nil {
			t.Fatal("New returned a converter and an error")
		}
		return
	}
	w := c.NewWorker()
	var candidates []Candidate
	for i := range c.Len() {
		u, err := w.Convert(i)
		if err != nil {
			if u != nil {
				t.Fatal("Convert returned a unit and an error")
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error does not tell where: %v", err)
			}
			continue
		}
		if u == nil {
			continue
		}
		if err := checkUnit(u); err != nil {
			t.Fatal(err)
		}
		if _, err := btf.Encode(u.Table, src.Order, nil, false); err != nil {
			t.Fatal(err)
		}
		candidates = u.AppendCandidates(candidates, i)
	}
	SelectFunctions(c.Symbols(), candidates, SelectOptions{Consistent: true})
}

// FuzzConvert feeds arbitrary sections.
func FuzzConvert(f *testing.F) {
	for v := 2; v <= 5; v++ {
		for _, is64 := range []bool{false, true} {
			u := everything(v)
			u.Is64 = is64
			s := (&dwarftest.Builder{Order: binary.LittleEndian, Units: []*dwarftest.Unit{u}}).Build()
			f.Add(s.Info, s.Abbrev, s.Str, s.StrOffsets, s.Addr, false)
			s = (&dwarftest.Builder{Order: binary.BigEndian, Units: []*dwarftest.Unit{u, cUnit(v, intDIE())}}).Build()
			f.Add(s.Info, s.Abbrev, s.Str, s.StrOffsets, s.Addr, true)
		}
	}
	f.Fuzz(func(t *testing.T, info, abbrev, str, strOffsets, addr []byte, big bool) {
		var order btf.Order = binary.LittleEndian
		if big {
			order = binary.BigEndian
		}
		src := builtSource(&dwarftest.Sections{Info: info, Abbrev: abbrev, Str: str, StrOffsets: strOffsets, Addr: addr}, order)
		src.Loclists, src.Loc, src.Line = src.Str, src.Str, src.Str
		src.Ranges, src.Rnglists = src.Str, src.Str
		convertHostile(t, src)
	})
}

// fuzzedObjects are real objects to mutate: gcc, clang, type units, dwz.
var fuzzedObjects = []string{
	"../testdata/obj/x86_64-gcc-dwarf5/scopes.ko", "../testdata/obj/x86_64-clang-dwarf5/tags.ko",
	"../testdata/obj/x86_64-gcc-dwarf5-typeunits/types.ko", "../testdata/obj/x86_64-gcc-dwarf4-dwz/scopes.elf",
	"../testdata/obj/x86_64-gcc-mixed-language/mixed.ko", "../testdata/obj/x86_64-gcc-dwarf2/shapes.ko",
	"../testdata/obj/s390x-gcc-dwarf4/scopes.ko", "../testdata/obj/x86_64-clang-lto-thin/scopes.ko",
}

// FuzzObject changes a few bytes of the debug sections of real objects.
func FuzzObject(f *testing.F) {
	var sources []*Source
	for i, path := range fuzzedObjects {
		if _, err := os.Stat(path); err != nil {
			f.Fatal(err)
		}
		sources = append(sources, elfSource(f, path))
		f.Add(i, []byte{})
		f.Add(i, []byte{0, 0, 10, 0x40, 1, 0, 20, 0xff, 0, 1, 0, 0x3c})
	}
	f.Fuzz(func(t *testing.T, which int, edits []byte) {
		if len(edits) > 64 {
			return
		}
		src := *sources[uint(which)%uint(len(sources))]
		patch := func(sections []Section) []Section {
			out := make([]Section, len(sections))
			for i, s := range sections {
				m := *s.(*memSection)
				m.data = append([]byte(nil), m.data...)
				m.raw = m.data
				out[i] = &m
			}
			return out
		}
		src.Info, src.Abbrev, src.Types = patch(src.Info), patch(src.Abbrev), patch(src.Types)
		one := func(s Section) Section {
			if s == nil {
				return nil
			}
			return patch([]Section{s})[0]
		}
		src.Loclists, src.Line, src.StrOffsets = one(src.Loclists), one(src.Line), one(src.StrOffsets)
		all := append(append(append([]Section{src.Loclists, src.Line, src.StrOffsets}, src.Info...), src.Abbrev...), src.Types...)
		for ; len(edits) >= 4; edits = edits[4:] {
			// Which section, where, what.
			s, _ := all[int(edits[0])%len(all)].(*memSection)
			if s == nil || len(s.data) == 0 {
				continue
			}
			s.data[int(binary.BigEndian.Uint16(edits[1:]))%len(s.data)] ^= edits[3]
		}
		convertHostile(t, &src)
	})
}

// everything is a unit with every kind of DIE.
func everything(v int) *dwarftest.Unit {
	i := intDIE()
	char := baseDIE("char", 1, ateSignedChar)
	float := baseDIE("double", 8, ateFloat)
	fwd := die(tagStructureType, attrs{name("later"), data1(atDeclaration, 1)})
	ptr := die(tagPointerType, attrs{typ(fwd)}, die(tagLLVMAnnotation, attrs{name(typeTagName), {At: atConstValue, Form: formString, Value: "user"}}))
	arr := die(tagArrayType, attrs{typ(char)}, die(tagSubrangeType, attrs{data1(atUpperBound, 7)}), die(tagSubrangeType, attrs{{At: atCount, Form: formUdata, Value: 3}}))
	td := die(tagTypedef, attrs{name("td"), typ(arr)})
	cst := die(tagConstType, attrs{typ(td)})
	enum := die(tagEnumerationType, attrs{name("e"), size(4), typ(i)},
		die(tagEnumerator, attrs{name("A"), {At: atConstValue, Form: formSdata, Value: -1}}),
		die(tagEnumerator, attrs{name("B"), {At: atConstValue, Form: formUdata, Value: 5}}))
	enum64 := die(tagEnumerationType, attrs{name("e64"), size(8), typ(i)}, die(tagEnumerator, attrs{name("C"), {At: atConstValue, Form: formData8, Value: uint64(1) << 40}}))
	proto := die(tagSubroutineType, attrs{typ(i)}, die(tagFormalParameter, attrs{typ(ptr)}), die(tagUnspecifiedParameters, nil))
	union := die(tagUnionType, attrs{name("u"), size(8)}, die(tagMember, attrs{name("x"), typ(i)}), die(tagMember, attrs{typ(float)}))
	st := die(tagStructureType, attrs{name("s"), size(64)},
		die(tagMember, attrs{name("a"), typ(i), at(0)}),
		die(tagMember, attrs{name("b"), typ(i), data1(atBitSize, 3), data1(atDataBitOffset, 33)}),
		die(tagMember, attrs{name("c"), typ(i), at(8), size(4), data1(atBitSize, 5), data1(atBitOffset, 2)}),
		die(tagMember, attrs{name("d"), typ(enum), at(12), data1(atBitSize, 5), data1(atBitOffset, 2)}),
		die(tagUnionType, attrs{size(4)}, die(tagMember, attrs{name("in"), typ(i)})),
		die(tagMember, attrs{name("e"), typ(cst), block1(atDataMemberLocation, 0x23, 16)},
			die(tagLLVMAnnotation, attrs{name(declTagName), {At: atConstValue, Form: formString, Value: "tag"}})),
		die(tagMember, attrs{name("f"), typ(union), block1(atDataMemberLocation, 0x08, 40, 0x22)}))
	inline := die(tagSubprogram, attrs{name("f"), typ(i), data1(0x20, 1)}, die(tagFormalParameter, attrs{name("p"), typ(ptr)}))
	out := die(tagSubprogram, attrs{{At: atAbstractOrigin, Form: formRef4, Value: inline}, {At: atLowPC, Form: formAddr, Value: 0x1000}},
		die(tagFormalParameter, attrs{{At: atAbstractOrigin, Form: formRef4, Value: inline.Children[0]}, block1(atLocation, 0x55)}),
		die(0x0b, nil, die(tagStructureType, attrs{name("local"), size(1)}, die(tagMember, attrs{name("m"), typ(char)}))))
	decl := die(tagVariable, attrs{name("v"), typ(st), flag(atExternal), flag(atDeclaration)})
	def := die(tagVariable, attrs{{At: atSpecification, Form: formRef4, Value: decl}, block1(atLocation, 3, 0, 16, 0, 0, 0, 0, 0, 0)})
	rest := []*dwarftest.DIE{
		die(tagVolatileType, nil), die(tagRestrictType, attrs{typ(ptr)}), die(tagAtomicType, attrs{typ(i)}),
		die(tagReferenceType, attrs{typ(st)}), die(tagPtrToMemberType, attrs{typ(i)}), die(tagUnspecifiedType, attrs{name("nullptr_t")}),
		die(tagStringType, attrs{size(9)}), die(tagSubrangeType, attrs{typ(i)}), baseDIE("complex double", 16, ateComplexFloat),
		baseDIE("odd", 3, ateSigned), die(tagInterfaceType, attrs{name("iface"), size(8)}, die(tagInheritance, attrs{typ(st), at(0)})),
	}
	return cUnit(v, append([]*dwarftest.DIE{i, char, float, fwd, ptr, arr, td, cst, enum, enum64, proto, union, st, inline, out, decl, def}, rest...)...)
}

// FuzzAbbrev compiles anything as an abbreviation table, also when it has been met before,
// alone and behind what else the section holds.
func FuzzAbbrev(f *testing.F) {
	for _, path := range fuzzedObjects {
		for _, s := range elfSource(f, path).Abbrev {
			b, err := s.Bytes()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b, uint16(0), uint8(5), false, true)
			f.Add(b[:len(b)/2], uint16(7), uint8(4), true, false)
		}
	}
	f.Fuzz(func(t *testing.T, section []byte, off uint16, version uint8, is64, declFiles bool) {
		kind := declKind{2 + version%4, 8, is64}
		table := abbrevTable{known: newDeclarations(kind, declFiles, len(section))}
		n, err := table.compile(section, uint64(off))
		if n < 0 || n > len(section) {
			t.Fatalf("%d bytes of %d", n, len(section))
		}
		more := newDeclarations(kind, declFiles, len(section))
		for at := range uint64(min(len(section), 64)) {
			(&abbrevTable{known: more}).compile(section, at)
		}
		for _, known := range []*declarations{more, table.known} {
			again := abbrevTable{known: known}
			k, err2 := again.compile(section, uint64(off))
			if k != n || fmt.Sprint(err2) != fmt.Sprint(err) || err == nil && again.crossing != table.crossing {
				t.Fatalf("%d bytes, %v; the second time %d, %v", n, err, k, err2)
			}
			for code := range uint64(300) {
				a, b := table.lookup(code), again.lookup(code)
				if (a == nil) != (b == nil) || a != nil && (a.tag == 0 || !reflect.DeepEqual(*a, *b)) {
					t.Errorf("abbreviation %d: %+v, the second time %+v", code, a, b)
				}
			}
		}
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatal(err)
		}
	})
}

// FuzzLists reads anything as location lists, range lists and expressions.
func FuzzLists(f *testing.F) {
	f.Add([]byte{4, 0, 1, 1, 0x55, 0}, []byte{}, uint16(0), false, false)
	f.Add([]byte{6, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 2, 0xa3, 1, 0x50, 0, 0}, []byte{9, 9, 9, 9, 9, 9, 9, 9, 1}, uint16(0), true, false)
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0x50}, []byte{0}, uint16(0), false, true)
	for _, path := range fuzzedObjects[:2] {
		src := elfSource(f, path)
		for _, s := range []Section{src.Loclists, src.Rnglists} {
			if s != nil {
				b, _ := s.Bytes()
				f.Add(b, b[:min(8, len(b))], uint16(12), false, false)
			}
		}
	}
	built := map[[2]bool]*dwarftest.Sections{}
	for _, k := range [][2]bool{{false, false}, {false, true}, {true, false}, {true, true}} {
		u := cUnit(map[bool]int{false: 5, true: 4}[k[1]], intDIE())
		u.Is64 = k[0]
		built[k] = (&dwarftest.Builder{Order: binary.LittleEndian, Units: []*dwarftest.Unit{u}}).Build()
	}
	f.Fuzz(func(t *testing.T, data, addr []byte, off uint16, is64, old bool) {
		src := builtSource(built[[2]bool{is64, old}], binary.LittleEndian)
		s := &memSection{name: ".debug_lists", raw: data, data: data}
		src.Loclists, src.Loc, src.Ranges, src.Rnglists = s, s, s, s
		src.Addr = &memSection{name: ".debug_addr", raw: addr, data: addr}
		opts := DefaultOptions()
		opts.Note = func(Note) {}
		c, err := New(src, opts)
		if err != nil {
			t.Fatal(err)
		}
		w := &Worker{c: c, tables: map[int32]*unitTable{}} // without names
		if _, err := w.load(0); err != nil {
			t.Fatal(err)
		}
		for _, form := range []uint16{formSecOffset, formLoclistx, formData4} {
			if p, err := w.parameterPlace(form, uint64(off)); err != nil && p.known {
				t.Errorf("form %#x: %+v and %v", form, p, err)
			}
		}
		for _, limit := range []int{1, 100} {
			for _, form := range []uint16{formSecOffset, formRnglistx} {
				list, err := w.ranges(form, uint64(off), nil, limit)
				if len(list) > limit || err != nil && len(list) > 0 {
					t.Errorf("%d ranges of at most %d, %v", len(list), limit, err)
				}
			}
		}
		registerOf(data)
		_ = w.printExpression(data)
		if v, err := w.memberExpression(data); err != nil && v != 0 {
			t.Errorf("offset %d and %v", v, err)
		}
	})
}
