package emit_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"mkbtf/btf"
	"mkbtf/emit"
	"mkbtf/internal/verify"
)

// kernel is a small kernel's BTF with what a base must cope with: a struct the
// module points to, one it embeds, a name that stands for two, an enum, typedefs,
// a forward declaration, and struct btf as proof of Linux 6.11.
func kernel() *btf.Table {
	t := btf.NewTable(1, nil)
	s := t.Strings.InternString
	i := t.Add(btf.Type{Kind: btf.Int, Name: s("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)}) // 1
	member := func(name string, typ btf.ID) []btf.Member { return []btf.Member{{Name: s(name), Type: typ}} }
	task := t.AddWith(btf.Type{Kind: btf.Struct, Name: s("task"), Size: 4}, member("pid", i))            // 2
	t.AddWith(btf.Type{Kind: btf.Struct, Name: s("list"), Size: 4}, member("next", i))                   // 3
	two := t.AddWith(btf.Type{Kind: btf.Struct, Name: s("two"), Size: 4}, member("a", i))                // 4
	t.AddWith(btf.Type{Kind: btf.Struct, Name: s("two"), Size: 4}, member("b", i))                       // 5
	t.Add(btf.Type{Kind: btf.Ptr, Ref: task})                                                            // 6
	t.Add(btf.Type{Kind: btf.Ptr, Ref: two})                                                             // 7
	t.AddWith(btf.Type{Kind: btf.Enum, Name: s("mode"), Size: 4}, []btf.Member{{Name: s("ON"), Off: 1}}) // 8
	u := t.Add(btf.Type{Kind: btf.Int, Name: s("unsigned int"), Size: 4, Extra: 32})                     // 9
	t.Add(btf.Type{Kind: btf.Typedef, Name: s("u32"), Ref: u})                                           // 10
	fwd := t.Add(btf.Type{Kind: btf.Fwd, Name: s("opaque")})                                             // 11
	t.Add(btf.Type{Kind: btf.Ptr, Ref: fwd})                                                             // 12
	t.AddWith(btf.Type{Kind: btf.FuncProto, Ref: i}, member("t", 6))                                     // 13
	t.AddWith(btf.Type{Kind: btf.Struct, Name: s("btf"), Size: 8}, member("base_id_map", i))             // 14
	t.AddWith(btf.Type{Kind: btf.Struct, Name: s("module"), Size: 8}, member("btf_data", i))             // 15
	return t
}

// module has a struct and a function that use all of it.
func module(start btf.ID) *btf.Table {
	t := btf.NewTable(start, nil)
	s := t.Strings.InternString
	own := t.AddWith(btf.Type{Kind: btf.Struct, Name: s("own"), Size: 48}, []btf.Member{
		{Name: s("task"), Type: 6},
		{Name: s("list"), Type: 3, Off: 64},
		{Name: s("two"), Type: 7, Off: 128},
		{Name: s("mode"), Type: 8, Off: 192},
		{Name: s("u32"), Type: 10, Off: 224},
		{Name: s("opaque"), Type: 12, Off: 256},
		{Name: s("n"), Type: 1, Off: 320},
	})
	t.Add(btf.Type{Kind: btf.Ptr, Ref: own})
	t.Add(btf.Type{Kind: btf.Func, Name: s("f"), Ref: 13})
	return t
}

func load(t *testing.T, tab *btf.Table, order btf.Order) *btf.Blob {
	t.Helper()
	raw, err := btf.Encode(tab, order, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := btf.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

var orders = []btf.Order{binary.LittleEndian, binary.BigEndian}

func TestDistilled(t *testing.T) {
	for _, order := range orders {
		base := load(t, kernel(), order)
		out, err := emit.Distilled(module(base.End()), base, order, emit.DistilOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := []emit.Entry{
			{Kind: btf.Int, Name: "int", Size: 4},
			{Kind: btf.Struct, Name: "list", Size: 4, Embedded: true},
			{Kind: btf.Struct, Name: "task", Size: 4},
		}
		if !slices.Equal(out.Entries, want) {
			t.Errorf("%v: base holds %v, want %v", order, out.Entries, want)
		}
		target, err := verify.NewTarget(base.Data)
		if err != nil {
			t.Fatal(err)
		}
		res := target.Module(out.BTF, out.Base)
		if res.Outcome != verify.Loads || len(res.Problems) > 0 || !res.Sorted {
			t.Fatalf("%v: %v, %v, problems %v, sorted %v", order, res.Outcome, res.Err, res.Problems, res.Sorted)
		}
		rel, err := btf.Parse(res.Relocated, base)
		if err != nil {
			t.Fatal(err)
		}
		if !hasMember(rel, "own", "list", 3) {
			t.Errorf("%v: after relocation own.list is not the kernel's struct list", order)
		}
	}
}

// hasMember reports whether a struct of the blob has a member of that type.
func hasMember(b *btf.Blob, name, member string, typ btf.ID) bool {
	for id := b.Start(); id < b.End(); id++ {
		if r := b.Record(id); r.Kind() != btf.Struct || string(b.StringAt(r.NameOff)) != name {
			continue
		}
		_, ms := b.Decode(id, nil, func(off uint32) btf.Str { return btf.Str(off) })
		for _, m := range ms {
			if string(b.StringAt(uint32(m.Name))) == member && m.Type == typ {
				return true
			}
		}
	}
	return false
}

func TestDistilledSurvivesAChangedKernel(t *testing.T) {
	base := load(t, kernel(), binary.LittleEndian)
	out, err := emit.Distilled(module(base.End()), base, binary.LittleEndian, emit.DistilOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		edit func(*btf.Table)
		want verify.Outcome
	}{
		{"other ids", func(k *btf.Table) { k.Add(btf.Type{Kind: btf.Ptr, Ref: 1}) }, verify.Loads},
		{"pointee has grown", func(k *btf.Table) { k.At(2).Size = 400 }, verify.Loads},
		{"enum is gone", func(k *btf.Table) { k.At(8).Name = k.Strings.InternString("other") }, verify.Loads},
		{"embedded struct has grown", func(k *btf.Table) { k.At(3).Size = 8 }, verify.Refused},
		{"pointee is gone", func(k *btf.Table) { k.At(2).Name = k.Strings.InternString("other") }, verify.Refused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := kernel()
			tt.edit(k)
			res, err := verify.Module(out.BTF, out.Base, load(t, k, binary.LittleEndian).Data, nil)
			if err != nil {
				t.Fatal(err)
			}
			if res.Outcome != tt.want {
				t.Errorf("%v (%v), want %v", res.Outcome, res.Err, tt.want)
			}
		})
	}
}

func TestSelfContained(t *testing.T) {
	for _, order := range orders {
		base := load(t, kernel(), order)
		tab := kernel()
		tab.Types = tab.Types[:13] // a module's own view of the world
		out, err := emit.SelfContained(tab, order)
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Entries) != 1 || out.Entries[0].Name != "int" || len(out.Base) != 45 {
			t.Errorf("%v: base is %v in %d bytes, want int in 45", order, out.Entries, len(out.Base))
		}
		if out.NewID(1) != 1 {
			t.Errorf("%v: the module's int is [%d], want that of the base", order, out.NewID(1))
		}
		target, err := verify.NewTarget(base.Data)
		if err != nil {
			t.Fatal(err)
		}
		if res := target.Module(out.BTF, out.Base); res.Outcome != verify.Loads || len(res.Problems) > 0 {
			t.Errorf("%v: %v, %v, problems %v", order, res.Outcome, res.Err, res.Problems)
		}
	}
}

func TestStandaloneAndSplit(t *testing.T) {
	base := load(t, kernel(), binary.LittleEndian)
	out, err := emit.Split(module(base.End()), base, binary.LittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := btf.Parse(out.BTF, base)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for id := blob.Start(); id < blob.End(); id++ {
		names = append(names, string(blob.StringAt(blob.Record(id).NameOff)))
	}
	if want := []string{"", "f", "own"}; !slices.Equal(names, want) {
		t.Errorf("own types are %q, want them sorted: %q", names, want)
	}
	if got := out.NewID(base.End()); got != base.End()+2 {
		t.Errorf("struct own is [%d] in the output, NewID says [%d]", base.End()+2, got)
	}
	alone, err := emit.Standalone(kernel(), binary.LittleEndian)
	if err != nil || alone.Base != nil {
		t.Fatalf("standalone: %v, base of %d bytes", err, len(alone.Base))
	}
	if _, err := emit.Standalone(module(16), binary.LittleEndian); err == nil {
		t.Error("a split table was written as standalone BTF")
	}
	if _, err := emit.SelfContained(module(16), binary.LittleEndian); err == nil {
		t.Error("a split table was written as self-contained BTF")
	}
	if _, err := emit.Split(module(20), base, binary.LittleEndian); err == nil {
		t.Error("a table for another base was written")
	}
}
