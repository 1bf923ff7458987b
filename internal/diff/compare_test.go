package diff

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
)

// shuffle returns the table with its types in another order and its strings
// numbered anew.
func shuffle(tab *btf.Table, rnd *rand.Rand) *btf.Table {
	perm := rnd.Perm(len(tab.Types))
	ids := make([]btf.ID, len(perm)) // old place -> new id
	for i, old := range perm {
		ids[old] = tab.Start + btf.ID(i)
	}
	out := btf.NewTable(tab.Start, nil)
	rename := func(s btf.Str) btf.Str { return out.Strings.InternString(tab.Name(s)) }
	for _, old := range perm {
		t := tab.Types[old]
		ms := slices.Clone(tab.MembersOf(&t))
		t.Name = rename(t.Name)
		for i := range ms {
			ms[i].Name = rename(ms[i].Name)
		}
		id := out.AddWith(t, ms)
		out.Refs(out.At(id), func(ref *btf.ID) {
			if tab.Own(*ref) {
				*ref = ids[*ref-tab.Start]
			}
		})
	}
	return out
}

func TestIDsDoNotMatter(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	base := build(t, nil, everyKind)
	over := func(b builder) {
		everyKind(b)
		b.fn("other", 1, b.member("x", 2, 0))
		b.strct("s", 4, b.member("again", 2, 0)) // a second definition
		b.to(btf.Ptr, 1)
		b.to(btf.Ptr, 1)
	}
	for _, tt := range []struct {
		name string
		base *btf.Blob
		f    func(builder)
	}{{"without base", nil, everyKind}, {"split", base, over}} {
		t.Run(tt.name, func(t *testing.T) {
			a := build(t, tt.base, tt.f)
			c := NewComparer(Options{})
			for range 50 {
				b := encode(t, shuffle(a.Table(nil), rnd), tt.base)
				if r := c.Compare(a, b); r.Different() {
					t.Fatalf("differs from itself in another order:\n%s", text(t, r))
				}
			}
		})
	}
}

func text(t testing.TB, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestEveryChangeIsSeen changes each field of each type of a BTF with all kinds,
// one at a time: each must be a difference.
func TestEveryChangeIsSeen(t *testing.T) {
	a := build(t, nil, everyKind)
	changed := 0
	try := func(what string, i int, f func(tab *btf.Table, typ *btf.Type)) {
		tab := a.Table(nil)
		before := *tab.At(btf.ID(i + 1))
		members := slices.Clone(tab.MembersOf(&before))
		f(tab, tab.At(btf.ID(i+1)))
		if after := tab.At(btf.ID(i + 1)); before == *after && slices.Equal(members, tab.MembersOf(after)) {
			return
		}
		changed++
		b := encode(t, tab, nil)
		if !Compare(a, b, Options{}).Different() || !Compare(b, a, Options{}).Different() {
			t.Errorf("[%d] %s '%s': change of %s is not seen", i+1, before.Kind, tab.Name(before.Name), what)
		}
	}
	sized := map[btf.Kind]bool{btf.Int: true, btf.Float: true, btf.Array: true, btf.Struct: true, btf.Union: true, btf.Enum: true, btf.Enum64: true, btf.DataSec: true}
	extra := map[btf.Kind]bool{btf.Int: true, btf.Array: true, btf.Func: true, btf.Var: true, btf.DeclTag: true}
	flags := map[btf.Kind]bool{btf.Enum: true, btf.Enum64: true, btf.Fwd: true, btf.TypeTag: true, btf.DeclTag: true}
	tab := a.Table(nil)
	for i := range tab.Types {
		k := tab.Types[i].Kind
		if tab.Types[i].Name != 0 {
			try("name", i, func(tab *btf.Table, x *btf.Type) { x.Name = tab.Strings.InternString("other") })
		}
		if k.HasRef() {
			try("reference", i, func(_ *btf.Table, x *btf.Type) { x.Ref = 0 })
			try("reference", i, func(_ *btf.Table, x *btf.Type) { x.Ref = 15 }) // the float
		}
		if sized[k] {
			try("size", i, func(_ *btf.Table, x *btf.Type) { x.Size++ })
		}
		if extra[k] {
			try("extra", i, func(_ *btf.Table, x *btf.Type) { x.Extra ^= 2 })
		}
		if flags[k] {
			try("flag", i, func(_ *btf.Table, x *btf.Type) { x.Flag = !x.Flag })
		}
		n := int(tab.Types[i].Len)
		if n > 0 {
			try("number of members", i, func(_ *btf.Table, x *btf.Type) { x.Len-- })
		}
		if n > 1 {
			try("order of members", i, func(tab *btf.Table, x *btf.Type) { slices.Reverse(tab.MembersOf(x)) })
		}
		for m := range n {
			if k != btf.DataSec {
				try("member name", i, func(tab *btf.Table, x *btf.Type) { tab.MembersOf(x)[m].Name = tab.Strings.InternString("other") })
			}
			if k.HasMemberTypes() && k != btf.DataSec {
				try("member type", i, func(tab *btf.Table, x *btf.Type) { tab.MembersOf(x)[m].Type = 15 })
			}
			if k != btf.FuncProto {
				try("member offset or value", i, func(tab *btf.Table, x *btf.Type) { tab.MembersOf(x)[m].Off += 8 })
			}
			if k.IsComposite() || k == btf.DataSec || k == btf.Enum64 {
				try("member bits", i, func(tab *btf.Table, x *btf.Type) { tab.MembersOf(x)[m].Bits++ })
			}
		}
	}
	if changed < 100 {
		t.Errorf("only %d changes were tried", changed)
	}
}

// lines is what a report says without the summary and the ids.
func lines(r *Report) []string {
	var out []string
	for i := range r.Entries {
		e := r.Entries[i]
		s := string(e.Class) + " " + e.Kind
		if e.Name != "" {
			s += " " + e.Name
		}
		if e.Text != "" {
			s += ": " + e.Text
		}
		if e.Class == Count {
			s += " " + string(rune('0'+e.A)) + "/" + string(rune('0'+e.B))
		}
		out = append(out, s)
		for _, d := range e.Details {
			out = append(out, "  "+d.Where+" "+d.What+": "+d.A+" -> "+d.B)
		}
	}
	return out
}

func TestRepeats(t *testing.T) {
	base := build(t, nil, func(b builder) {
		i := b.integer("int")
		n := b.strct("node", 8, b.member("v", i, 0))
		b.fn("f", 0, b.member("n", b.to(btf.Ptr, n), 0))
	})
	repeating := build(t, base, func(b builder) {
		n := b.strct("node", 8, b.member("v", 1, 0)) // repeats
		other := b.strct("node", 16, b.member("v", 1, 0))
		b.to(btf.Ptr, n) // repeats
		b.to(btf.Ptr, other)
		b.to(btf.Const, n)
		b.fn("f", 0, b.member("n", 3, 0)) // its FUNC_PROTO repeats
	})
	r := Compare(repeating, build(t, base, func(b builder) { b.to(btf.Ptr, 1) }), Options{})
	got := map[string]int{}
	for _, c := range r.Kinds {
		if c.RepeatB != 0 {
			t.Errorf("B repeats %d %s", c.RepeatB, c.Kind)
		}
		if c.RepeatA != 0 {
			got[c.Kind] = c.RepeatA
		}
	}
	if want := map[string]int{"STRUCT": 1, "PTR": 1, "FUNC_PROTO": 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("A repeats %v, want %v", got, want)
	}
	if s := text(t, r); !strings.Contains(s, "A repeats types of its own base: 3\n") || strings.Contains(s, "B repeats") {
		t.Errorf("not in the summary:\n%s", s)
	}
}

func TestDifferences(t *testing.T) {
	base := build(t, nil, func(b builder) {
		i := b.integer("int")
		n := b.strct("node", 8, b.member("v", i, 0))
		b.to(btf.Ptr, n)
	})
	const baseInt, baseNode, basePtr = 1, 2, 3
	pointee := func(typ func(builder) btf.ID) func(builder) {
		return func(b builder) { b.strct("user", 8, b.member("n", b.to(btf.Ptr, typ(b)), 0)) }
	}
	tests := []struct {
		name string
		base *btf.Blob
		a, b func(builder)
		opts Options
		want []string
	}{
		{
			name: "one changed type is one difference",
			a: func(b builder) {
				n := b.strct("node", 4, b.member("v", b.integer("int"), 0))
				b.strct("user", 8, b.member("n", b.to(btf.Ptr, n), 0))
				b.fn("f", 0, b.member("n", b.to(btf.Const, n), 0))
			},
			b: func(b builder) {
				n := b.strct("node", 8, b.member("v", b.integer("int"), 32))
				b.strct("user", 8, b.member("n", b.to(btf.Ptr, n), 0))
				b.fn("f", 0, b.member("n", b.to(btf.Const, n), 0))
			},
			want: []string{"changed STRUCT node", "   size: 4 -> 8", "  .v bit offset: 0 -> 32"},
		},
		{
			name: "members",
			a: func(b builder) {
				i := b.integer("int")
				b.strct("s", 8, btf.Member{Name: b.name("x"), Type: i, Bits: 3}, b.member("gone", b.to(btf.Ptr, i), 64), b.member("t", i, 128))
			},
			b: func(b builder) {
				i := b.integer("int")
				b.strct("s", 8, btf.Member{Name: b.name("x"), Type: i, Bits: 4}, b.member("t", b.to(btf.Ptr, 0), 128), btf.Member{Name: b.name("new"), Type: i, Off: 64, Bits: 2})
			},
			opts: Options{NamedOnly: true},
			want: []string{
				"changed STRUCT s", "  .x bit-field size: 3 -> 4", "  .gone member: int * at bit 64 -> ",
				"  .t type: int -> void *", "  .new member:  -> int:2 at bit 64",
			},
		},
		{
			name: "inside types without a name",
			a: func(b builder) {
				i := b.integer("int")
				u := b.AddWith(btf.Type{Kind: btf.Union, Size: 4}, []btf.Member{b.member("a", i, 0)})
				b.strct("s", 8, b.member("", u, 0), b.member("p", b.to(btf.Ptr, u), 64))
			},
			b: func(b builder) {
				i := b.integer("int")
				u := b.AddWith(btf.Type{Kind: btf.Union, Size: 4}, []btf.Member{b.member("a", b.to(btf.Volatile, i), 0)})
				b.strct("s", 8, b.member("", u, 0), b.member("p", b.to(btf.Ptr, u), 64))
			},
			opts: Options{NamedOnly: true},
			want: []string{
				"changed STRUCT s", "  .(anon).a type: int -> volatile int", "  .p.a type: int -> volatile int",
			},
		},
		{
			name: "enumerators",
			a: func(b builder) {
				b.named(btf.Enum, "e", btf.Type{Size: 4}, btf.Member{Name: b.name("A")}, btf.Member{Name: b.name("B"), Off: 1}, btf.Member{Name: b.name("C"), Off: 2})
			},
			b: func(b builder) {
				b.named(btf.Enum, "e", btf.Type{Size: 4, Flag: true}, btf.Member{Name: b.name("B"), Off: 0xffffffff}, btf.Member{Name: b.name("A")}, btf.Member{Name: b.name("D"), Off: 2})
			},
			want: []string{
				"changed ENUM e", "   signedness: unsigned -> signed", "  .B value: 1 -> -1", "  .C enumerator: 2 -> ",
				"  .D enumerator:  -> 2", "   order of enumerators: A B C -> B A D",
			},
		},
		{
			name: "functions",
			a: func(b builder) {
				i := b.integer("int")
				b.fn("f", i, b.member("x", i, 0))
				b.fn("g", i, b.member("x", i, 0), b.member("y", i, 0))
				b.fn("only", 0)
			},
			b: func(b builder) {
				i := b.integer("int")
				b.fn("f", 0, b.member("y", i, 0))
				b.fn("g", i, b.member("x", b.to(btf.Ptr, i), 0))
			},
			opts: Options{NamedOnly: true},
			want: []string{
				"changed FUNC f", "  (return) type: int -> void", "  (parameter 1) name: x -> y",
				"changed FUNC g", "   type: int (int x, int y) -> int (int *x)",
				"only-a FUNC only: void only(void)",
			},
		},
		{
			name: "multiplicity of types without a name",
			a: func(b builder) {
				i := b.integer("int")
				b.to(btf.Ptr, i)
				b.to(btf.Ptr, i)
				b.to(btf.Const, i)
			},
			b:    func(b builder) { b.to(btf.Ptr, b.integer("int")) },
			want: []string{"count PTR: int * 2/1", "only-a CONST: const int"},
		},
		{
			name: "several definitions of a name",
			a: func(b builder) {
				i := b.integer("int")
				b.strct("s", 4, b.member("x", i, 0))
				b.strct("s", 4, b.member("x", i, 0))
				b.strct("s", 8, b.member("y", i, 0))
				b.strct("s", 16, b.member("z", i, 0), b.member("zz", i, 32))
			},
			b: func(b builder) {
				i := b.integer("int")
				b.strct("s", 16, b.member("z", i, 0), b.member("zz", i, 64))
				b.strct("s", 4, b.member("x", i, 0))
			},
			want: []string{
				"changed STRUCT s", "  .zz bit offset: 32 -> 64",
				"only-a STRUCT s: size 8, 1 members",
				"count STRUCT s: size 4, 1 members 2/1",
			},
		},
		{
			name: "reference to the other definition of a name",
			a: func(b builder) {
				i := b.integer("int")
				one, _ := b.strct("s", 4, b.member("x", i, 0)), b.strct("s", 4, b.member("y", i, 0))
				b.strct("user", 8, b.member("p", b.to(btf.Ptr, one), 0))
			},
			b: func(b builder) {
				i := b.integer("int")
				_, two := b.strct("s", 4, b.member("x", i, 0)), b.strct("s", 4, b.member("y", i, 0))
				b.strct("user", 8, b.member("p", b.to(btf.Ptr, two), 0))
			},
			opts: Options{NamedOnly: true},
			want: []string{
				"changed STRUCT user",
				"  .p type, leads to another definition of the name: struct s * [4] -> struct s * [4]",
			},
		},
		{
			name: "definitions that differ further away",
			a: func(b builder) {
				i := b.integer("int")
				d1, d2 := b.strct("deep", 4, b.member("x", i, 0)), b.strct("deep", 4, b.member("y", i, 0))
				m1, m2 := b.strct("mid", 8, b.member("d", b.to(btf.Ptr, d1), 0)), b.strct("mid", 8, b.member("d", b.to(btf.Ptr, d2), 0))
				b.strct("u1", 8, b.member("m", m1, 0))
				b.strct("u2", 8, b.member("m", m2, 0))
			},
			b: func(b builder) {
				i := b.integer("int")
				d1, d2 := b.strct("deep", 4, b.member("x", i, 0)), b.strct("deep", 4, b.member("y", i, 0))
				m1, m2 := b.strct("mid", 8, b.member("d", b.to(btf.Ptr, d1), 0)), b.strct("mid", 8, b.member("d", b.to(btf.Ptr, d2), 0))
				b.strct("u1", 8, b.member("m", m2, 0))
				b.strct("u2", 8, b.member("m", m1, 0))
			},
			want: []string{
				"changed STRUCT u1", "  .m type, leads to another definition of the name: struct mid [5] -> struct mid [7]",
				"changed STRUCT u2", "  .m type, leads to another definition of the name: struct mid [7] -> struct mid [5]",
			},
		},
		{
			name: "own copy of a base type",
			base: base,
			a:    pointee(func(b builder) btf.ID { return b.strct("node", 8, b.member("v", baseInt, 0)) }),
			b:    func(b builder) { b.strct("user", 8, b.member("n", basePtr, 0)) },
			want: []string{"own-copy-a STRUCT node: same content", "own-copy-a PTR: struct node *"},
		},
		{
			name: "own copy with other content",
			base: base,
			a:    func(b builder) { b.strct("user", 8, b.member("n", basePtr, 0)) },
			b:    pointee(func(b builder) btf.ID { return b.strct("node", 16, b.member("v", baseInt, 0)) }),
			opts: Options{NamedOnly: true},
			want: []string{
				"changed STRUCT user", "  .n type, leads to another definition of the name: struct node * [3] -> struct node * [5]",
				"own-copy-b STRUCT node: other content", "   size: 8 -> 16",
			},
		},
		{
			name: "own type in one, base type in the other, both have both",
			base: base,
			a: func(b builder) {
				own := b.strct("node", 8, b.member("v", baseInt, 0))
				b.strct("user", 8, b.member("n", b.to(btf.Ptr, own), 0))
			},
			b: func(b builder) {
				b.strct("node", 8, b.member("v", baseInt, 0))
				b.strct("user", 8, b.member("n", b.to(btf.Ptr, baseNode), 0))
			},
			opts: Options{NamedOnly: true},
			want: []string{"origin STRUCT node: its own in A, the base's in B, seen from STRUCT 'user'"},
		},
		{
			name: "forward declaration",
			a:    pointee(func(b builder) btf.ID { return b.named(btf.Fwd, "node", btf.Type{}) }),
			b:    pointee(func(b builder) btf.ID { return b.strct("node", 0) }),
			want: []string{"forward-a STRUCT node"},
		},
		{
			name: "forward declaration beside the definition",
			a: func(b builder) {
				b.strct("node", 0)
				b.strct("user", 8, b.member("n", b.to(btf.Ptr, b.named(btf.Fwd, "node", btf.Type{})), 0))
			},
			b:    pointee(func(b builder) btf.ID { return b.strct("node", 0) }),
			want: []string{"forward-a STRUCT node", "only-a FWD node: struct"},
		},
		{
			name: "forward declaration of a union is none of a struct",
			a:    pointee(func(b builder) btf.ID { return b.named(btf.Fwd, "node", btf.Type{Flag: true}) }),
			b:    pointee(func(b builder) btf.ID { return b.strct("node", 0) }),
			opts: Options{NamedOnly: true},
			want: []string{
				"changed STRUCT user", "  .n type: union node * -> struct node *",
				"only-b STRUCT node: size 0, 0 members", "only-a FWD node: union",
			},
		},
		{
			name: "ignored functions take along what only they need",
			a: func(b builder) {
				i := b.integer("int")
				b.fn("f", 0, b.member("x", b.to(btf.Ptr, b.to(btf.Const, i)), 0))
				b.strct("s", 8, b.member("cb", b.to(btf.Ptr, b.AddWith(btf.Type{Kind: btf.FuncProto, Ref: i}, nil)), 0))
				b.named(btf.DeclTag, "kfunc", btf.Type{Ref: b.fn("g", 0), Extra: 0xffffffff})
			},
			b: func(b builder) {
				b.strct("s", 8, b.member("cb", b.to(btf.Ptr, b.AddWith(btf.Type{Kind: btf.FuncProto, Ref: b.integer("int")}, nil)), 0))
			},
			opts: Options{IgnoreKinds: []btf.Kind{btf.Func}},
		},
		{
			name: "prototypes of types count without functions",
			a: func(b builder) {
				b.strct("s", 8, b.member("cb", b.to(btf.Ptr, b.AddWith(btf.Type{Kind: btf.FuncProto}, nil)), 0))
			},
			b: func(b builder) {
				b.strct("s", 8, b.member("cb", b.to(btf.Ptr, b.AddWith(btf.Type{Kind: btf.FuncProto}, []btf.Member{{}})), 0))
			},
			opts: Options{IgnoreKinds: []btf.Kind{btf.Func, btf.FuncProto, btf.Ptr}},
			want: []string{"changed STRUCT s", "  .cb type: void (*)(void) -> void (*)(...)"},
		},
		{
			name: "only the kinds that are asked for",
			a:    func(b builder) { b.to(btf.Ptr, b.strct("s", 4)) },
			b:    func(b builder) { b.to(btf.Const, b.strct("s", 8)) },
			opts: Options{Kinds: []btf.Kind{btf.Const}},
			want: []string{"only-b CONST: const struct s"},
		},
		{
			name: "sections",
			a: func(b builder) {
				i := b.integer("int")
				x, y := b.named(btf.Var, "x", btf.Type{Ref: i}), b.named(btf.Var, "y", btf.Type{Ref: i})
				b.named(btf.DataSec, ".data", btf.Type{Size: 8}, btf.Member{Type: x, Bits: 4}, btf.Member{Type: y, Off: 4, Bits: 4})
			},
			b: func(b builder) {
				x := b.named(btf.Var, "x", btf.Type{Ref: b.integer("int"), Extra: 1})
				b.named(btf.DataSec, ".data", btf.Type{Size: 8}, btf.Member{Type: x, Off: 4, Bits: 4})
			},
			want: []string{
				"changed VAR x", "   linkage: 0 -> 1", "only-a VAR y: int y",
				"changed DATASEC .data", "  .x offset: 0 -> 4", "  .y variable: offset 4, size 4 -> ",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := build(t, tt.base, tt.a), build(t, tt.base, tt.b)
			r := Compare(a, b, tt.opts)
			if got := lines(r); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(tt.want, "\n  "))
			}
			if back := Compare(b, a, tt.opts); back.Different() != r.Different() || len(back.Entries) != len(r.Entries) {
				t.Errorf("%d differences, %d the other way round", len(r.Entries), len(back.Entries))
			}
		})
	}
}
