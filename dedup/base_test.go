package dedup

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
)

// unit builds a table from lines like those of a dump:
//
//	int:INT  s:STRUCT(a=p,b=int)  p:PTR(s)  fwd X:FWD  t:TYPEDEF(p)
//
// Each line is "id kind name args"; ids are any words.
func parseUnit(t *testing.T, pool *btf.Strings, text string) (*btf.Table, map[string]btf.ID) {
	t.Helper()
	tab := btf.NewTable(1, pool)
	ids := map[string]btf.ID{"void": 0}
	var lines [][]string
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		f := strings.Fields(line)
		lines = append(lines, f)
		ids[f[0]] = btf.ID(len(lines))
	}
	id := func(s string) btf.ID {
		n, ok := ids[s]
		if !ok {
			t.Fatalf("no type %q", s)
		}
		return n
	}
	kinds := map[string]btf.Kind{}
	for k := btf.Int; k < btf.NumKinds; k++ {
		kinds[k.String()] = k
	}
	for _, f := range lines {
		k := kinds[f[1]]
		if k == 0 {
			t.Fatalf("no kind %q", f[1])
		}
		typ := btf.Type{Kind: k}
		args := f[2:]
		if len(args) > 0 && !strings.ContainsAny(args[0], "=>") {
			typ.Name = pool.InternString(args[0])
			args = args[1:]
		}
		var ms []btf.Member
		for _, a := range args {
			key, val, _ := strings.Cut(a, "=")
			switch {
			case key == ">":
				typ.Ref = id(val)
			case key == "size":
				fmt.Sscan(val, &typ.Size)
			case key == "flag":
				typ.Flag = true
			case key == "index":
				typ.Extra = uint32(id(val))
			case k.IsEnum():
				m := btf.Member{Name: pool.InternString(key)}
				fmt.Sscan(val, &m.Off)
				ms = append(ms, m)
			default:
				ms = append(ms, btf.Member{Name: pool.InternString(key), Type: id(val), Off: uint32(len(ms)) * 64})
			}
		}
		if k == btf.FuncProto {
			for i := range ms {
				ms[i].Off = 0
			}
		}
		if k == btf.Int {
			typ.Size, typ.Extra = 4, btf.IntData(btf.IntSigned, 0, 32)
		}
		tab.AddWith(typ, ms)
	}
	return tab, ids
}

func makeBase(t *testing.T, text string) (*Base, *btf.Blob) {
	t.Helper()
	tab, _ := parseUnit(t, btf.NewStrings(), text)
	return baseOf(t, tab)
}

// baseOf is the base that a table makes.
func baseOf(t *testing.T, tab *btf.Table) (*Base, *btf.Blob) {
	t.Helper()
	raw, err := btf.Encode(tab, binary.LittleEndian, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := btf.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return NewBase(blob), blob
}

// describe lists own types as "KIND name" or "KIND>what it refers to".
func describe(tab *btf.Table, blob *btf.Blob) []string {
	var name func(id btf.ID, deep int) string
	name = func(id btf.ID, deep int) string {
		if id < tab.Start {
			r := blob.Record(id)
			return fmt.Sprintf("base:%s", blob.StringAt(r.NameOff))
		}
		t := tab.At(id)
		s := t.Kind.String()
		if t.Name != 0 {
			s += " " + tab.Name(t.Name)
		}
		if t.Kind.HasRef() && deep > 0 && t.Kind != btf.Func {
			s += ">" + name(t.Ref, deep-1)
		}
		return s
	}
	var all []string
	for i := range tab.Types {
		all = append(all, name(tab.Start+btf.ID(i), 2))
	}
	slices.Sort(all)
	return all
}

func TestOverBase(t *testing.T) {
	const sb = `
int INT int
wq STRUCT wq size=8 a=int
pwq PTR >=wq
sb STRUCT sb size=16 q=pwq n=int
psb PTR >=sb
`
	tests := []struct {
		name, base, unit string
		want             []string
	}{
		{"all the base's", sb, sb, nil},
		{"only the own one of a name is repeated", sb, `
int INT int
wq STRUCT wq size=16 a=int b=int
pwq PTR >=wq
sb STRUCT sb size=16 q=pwq n=int
psb PTR >=sb
`, []string{"PTR>STRUCT wq", "STRUCT wq"}},
		{"declared here, defined there", sb, `
wq FWD wq
pwq PTR >=wq
int INT int
sb STRUCT sb size=16 q=pwq n=int
`, nil},
		{"declared there, defined here", `
int INT int
wq FWD wq
pwq PTR >=wq
sb STRUCT sb size=16 q=pwq n=int
psb PTR >=sb
`, sb, []string{"PTR>STRUCT wq", "STRUCT wq"}},
		{"held by value and other than the base's", `
int INT int
in STRUCT in size=8 a=int
out STRUCT out size=8 i=in
`, `
int INT int
in STRUCT in size=8 b=int
out STRUCT out size=8 i=in
more STRUCT more size=8 o=out
`, []string{"STRUCT in", "STRUCT more", "STRUCT out"}},
		{"held by value in an array of anonymous structs", `
int INT int
in STRUCT in size=8 a=int
anon STRUCT size=8 i=in
arr ARRAY >=anon index=int size=3
out STRUCT out size=24 i=arr
`, `
int INT int
in STRUCT in size=8 b=int
anon STRUCT size=8 i=in
arr ARRAY >=anon index=int size=3
out STRUCT out size=24 i=arr
`, []string{"ARRAY>STRUCT", "STRUCT", "STRUCT in", "STRUCT out"}},
		{"type tags on one side", `
int INT int
tag TYPE_TAG user >=int
p PTR >=tag
s STRUCT s size=8 p=p
`, `
int INT int
p PTR >=int
s STRUCT s size=8 p=p
ps PTR >=s
`, []string{"PTR>base:int", "PTR>base:s"}},
		{"index type of arrays", `
int INT int
long INT long
a ARRAY >=int index=long size=3
s STRUCT s size=12 a=a
`, `
int INT int
a ARRAY >=int index=int size=3
s STRUCT s size=12 a=a
`, nil},
		{"dimensions of arrays", `
int INT int
in ARRAY >=int index=int size=3
a ARRAY >=in index=int size=2
s STRUCT s size=24 a=a
t STRUCT t size=24 a=a
`, `
int INT int
a ARRAY >=int index=int size=6
s STRUCT s size=24 a=a
in ARRAY >=int index=int size=2
b ARRAY >=in index=int size=3
t STRUCT t size=24 a=b
`, []string{"ARRAY>ARRAY>base:int", "ARRAY>base:int", "ARRAY>base:int", "STRUCT t"}},
		{"functions stay", `
int INT int
proto FUNC_PROTO >=int x=int
f FUNC f >=proto
`, `
int INT int
proto FUNC_PROTO >=int x=int
f FUNC f >=proto
`, []string{"FUNC f"}},
		{"names of parameters tell prototypes apart", `
int INT int
proto FUNC_PROTO >=int x=int
`, `
int INT int
proto FUNC_PROTO >=int y=int
`, []string{"FUNC_PROTO>base:int"}},
		{"sign of an enum with the same values", `
e ENUM e size=4 A=1 B=2
`, `
e ENUM e size=4 flag= A=1 B=2
`, nil},
		{"another value", `
e ENUM e size=4 A=1 B=2
`, `
e ENUM e size=4 A=1 B=3
p PTR >=e
`, []string{"ENUM e", "PTR>ENUM e"}},
		{"two of a name in the base", `
int INT int
x1 STRUCT x size=8 a=int
x2 STRUCT x size=8 b=int
p1 PTR >=x1
p2 PTR >=x2
s STRUCT s size=8 p=p2
`, `
int INT int
x STRUCT x size=8 b=int
p PTR >=x
s STRUCT s size=8 p=p
`, nil},
		{"a tag of the base that the module lacks, and the other way round", `
int INT int
s STRUCT s size=8 a=int
`, `
int INT int
s STRUCT s size=8 a=int
tag DECL_TAG note >=s
own STRUCT own size=8 a=int
tag2 DECL_TAG note >=own
`, []string{"DECL_TAG note>STRUCT own", "STRUCT own"}},
		{"typedefs follow their own definition", `
int INT int
x STRUCT x size=8 a=int
t TYPEDEF t >=x
`, `
int INT int
x STRUCT x size=8 b=int
t TYPEDEF t >=x
`, []string{"STRUCT x", "TYPEDEF t>STRUCT x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base, blob := makeBase(t, tt.base)
			unit, _ := parseUnit(t, btf.NewStrings(), tt.unit)
			out, _ := run(t, []*btf.Table{unit}, base, 1)
			if got := describe(out, blob); !slices.Equal(got, tt.want) {
				t.Errorf("own types\n%q\nwant\n%q", got, tt.want)
			}
		})
	}
}

func TestUnits(t *testing.T) {
	const (
		declared = "x FWD x\np PTR >=x\ns STRUCT s size=8 p=p\n"
		first    = "int INT int\nx STRUCT x size=8 a=int\np PTR >=x\ns STRUCT s size=8 p=p\n"
		second   = "int INT int\nx STRUCT x size=8 b=int\np PTR >=x\ns STRUCT s size=8 p=p\n"
	)
	tests := []struct {
		name  string
		units []string
		want  []string
	}{
		{"declaration and definition", []string{declared, first}, []string{"INT int", "PTR>STRUCT x", "STRUCT s", "STRUCT x"}},
		{"only declared", []string{declared}, []string{"FWD x", "PTR>FWD x", "STRUCT s"}},
		{"two meanings", []string{first, second}, []string{"INT int", "PTR>STRUCT x", "PTR>STRUCT x", "STRUCT s", "STRUCT s", "STRUCT x", "STRUCT x"}},
		{"two meanings, one unit leaves it open", []string{first, second, declared}, []string{"INT int", "PTR>STRUCT x", "PTR>STRUCT x", "STRUCT s", "STRUCT x", "STRUCT x"}},
		{"an enum is only declared", []string{"x ENUM x size=4\np PTR >=x\n", "x ENUM x size=1 A=1\np PTR >=x\n"}, []string{"ENUM x", "PTR>ENUM x"}},
		{"a struct and a union of one name", []string{"x FWD x\np PTR >=x\n", "int INT int\nx UNION x size=4 a=int\np PTR >=x\n"}, []string{"FWD x", "INT int", "PTR>FWD x", "PTR>UNION x", "UNION x"}},
		{"two definitions in one unit", []string{"int INT int\nx STRUCT x size=8 a=int\ny STRUCT x size=8 b=int\np PTR >=x\nq PTR >=y\ns STRUCT s size=16 p=p q=q\n", first}, []string{"INT int", "PTR>STRUCT x", "PTR>STRUCT x", "STRUCT s", "STRUCT s", "STRUCT x", "STRUCT x"}},
		{"a cycle without a tag", []string{"p PTR >=t\nt TYPEDEF t >=p\n"}, []string{"PTR>base:", "TYPEDEF t>PTR>base:"}},
		{"a nameless struct that leads to itself", []string{"s STRUCT  size=8 a=p\np PTR >=s\n"}, []string{"PTR>STRUCT", "PTR>base:", "STRUCT"}},
		{"a nameless struct inside itself", []string{"s STRUCT  size=8 a=c\nc CONST >=s\n"}, []string{"CONST>STRUCT", "STRUCT", "STRUCT"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pool := btf.NewStrings()
			var units []*btf.Table
			for _, text := range tt.units {
				u, _ := parseUnit(t, pool, text)
				units = append(units, u)
			}
			out, _ := run(t, units, nil, 1)
			_, blob := makeBase(t, "int INT int")
			if got := describe(out, blob); !slices.Equal(got, tt.want) {
				t.Errorf("types\n%q\nwant\n%q", got, tt.want)
			}
		})
	}
}

func TestDeepContentIsCut(t *testing.T) {
	tab := btf.NewTable(1, nil)
	tab.Add(btf.Type{Kind: btf.Int, Name: tab.Strings.InternString("int"), Size: 4})
	for i := range 200000 {
		tab.Add(btf.Type{Kind: btf.Ptr, Ref: btf.ID(i + 1)})
	}
	d := New(false)
	w := d.NewWorker(tab.Strings)
	if _, err := w.Add(0, tab, len(tab.Types)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Merge(w); err != nil {
		t.Fatal(err)
	}
	if _, deep := d.Cut(); deep == 0 {
		t.Error("200000 nested pointers were not cut")
	}
}

func TestAddErrors(t *testing.T) {
	d := New(false)
	w := d.NewWorker(btf.NewStrings())
	tab := btf.NewTable(1, w.Strings())
	tab.Add(btf.Type{Kind: btf.Ptr, Ref: 2})
	if _, err := w.Add(0, tab, 1); err == nil {
		t.Error("a reference past the end was accepted")
	}
	if _, err := w.Add(0, btf.NewTable(1, nil), 0); err == nil {
		t.Error("a table with another string pool was accepted")
	}
	ok := btf.NewTable(1, w.Strings())
	for range 2 {
		if _, err := w.Add(7, ok, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Merge(w); err == nil {
		t.Error("one index for two units was accepted")
	}
}
