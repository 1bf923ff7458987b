package dwarf2btf

import (
	"encoding/binary"
	"strings"
	"testing"

	"mkbtf/internal/dwarftest"
)

// TestClangTags reads tags as clang writes them, all of a fixture.
func TestClangTags(t *testing.T) {
	got := map[string]bool{}
	for s := range renderFile(t, "../testdata/obj/x86_64-clang-dwarf5/tags.ko") {
		if strings.HasPrefix(s, "decl_tag") || strings.HasPrefix(s, "tag(") {
			got[s] = true
		}
	}
	wantTypes(t, got,
		"decl_tag struct on struct tag_target, component -1",
		"decl_tag member of target on struct tag_target, component 0",
		"decl_tag one on struct tag_target, component 2",
		"decl_tag two on struct tag_target, component 2",
		"decl_tag bit-field on struct tag_target, component 3",
		"decl_tag union on union tag_union, component -1",
		"decl_tag member of union on union tag_union, component 0",
		"decl_tag typedef on typedef tag_typedef_t, component -1",
		"decl_tag variable on VAR tag_percpu, component -1",
		"decl_tag function on FUNC tag_function, component -1",
		"decl_tag second on FUNC tag_function, component 1",
		"decl_tag static function on FUNC tag_static, component -1",
		"tag(user) int/4/0x1000020",
		"tag(user) char/1/0x1000008",
		"tag(user) void",
		"tag(user) const volatile struct tag_target",
		"tag(user) [4 by int/4/0x1000020]int/4/0x1000020",
		"tag(user) typedef tag_typedef_t",
		"tag(rcu) struct tag_target",
		"tag(rcu) tag(user) char/1/0x1000008",
		"tag(rcu) ptr tag(user) void",
		"tag(percpu) const int/4/0x1000020",
	)
}

// TestGNUTags reads tags as GCC 16 writes them: chains of DIEs beside the types,
// which several owners may share.
func TestGNUTags(t *testing.T) {
	annotation := func(what, text string, next *dwarftest.DIE) *dwarftest.DIE {
		a := attrs{name(what), {At: atConstValue, Form: formString, Value: text}}
		if next != nil {
			a = append(a, attr{At: atGNUAnnotation, Form: formRef4, Value: next})
		}
		return die(tagGNUAnnotation, a)
	}
	on := func(d *dwarftest.DIE) attr { return attr{At: atGNUAnnotation, Form: formRef4, Value: d} }
	i := intDIE()
	outer := annotation(typeTagName, "outer", nil)
	inner := annotation(typeTagName, "inner", outer)
	decl1 := annotation(declTagName, "one", nil)
	decl2 := annotation(declTagName, "two", decl1)
	ptr := die(tagPointerType, attrs{typ(i), on(inner)})
	u := cUnit(5, i, ptr, die(tagPointerType, attrs{typ(ptr), on(outer)}),
		die(tagStructureType, attrs{name("s"), size(8), on(decl1)},
			die(tagMember, attrs{name("late"), typ(i), at(4), on(decl2)}), // sorted behind the next one
			die(tagMember, attrs{name("early"), typ(i), at(0)}),
			die(tagMember, attrs{name("behind"), typ(i), at(40), on(decl1)})),
		die(tagTypedef, attrs{name("td"), typ(i), on(decl1)}),
		die(tagEnumerationType, attrs{name("e"), size(4), on(decl1)}),
		die(tagSubprogram, attrs{name("f"), on(decl2)}, die(tagFormalParameter, attrs{name("a"), typ(i)}), die(tagFormalParameter, attrs{name("b"), typ(i), on(decl1)})),
		outer, inner, decl1, decl2)
	opts := DefaultOptions()
	opts.AllFunctions = true
	got, _ := convertDIEs(t, binary.LittleEndian, opts, u)
	wantTypes(t, got,
		intText, "ptr tag(inner) tag(outer) int/4/0x1000020", "ptr tag(outer) ptr tag(inner) tag(outer) int/4/0x1000020",
		"tag(outer) int/4/0x1000020", "tag(inner) tag(outer) int/4/0x1000020", "tag(outer) ptr tag(inner) tag(outer) int/4/0x1000020",
		"struct s size 8 signed false { 0:0 early int/4/0x1000020; 32:0 late int/4/0x1000020; }",
		"decl_tag one on struct s, component -1", "decl_tag one on struct s, component 1", "decl_tag two on struct s, component 1",
		"typedef td = int/4/0x1000020", "decl_tag one on typedef td, component -1", "enum e size 4 signed false { }",
		"FUNC f func(a int/4/0x1000020, b int/4/0x1000020) void",
		"decl_tag one on FUNC f, component -1", "decl_tag two on FUNC f, component -1", "decl_tag one on FUNC f, component 1")
}
