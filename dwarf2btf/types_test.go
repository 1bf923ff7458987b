package dwarf2btf

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/dwarftest"
)

// TestTypes gives single DIEs and what must become of them. Base types that a
// case uses are part of what it wants.
func TestTypes(t *testing.T) {
	i := intDIE()
	const uchar = "unsigned char/1/0x8"
	self := die(tagStructureType, attrs{name("self"), size(8)})
	ptr := die(tagPointerType, attrs{typ(self)})
	self.Add(die(tagMember, attrs{name("next"), typ(ptr), at(0)}))
	member := func(n string, off int, more ...attr) *dwarftest.DIE {
		return die(tagMember, append(attrs{name(n), typ(i), at(off)}, more...))
	}
	many := die(tagEnumerationType, attrs{name("many"), size(4)})
	for k := range btf.MaxVlen + 3 {
		many.Add(die(tagEnumerator, attrs{{At: atName, Form: formString, Value: fmt.Sprintf("E%d", k)}, data1(atConstValue, k&0x7f)}))
	}
	enumerator := func(n string, form uint16, v any) *dwarftest.DIE {
		return die(tagEnumerator, attrs{name(n), {At: atConstValue, Form: form, Value: v}})
	}
	subrange := func(list ...attr) *dwarftest.DIE { return die(tagSubrangeType, list) }
	alias := die(tagAtomicType, attrs{typ(i)})
	nothing := die(tagUnspecifiedType, attrs{name("decltype(nullptr)")})
	badTypedef := die(tagTypedef, attrs{name("a<b>"), typ(i)})
	spec := die(tagStructureType, attrs{name("declared"), flag(atDeclaration)})

	tests := []struct {
		name  string
		dies  []*dwarftest.DIE
		want  []string
		notes []string // a part of each note
	}{
		{"integers", []*dwarftest.DIE{
			baseDIE("char", 1, ateSignedChar), baseDIE("unsigned char", 1, 0x08), baseDIE("_Bool", 1, ateBoolean),
			baseDIE("unsigned int", 4, 0x07), baseDIE("__int128", 16, ateSigned), baseDIE("char16_t", 2, 0x10), baseDIE("_Decimal64", 8, 0x0f),
		}, []string{"char/1/0x1000008", uchar, "_Bool/1/0x4000008", "unsigned int/4/0x20", "__int128/16/0x1000080", "char16_t/2/0x10", "_Decimal64/8/0x40"}, nil},
		{"integers of odd sizes", []*dwarftest.DIE{
			baseDIE("u24", 3, 0x07), baseDIE("s0", 0, ateSigned), baseDIE("u256", 32, 0x07),
		}, []string{"__SANITIZED_FAKE_INT__/4/0x20", "__SANITIZED_FAKE_INT__/4/0x1000020"}, []string{"u24", "s0", "u256"}},
		{"floating point", []*dwarftest.DIE{
			baseDIE("_Float16", 2, ateFloat), baseDIE("long double", 16, ateFloat), baseDIE("x87", 10, ateFloat), baseDIE("complex float", 8, ateComplexFloat),
		}, []string{
			"float _Float16/2", "float long double/16", "[10 by int/4/0x1000020]" + uchar, uchar, intText,
			"float float/4", "struct  size 8 signed false { 0:0 real float float/4; 32:0 imag float float/4; }",
		}, []string{"x87", "complex float"}},
		{"forward declarations", []*dwarftest.DIE{
			die(tagStructureType, attrs{name("s"), flag(atDeclaration)}), die(tagUnionType, attrs{name("u"), flag(atDeclaration)}),
			die(tagEnumerationType, attrs{name("e"), flag(atDeclaration)}), die(tagEnumerationType, attrs{name("e1"), size(1), flag(atDeclaration)}),
			die(tagStructureType, attrs{flag(atDeclaration)}),
		}, []string{
			"enum e size 4 signed false { }", "enum e1 size 1 signed false { }", "struct  size 0 signed false { }",
		}, []string{"declared without a name"}},
		{
			"declaration false",
			[]*dwarftest.DIE{die(tagStructureType, attrs{name("s"), {At: atDeclaration, Form: formFlag, Value: false}, size(1)})},
			[]string{"struct s size 1 signed false { }"},
			nil,
		},
		{
			"name of the declaration",
			[]*dwarftest.DIE{i, spec, die(tagClassType, attrs{{At: atSpecification, Form: formRef4, Value: spec}, size(4)}, member("m", 0))},
			[]string{intText, "struct declared size 4 signed false { 0:0 m int/4/0x1000020; }"},
			nil,
		},
		{"struct that points to itself", []*dwarftest.DIE{self, ptr}, []string{"struct self size 8 signed false { 0:0 next ptr struct self; }", "ptr struct self"}, nil},
		{
			"nested between members",
			[]*dwarftest.DIE{i, die(tagStructureType, attrs{name("outer"), size(16)},
				member("a", 0), die(tagStructureType, attrs{name("inner"), size(8)}, member("x", 0),
					die(tagUnionType, attrs{name("deep"), size(4)}, member("z", 0)), member("y", 4)), member("b", 4),
				die(tagEnumerationType, attrs{name("e"), size(4)}, enumerator("E", formData1, 1)), member("c", 8))},
			[]string{
				intText, "union deep size 4 signed false { 0:0 z int/4/0x1000020; }", "enum e size 4 signed false { E=1 }",
				"struct inner size 8 signed false { 0:0 x int/4/0x1000020; 32:0 y int/4/0x1000020; }",
				"struct outer size 16 signed false { 0:0 a int/4/0x1000020; 32:0 b int/4/0x1000020; 64:0 c int/4/0x1000020; }",
			},
			nil,
		},
		{
			"members out of order",
			[]*dwarftest.DIE{i, die(tagStructureType, attrs{name("s"), size(12)}, member("c", 8), member("a", 0), member("b", 4), member("a2", 0))},
			[]string{intText, "struct s size 12 signed false { 0:0 a int/4/0x1000020; 0:0 a2 int/4/0x1000020; 32:0 b int/4/0x1000020; 64:0 c int/4/0x1000020; }"},
			nil,
		},
		{"members that the kernel refuses", []*dwarftest.DIE{
			i,
			die(tagUnionType, attrs{name("u"), size(8)}, member("a", 0), member("b", 4)),
			die(tagStructureType, attrs{name("s"), size(4)}, member("a", 0), member("end", 4), member("behind", 5)),
			die(tagStructureType, attrs{name("far"), {At: atByteSize, Form: formData4, Value: 3 << 20}},
				die(tagMember, attrs{name("bits"), typ(i), data1(atBitSize, 1), data1(atDataBitOffset, 0)}), member("near", 4), member("beyond", 1<<21)),
		}, []string{
			intText, "union u size 8 signed false { 0:0 a int/4/0x1000020; }",
			"struct s size 4 signed false { 0:0 a int/4/0x1000020; 32:0 end int/4/0x1000020; }",
			"struct far size 3145728 signed false { 0:1 bits int/4/0x1000020; 32:0 near int/4/0x1000020; }",
		}, []string{"'b' at bit 32 does not start", "'behind' at bit 40 lies behind", "'beyond' at bit 16777216 lies beyond 2 MiB"}},
		{"far members beside a far bit-field", []*dwarftest.DIE{
			i,
			die(tagStructureType, attrs{name("far"), {At: atByteSize, Form: formData4, Value: 3 << 20}}, member("near", 4),
				die(tagMember, attrs{name("bits"), typ(i), data1(atBitSize, 1), {At: atDataBitOffset, Form: formData4, Value: 1 << 24}}), member("beyond", 2<<20+4)),
		}, []string{
			intText, "struct far size 3145728 signed false { 32:0 near int/4/0x1000020; 16777248:0 beyond int/4/0x1000020; }",
		}, []string{"'bits' at bit 16777216 lies beyond 2 MiB"}},
		{
			"far members without bit-fields",
			[]*dwarftest.DIE{i, die(tagStructureType, attrs{name("s"), {At: atByteSize, Form: formData4, Value: 3 << 20}}, member("a", 0), member("z", 1<<21))},
			[]string{intText, "struct s size 3145728 signed false { 0:0 a int/4/0x1000020; 16777216:0 z int/4/0x1000020; }"},
			nil,
		},
		{
			"static member",
			[]*dwarftest.DIE{i, die(tagStructureType, attrs{name("s"), size(1)}, die(tagMember, attrs{name("m"), typ(i), flag(atExternal), flag(atDeclaration)}))},
			[]string{intText, "struct s size 1 signed false { }"},
			nil,
		},
		{
			"members of a variant part",
			[]*dwarftest.DIE{i, die(tagStructureType, attrs{name("s"), size(4)}, member("a", 0), die(tagVariantPart, nil, die(tagVariant, nil, member("x", 0))))},
			[]string{intText, "struct s size 4 signed false { 0:0 a int/4/0x1000020; }"},
			nil,
		},
		{
			"size not constant",
			[]*dwarftest.DIE{i, die(tagStructureType, attrs{name("s"), expr(atByteSize, 0x30)}, member("a", 0), member("b", 8))},
			[]string{intText, "struct s size 8 signed false { 0:0 a int/4/0x1000020; 64:0 b int/4/0x1000020; }"},
			[]string{"size not known"},
		},
		{"flexible array", []*dwarftest.DIE{i, die(tagArrayType, attrs{typ(i)}, subrange())}, []string{intText, "[0 by int/4/0x1000020]int/4/0x1000020"}, nil},
		{"array dimensions", []*dwarftest.DIE{
			i, die(tagArrayType, attrs{typ(i)}, subrange(data1(atUpperBound, 1)), subrange(data1(atUpperBound, 2)), subrange(data1(atCount, 4))),
			die(tagArrayType, attrs{typ(i)}),
			die(tagArrayType, attrs{typ(i)}, subrange(attr{At: atUpperBound, Form: formSdata, Value: -1})),
			die(tagArrayType, attrs{typ(i)}, subrange(data1(atLowerBound, 1), data1(atUpperBound, 5))),
			die(tagArrayType, attrs{typ(i)}, subrange(data1(atUpperBound, 255))),
		}, []string{
			intText, "[24 by int/4/0x1000020]int/4/0x1000020", "[1 by int/4/0x1000020]int/4/0x1000020",
			"[0 by int/4/0x1000020]int/4/0x1000020", "[5 by int/4/0x1000020]int/4/0x1000020", "[256 by int/4/0x1000020]int/4/0x1000020",
		}, nil},
		{"array of none, in every width of -1", []*dwarftest.DIE{
			i, die(tagArrayType, attrs{typ(i)}, subrange(attr{At: atUpperBound, Form: formData4, Value: 0xffffffff})),
			die(tagArrayType, attrs{typ(i)}, subrange(attr{At: atUpperBound, Form: formData8, Value: ^uint64(0)})),
			die(tagArrayType, attrs{typ(i)}, subrange(expr(atUpperBound, 0x30))),
		}, []string{intText, "[0 by int/4/0x1000020]int/4/0x1000020"}, nil},
		{
			"array too long",
			[]*dwarftest.DIE{i, die(tagArrayType, attrs{typ(i)}, subrange(attr{At: atCount, Form: formData8, Value: uint64(1) << 33}))},
			[]string{intText, "[0 by int/4/0x1000020]int/4/0x1000020"},
			[]string{"2^32-1"},
		},
		{
			"array without int in the unit",
			[]*dwarftest.DIE{die(tagArrayType, attrs{}, subrange(data1(atUpperBound, 3)))},
			[]string{intText, uchar, "[4 by int/4/0x1000020]" + uchar},
			[]string{"array of nothing"},
		},
		{"enumerators", []*dwarftest.DIE{
			die(tagEnumerationType, attrs{name("e"), size(4)}, enumerator("A", formSdata, -1), enumerator("B", formData1, 255), enumerator("C", formData4, 0x7fffffff)),
			die(tagEnumerationType, attrs{name("u"), size(4)}, enumerator("D", formUdata, 0xffffffff)),
			die(tagEnumerationType, attrs{name("wide"), size(4)}, enumerator("W", formData8, uint64(1)<<32)),
			die(tagEnumerationType, attrs{size(1)}, enumerator("no$", formData1, 1), enumerator("yes", formData1, 2)),
			die(tagEnumerationType, attrs{name("e16"), size(16)}, enumerator("X", formData1, 1)),
		}, []string{
			"enum e size 4 signed true { A=4294967295 B=255 C=2147483647 }", "enum u size 4 signed false { D=4294967295 }",
			"enum wide size 4 signed false { W=0 }", "enum  size 1 signed false { yes=2 }", "[16 by int/4/0x1000020]" + uchar, uchar, intText,
		}, []string{"value 4294967296", "no$", "16 bytes"}},
		{"enum64", []*dwarftest.DIE{
			i, die(tagEnumerationType, attrs{name("s"), size(8), typ(i)}, enumerator("A", formSdata, -1)),
			die(tagEnumerationType, attrs{name("u"), size(8)}, enumerator("B", formData8, uint64(1)<<40)),
			die(tagEnumerationType, attrs{name("v"), size(8)}, enumerator("C", formSdata, -2)),
		}, []string{
			intText, "enum64 s size 8 signed true { A=18446744073709551615 }", "enum64 u size 8 signed false { B=1099511627776 }",
			"enum64 v size 8 signed true { C=18446744073709551614 }",
		}, nil},
		{"subroutines", []*dwarftest.DIE{
			i, die(tagSubroutineType, attrs{typ(i)}, die(tagFormalParameter, attrs{name("dropped"), typ(i)})), die(tagSubroutineType, nil, die(tagUnspecifiedParameters, nil)),
			die(tagSubroutineType, nil, die(tagFormalParameter, nil)),
			die(tagSubroutineType, nil, die(tagUnspecifiedParameters, nil), die(tagFormalParameter, attrs{typ(i)}), die(tagUnspecifiedParameters, nil), die(tagFormalParameter, attrs{typ(i)})),
		}, []string{intText, "func( int/4/0x1000020) int/4/0x1000020", "func( void) void", "func( unsigned char/1/0x8) void", "func( int/4/0x1000020,  int/4/0x1000020,  void) void", uchar}, []string{"has no type"}},
		{"transparent types", []*dwarftest.DIE{
			i, alias, die(tagPointerType, attrs{typ(alias)}), nothing, die(tagTypedef, attrs{name("np"), typ(nothing)}), badTypedef, die(tagConstType, attrs{typ(badTypedef)}),
		}, []string{intText, "ptr int/4/0x1000020", "typedef np = void", "const int/4/0x1000020"}, []string{"a<b>"}},
		{
			"member of nothing",
			[]*dwarftest.DIE{nothing, die(tagStructureType, attrs{name("s"), size(1)}, die(tagMember, attrs{name("m"), typ(nothing)}), die(tagMember, attrs{name("n")}))},
			[]string{uchar, "struct s size 1 signed false { 0:0 m unsigned char/1/0x8; 0:0 n unsigned char/1/0x8; }"},
			[]string{"has no type"},
		},
		{"names that the kernel refuses", []*dwarftest.DIE{
			i, die(tagStructureType, attrs{name("vec<int>"), size(4)}, die(tagMember, attrs{name("$x"), typ(i)})),
			die(tagStructureType, attrs{name(strings.Repeat("x", 513)), size(0)}), die(tagStructureType, attrs{name(strings.Repeat("y", 512)), size(0)}),
			die(tagTypedef, attrs{name("9to5"), typ(i)}), die(tagTypedef, attrs{name(".a.0"), typ(i)}),
		}, []string{
			intText, "struct  size 4 signed false { 0:0  int/4/0x1000020; }", "struct  size 0 signed false { }",
			"struct " + strings.Repeat("y", 512) + " size 0 signed false { }", "typedef .a.0 = int/4/0x1000020",
		}, []string{"vec<int>", "$x", "xxx", "9to5"}},
		{"C++ and Pascal", []*dwarftest.DIE{
			i, die(tagReferenceType, attrs{typ(i)}), die(tagRvalueReferenceType, attrs{typ(i)}),
			die(tagInterfaceType, attrs{name("iface"), size(8)}, die(tagInheritance, attrs{typ(i), at(0)}), member("m", 4)),
			die(tagSetType, attrs{size(32)}), die(tagSubrangeType, attrs{typ(i)}), die(tagPackedType, attrs{typ(i)}),
		}, []string{
			intText, "ptr int/4/0x1000020", "struct iface size 8 signed false { 0:0  int/4/0x1000020; 32:0 m int/4/0x1000020; }",
			"[32 by int/4/0x1000020]" + uchar, uchar,
		}, []string{"written as a pointer", "written as a pointer", "array of 32 bytes"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, notes := convertDIEs(t, binary.LittleEndian, DefaultOptions(), cUnit(5, tt.dies...))
			wantTypes(t, got, tt.want...)
			if len(notes) != len(tt.notes) {
				t.Errorf("%d notes, want %d: %v", len(notes), len(tt.notes), notes)
				return
			}
			for i, n := range notes {
				if !strings.Contains(n.String(), tt.notes[i]) {
					t.Errorf("note %q lacks %q", n, tt.notes[i])
				}
			}
		})
	}
	t.Run("too many enumerators", func(t *testing.T) {
		b := dwarftest.Builder{Order: binary.LittleEndian, Units: []*dwarftest.Unit{cUnit(5, many)}}
		convertAll(t, builtSource(b.Build(), binary.LittleEndian), DefaultOptions(), func(u *Unit) {
			if n := u.Table.Types[0].Len; n != btf.MaxVlen {
				t.Errorf("%d enumerators, want %d", n, btf.MaxVlen)
			}
		})
	})
}

// TestFeatures switches features off.
func TestFeatures(t *testing.T) {
	i := intDIE()
	tag := func(what string) *dwarftest.DIE {
		return die(tagLLVMAnnotation, attrs{name(what), {At: atConstValue, Form: formStrp, Value: "t"}})
	}
	u := cUnit(5, i, baseDIE("double", 8, ateFloat), baseDIE("complex double", 16, ateComplexFloat),
		die(tagEnumerationType, attrs{name("e"), size(8)}, die(tagEnumerator, attrs{name("E"), {At: atConstValue, Form: formData8, Value: uint64(1)<<32 + 7}})),
		die(tagPointerType, attrs{typ(i)}, tag(typeTagName)),
		die(tagStructureType, attrs{name("s"), size(1)}, tag(declTagName)))
	got, _ := convertDIEs(t, binary.LittleEndian, Options{}, u)
	wantTypes(t, got, intText, "double/8/0x40", "complex double/16/0x80", "enum e size 8 signed false { E=7 }", "ptr int/4/0x1000020", "struct s size 1 signed false { }")
	got, _ = convertDIEs(t, binary.LittleEndian, DefaultOptions(), u)
	wantTypes(t, got, intText, "float double/8", "struct  size 16 signed false { 0:0 real float double/8; 64:0 imag float double/8; }",
		"enum64 e size 8 signed false { E=4294967303 }", "ptr tag(t) int/4/0x1000020", "tag(t) int/4/0x1000020", "struct s size 1 signed false { }", "decl_tag t on struct s, component -1")
}

// TestBitFields places one bit-field in every way that DWARF has had.
func TestBitFields(t *testing.T) {
	i := intDIE()
	short := baseDIE("short", 2, ateSigned)
	td := die(tagTypedef, attrs{name("td"), typ(short)})
	e := die(tagEnumerationType, attrs{name("e"), size(1)})
	le, be := btf.Order(binary.LittleEndian), btf.Order(binary.BigEndian)
	tests := []struct {
		name  string
		order btf.Order
		of    *dwarftest.DIE
		attrs attrs
		want  string
	}{
		{"data_bit_offset", le, i, attrs{data1(atBitSize, 3), data1(atDataBitOffset, 37)}, "37:3"},
		{"data_bit_offset, big endian", be, i, attrs{data1(atBitSize, 3), data1(atDataBitOffset, 37)}, "37:3"},
		{"bit_offset with byte_size", le, i, attrs{data1(atBitSize, 3), data1(atBitOffset, 24), size(4), at(4)}, "37:3"},
		{"bit_offset with byte_size, big endian", be, i, attrs{data1(atBitSize, 3), data1(atBitOffset, 5), size(4), at(4)}, "37:3"},
		{"bit_offset, size from the type", le, td, attrs{data1(atBitSize, 3), data1(atBitOffset, 8), at(4)}, "37:3"},
		{"bit_offset, size from an enum", le, e, attrs{data1(atBitSize, 3), data1(atBitOffset, 0), at(4)}, "37:3"},
		{"bit_offset, size from the type, big endian", be, td, attrs{data1(atBitSize, 3), data1(atBitOffset, 5), at(4)}, "37:3"},
		{"negative bit_offset across a unit", le, i, attrs{data1(atBitSize, 10), {At: atBitOffset, Form: formSdata, Value: -5}, size(4), at(0)}, "27:10"},
		{"full width", le, i, attrs{data1(atBitSize, 32), data1(atDataBitOffset, 32)}, "32:32"},
		{"no offset at all", le, i, attrs{data1(atBitSize, 4), at(1)}, "8:4"},
		{"expression", le, i, attrs{block1(atDataMemberLocation, 0x23, 6)}, "48:0"},
		{"expression with arithmetic", le, i, attrs{block1(atDataMemberLocation, 0x32, 0x33, 0x1e, 0x22)}, "48:0"},
	}
	for v := 2; v <= 5; v++ {
		for _, tt := range tests {
			t.Run(fmt.Sprintf("v%d %s", v, tt.name), func(t *testing.T) {
				s := die(tagStructureType, attrs{name("s"), size(64)}, die(tagMember, append(attrs{name("m"), typ(tt.of)}, tt.attrs...)))
				// The struct comes first: the size of the type is not known yet.
				got, notes := convertDIEs(t, tt.order, DefaultOptions(), cUnit(v, s, i, short, td, e))
				want := fmt.Sprintf("{ %s m ", tt.want)
				for _, s := range missing(got, nil) {
					if strings.HasPrefix(s, "struct s") && !strings.Contains(s, want) {
						t.Errorf("%s\nlacks %s (%v)", s, want, notes)
					}
				}
			})
		}
	}
}
