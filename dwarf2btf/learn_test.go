package dwarf2btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/internal/dwarftest"
)

// learned is what became of the units of a source.
type learned struct {
	bytes []byte     // the distinct types of all, encoded
	known [][]string // by unit: its known definitions
	anew  []bool     // by unit: its claims did not hold
	errs  []string
}

// convertLearning converts all units, with what earlier ones teach or without, and joins
// their types.
func convertLearning(t *testing.T, src *Source, learn bool) learned {
	t.Helper()
	c, err := New(src, DefaultOptions())
	if err != nil {
		return learned{errs: []string{err.Error()}}
	}
	var out learned
	w := c.NewWorker()
	d := dedup.New(false)
	dw := d.NewWorker(w.Strings())
	for i := range c.Len() {
		u, err := w.Convert(i)
		if err != nil {
			out.errs = append(out.errs, err.Error())
			continue
		}
		if u == nil {
			continue
		}
		if err := checkUnit(u); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, typ := range u.Table.Types {
			if (typ.Kind.IsComposite() || typ.Kind.IsEnum()) && typ.Extra != 0 {
				names = append(names, u.Table.Name(typ.Name))
			}
		}
		slices.Sort(names)
		out.known = append(out.known, names)
		refs, err := dw.AddClaimed(i, u.Table, u.Roots, func(refs []dedup.Ref, part []bool) bool { return Holds(w, refs, part) })
		anew := errors.Is(err, dedup.ErrClaims)
		out.anew = append(out.anew, anew)
		if anew {
			if u, err = w.ConvertAnew(i); err != nil {
				out.errs = append(out.errs, err.Error())
				continue
			}
			refs, err = dw.Add(i, u.Table, u.Roots)
		}
		if err != nil {
			t.Fatal(err)
		}
		if learn {
			Learn(w, refs, dw.Nodes())
		}
	}
	if _, err := d.Merge(dw); err != nil {
		t.Fatal(err)
	}
	res, err := d.Resolve(nil)
	if err == nil {
		err = res.KeepAll()
	}
	if err != nil {
		t.Fatal(err)
	}
	table, _, err := res.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if out.bytes, err = btf.Encode(table, src.Order, nil, false); err != nil {
		t.Fatal(err)
	}
	return out
}

// sameAsAlone converts a source with what units teach each other and without, and expects
// the same of both.
func sameAsAlone(t *testing.T, src *Source) learned {
	t.Helper()
	got, want := convertLearning(t, src, true), convertLearning(t, src, false)
	if !slices.Equal(got.errs, want.errs) {
		t.Fatalf("errors %q, without learning %q", got.errs, want.errs)
	}
	if !bytes.Equal(got.bytes, want.bytes) {
		t.Logf("known %q, anew %v", got.known, got.anew)
		t.Fatal("other BTF than without learning")
	}
	return got
}

// Attributes as GCC writes them, in as many bytes as there always are.
func byteAt(n int) attr { return data1(atDataMemberLocation, n) }

func bitField(n string, d *dwarftest.DIE, bit, bits int) *dwarftest.DIE {
	return die(tagMember, attrs{name(n), typ(d), data1(atBitSize, bits), data1(atDataBitOffset, bit)})
}

func enumerator(n string, form uint16, v int) *dwarftest.DIE {
	return die(tagEnumerator, attrs{name(n), {At: atConstValue, Form: form, Value: v}})
}

// headers is a unit with the definitions of some headers, as edit leaves them.
func headers(edit func(u *dwarftest.DIE, named map[string]*dwarftest.DIE)) *dwarftest.Unit {
	i, long := intDIE(), baseDIE("long", 8, ateSigned)
	list := die(tagStructureType, attrs{name("list"), size(16)})
	ptr := die(tagPointerType, attrs{typ(list), data1(0x88, 8)})
	list.Children = []*dwarftest.DIE{die(tagMember, attrs{name("next"), typ(ptr), byteAt(0)}), die(tagMember, attrs{name("prev"), typ(ptr), byteAt(8)})}
	inner := die(tagStructureType, attrs{size(16)},
		die(tagMember, attrs{name("first"), typ(long), byteAt(0)}), die(tagMember, attrs{name("second"), typ(i), byteAt(8)}))
	union := die(tagUnionType, attrs{size(16)}, inner, die(tagMember, attrs{typ(inner)}), die(tagMember, attrs{name("all"), typ(list)}))
	task := die(tagStructureType, attrs{name("task"), size(48)},
		die(tagMember, attrs{{At: atName, Form: formString, Value: "id"}, typ(i), byteAt(0)}),
		bitField("ready", i, 32, 1), bitField("prio", i, 33, 5),
		union, die(tagMember, attrs{typ(union), byteAt(16)}),
		die(tagMember, attrs{name("run_list"), typ(list), byteAt(32)}))
	state := die(tagEnumerationType, attrs{name("state"), size(4)},
		enumerator("RUNNING", formData1, 0), enumerator("STOPPED", formData2, 0x400), enumerator("DEAD", formSdata, -2))
	td := die(tagTypedef, attrs{name("task_t"), typ(task)})
	named := map[string]*dwarftest.DIE{"list": list, "task": task, "state": state, "union": union, "inner": inner, "int": i, "long": long, "ptr": ptr}
	dies := []*dwarftest.DIE{i, long, ptr, list, task, state, td}
	// The last DIEs of a unit are never quick.
	for k := range 40 {
		dies = append(dies, baseDIE(fmt.Sprintf("an integer of its own, number %d", k), 4, ateSigned))
	}
	u := cUnit(5, dies...)
	if edit != nil {
		edit(u.Root, named)
	}
	return u
}

func TestLearn(t *testing.T) {
	all := []string{"", "", "list", "state", "task"}
	attrOf := func(d *dwarftest.DIE, at uint16) *attr {
		for i := range d.Attrs {
			if d.Attrs[i].At == at {
				return &d.Attrs[i]
			}
		}
		t.Fatalf("no attribute %#x", at)
		return nil
	}
	type dies = map[string]*dwarftest.DIE
	tests := []struct {
		name string
		edit func(u *dwarftest.DIE, named dies) // of the second unit
		want []string                           // what is known in it
		anew bool
	}{
		{"the same", nil, all, false},
		{"other codes of abbreviations", func(u *dwarftest.DIE, _ dies) {
			u.Children = slices.Insert(u.Children, 0, die(tagVolatileType, nil), die(tagUnionType, attrs{name("before"), data1(atDeclaration, 1)}))
		}, all, false},
		{"another name of a member", func(_ *dwarftest.DIE, d dies) { attrOf(d["list"].Children[1], atName).Value = "last" }, []string{"", "", "state", "task"}, false},
		{"another short name", func(_ *dwarftest.DIE, d dies) { attrOf(d["task"].Children[0], atName).Value = "no" }, []string{"", "", "list", "state"}, false},
		{"another place of a member", func(_ *dwarftest.DIE, d dies) { attrOf(d["list"].Children[1], atDataMemberLocation).Value = 4 }, []string{"", "", "state", "task"}, false},
		{"another size", func(_ *dwarftest.DIE, d dies) { attrOf(d["list"], atByteSize).Value = 24 }, []string{"", "", "state", "task"}, false},
		{"a member less", func(_ *dwarftest.DIE, d dies) { d["list"].Children = d["list"].Children[:1] }, []string{"", "", "state", "task"}, false},
		{"a member more", func(_ *dwarftest.DIE, d dies) {
			d["list"].Children = append(d["list"].Children, die(tagMember, attrs{name("more"), typ(d["ptr"]), byteAt(8)}))
		}, []string{"", "", "state", "task"}, false},
		{"another size of a bit-field", func(_ *dwarftest.DIE, d dies) { attrOf(d["task"].Children[2], atBitSize).Value = 6 }, []string{"", "", "list", "state"}, false},
		{"a bit-field of no bits", func(_ *dwarftest.DIE, d dies) { attrOf(d["task"].Children[2], atBitSize).Value = 0 }, []string{"", "", "list", "state"}, false},
		{"another type of a member", func(_ *dwarftest.DIE, d dies) { attrOf(d["task"].Children[0], atType).Value = d["long"] }, all, true},
		{"another type that has no name", func(_ *dwarftest.DIE, d dies) { attrOf(d["ptr"], atType).Value = d["int"] }, all, true},
		{"another member of the struct inside", func(_ *dwarftest.DIE, d dies) { attrOf(d["inner"].Children[0], atName).Value = "other" }, []string{"", "list", "state", "task"}, true},
		{"a type of no use", func(_ *dwarftest.DIE, d dies) { d["task"].Children[1].Attrs[1].Form = formRefUdata }, []string{"", "", "list", "state"}, false},
		{"a struct where a union was", func(_ *dwarftest.DIE, d dies) { d["union"].Tag = tagStructureType }, []string{"list", "state", "task"}, true},
		{"another value", func(_ *dwarftest.DIE, d dies) { attrOf(d["state"].Children[1], atConstValue).Value = 0x401 }, []string{"", "", "list", "task"}, false},
		{"the same bits of a value that is not negative", func(_ *dwarftest.DIE, d dies) {
			*attrOf(d["state"].Children[2], atConstValue) = attr{At: atConstValue, Form: formData4, Value: 1<<32 - 2}
		}, []string{"", "", "list", "task"}, false},
		{"a value that takes more bytes", func(_ *dwarftest.DIE, d dies) { attrOf(d["state"].Children[2], atConstValue).Value = -100 }, []string{"", "", "list", "task"}, false},
		{"an enumerator less", func(_ *dwarftest.DIE, d dies) { d["state"].Children = d["state"].Children[:2] }, []string{"", "", "list", "task"}, false},
		{"an annotation", func(_ *dwarftest.DIE, d dies) {
			d["list"].Children = append(d["list"].Children, die(tagLLVMAnnotation, attrs{name(declTagName), {At: atConstValue, Form: formString, Value: "tag"}}))
		}, []string{"", "", "state", "task"}, false},
		{"two of one name", func(u *dwarftest.DIE, d dies) {
			u.Children = slices.Insert(u.Children, 6, die(tagStructureType, attrs{name("list"), size(4)}, die(tagMember, attrs{name("x"), typ(d["int"]), byteAt(0)})))
		}, all, true},
		{"a declaration before", func(u *dwarftest.DIE, _ dies) {
			u.Children = slices.Insert(u.Children, 0, die(tagStructureType, attrs{name("list"), data1(atDeclaration, 1)}))
		}, all, false},
	}
	for _, tt := range tests {
		for _, mixed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, mixed %v", tt.name, mixed), func(t *testing.T) {
				units := []*dwarftest.Unit{headers(nil), headers(tt.edit), headers(nil), headers(tt.edit)}
				src := builtSource((&dwarftest.Builder{Order: binary.LittleEndian, Units: units}).Build(), binary.LittleEndian)
				src.Relocatable = mixed
				got := sameAsAlone(t, src)
				if len(got.errs) > 0 {
					t.Fatal(got.errs)
				}
				if len(got.known[0]) > 0 {
					t.Errorf("the first unit knows %q", got.known[0])
				}
				if !slices.Equal(got.known[1], tt.want) || got.anew[1] != tt.anew {
					t.Errorf("the second unit knows %q, anew %v; want %q, %v", got.known[1], got.anew[1], tt.want, tt.anew)
				}
			})
		}
	}
}

// FuzzLearn changes bytes of units that include the same headers.
func FuzzLearn(f *testing.F) {
	for _, mixed := range []bool{false, true} {
		f.Add([]byte{0, 40, 1}, mixed)
		f.Add([]byte{1, 90, 1, 1, 200, 0x80}, mixed)
		f.Add([]byte{2, 30, 0xff, 0, 250, 3, 3, 100, 7}, mixed)
	}
	units := []*dwarftest.Unit{headers(nil), headers(nil), everything(5), headers(nil), headers(nil)}
	built := (&dwarftest.Builder{Order: binary.LittleEndian, Units: units}).Build()
	f.Fuzz(func(t *testing.T, edits []byte, mixed bool) {
		s := *built
		s.Info, s.Str = slices.Clone(built.Info), slices.Clone(built.Str)
		for edits = edits[:min(len(edits), 90)]; len(edits) >= 3; edits = edits[3:] {
			at := int(binary.BigEndian.Uint16(edits))
			if at < 1<<15 {
				s.Info[at%len(s.Info)] ^= edits[2]
			} else if b := &s.Str[at%len(s.Str)]; *b != 0 {
				*b = max(*b^edits[2], 1) // a name must not swallow another one
			}
		}
		src := builtSource(&s, binary.LittleEndian)
		src.Relocatable = mixed
		sameAsAlone(t, src)
	})
}

// TestLearnAlike has structs without names, one beside the other, that differ by nothing
// but the types of their members: what comes after which does not tell them apart.
func TestLearnAlike(t *testing.T) {
	unit := func() *dwarftest.Unit {
		return headers(func(u *dwarftest.DIE, d map[string]*dwarftest.DIE) {
			toList, toInt := d["ptr"], die(tagPointerType, attrs{typ(d["int"]), data1(0x88, 8)})
			inner := func(ctor *dwarftest.DIE) *dwarftest.DIE {
				return die(tagStructureType, attrs{size(16)},
					die(tagMember, attrs{name("inst"), typ(d["int"]), byteAt(0)}), die(tagMember, attrs{name("ctor"), typ(ctor), byteAt(8)}))
			}
			funcs := die(tagStructureType, attrs{name("funcs"), size(96)})
			for i, ctor := range []*dwarftest.DIE{toList, toInt, toList, toList, toInt, toInt} {
				in := inner(ctor)
				funcs.Children = append(funcs.Children, in, die(tagMember, attrs{name(fmt.Sprintf("f%d", i)), typ(in), byteAt(16 * i)}))
			}
			u.Children = slices.Insert(u.Children, 6, toInt, funcs)
		})
	}
	var units []*dwarftest.Unit
	for range 6 {
		units = append(units, unit())
	}
	src := builtSource((&dwarftest.Builder{Order: binary.LittleEndian, Units: units}).Build(), binary.LittleEndian)
	got := sameAsAlone(t, src)
	if !got.anew[1] {
		t.Error("the second unit was right: the test proves nothing")
	}
	if got.anew[4] || got.anew[5] {
		t.Errorf("units go on being wrong: %v", got.anew)
	}
	if !slices.Contains(got.known[5], "funcs") || !slices.Contains(got.known[5], "task") {
		t.Errorf("the last unit knows %q", got.known[5])
	}
}

// TestLearnVariants has a name that different units use for different types again and
// again: it is given up, and the others stay known.
func TestLearnVariants(t *testing.T) {
	var units []*dwarftest.Unit
	for i := range 12 {
		units = append(units, headers(func(_ *dwarftest.DIE, d map[string]*dwarftest.DIE) {
			d["task"].Children[0].Attrs[1].Value = []*dwarftest.DIE{d["int"], d["long"], d["ptr"]}[i%3]
		}))
	}
	src := builtSource((&dwarftest.Builder{Order: binary.LittleEndian, Units: units}).Build(), binary.LittleEndian)
	got := sameAsAlone(t, src)
	for i := 8; i < len(got.anew); i++ {
		if got.anew[i] || slices.Contains(got.known[i], "task") || !slices.Contains(got.known[i], "list") {
			t.Errorf("unit %d knows %q, anew %v", i, got.known[i], got.anew[i])
		}
	}
}
