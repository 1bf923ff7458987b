package btfids

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
)

// kernelTable holds what kfuncs refer to: int, bpf_prog_aux, a struct, pointers.
func kernelTable() (*btf.Table, map[string]btf.ID) {
	t := btf.NewTable(1, nil)
	s := t.Strings.InternString
	ids := map[string]btf.ID{"void": 0}
	ids["int"] = t.Add(btf.Type{Kind: btf.Int, Name: s("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	for _, name := range []string{"bpf_prog_aux", "btf_struct_meta", "task"} {
		id := t.Add(btf.Type{Kind: btf.Struct, Name: s(name), Size: 8})
		ids[name+"*"] = t.Add(btf.Type{Kind: btf.Ptr, Ref: id})
	}
	ids["void*"] = t.Add(btf.Type{Kind: btf.Ptr})
	return t, ids
}

// addFunc adds "name(ret, param type...)".
func addFunc(t *btf.Table, ids map[string]btf.ID, text string) {
	name, rest, _ := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	var params []btf.Member
	parts := strings.Split(rest, ",")
	for _, p := range parts[1:] {
		n, typ, _ := strings.Cut(strings.TrimSpace(p), " ")
		params = append(params, btf.Member{Name: t.Strings.InternString(n), Type: ids[typ]})
	}
	proto := (&decorator{t: t}).enter(btf.Type{Kind: btf.FuncProto, Ref: ids[parts[0]]}, params)
	t.Add(btf.Type{Kind: btf.Func, Name: t.Strings.InternString(name), Ref: proto})
}

// show renders the FUNCs and their tags.
func show(b *btf.Blob) []string {
	var typ func(id btf.ID) string
	typ = func(id btf.ID) string {
		t, _ := b.Decode(id, nil, func(off uint32) btf.Str { return btf.Str(off) })
		switch t.Kind {
		case btf.Void:
			return "void"
		case btf.Ptr:
			return typ(t.Ref) + "*"
		case btf.TypeTag:
			return fmt.Sprintf("<%s %v>%s", b.StringAt(uint32(t.Name)), t.Flag, typ(t.Ref))
		}
		return string(b.StringAt(uint32(t.Name)))
	}
	var list []string
	for id := b.Start(); id < b.End(); id++ {
		t, _ := b.Decode(id, nil, func(off uint32) btf.Str { return btf.Str(off) })
		if t.Kind != btf.Func {
			continue
		}
		p, params := b.Decode(t.Ref, nil, func(off uint32) btf.Str { return btf.Str(off) })
		var parts []string
		for _, m := range params {
			parts = append(parts, typ(m.Type))
		}
		line := fmt.Sprintf("%s %s(%s)", typ(p.Ref), b.StringAt(uint32(t.Name)), strings.Join(parts, ", "))
		var tags []string
		for x := b.Start(); x < b.End(); x++ {
			if u, _ := b.Decode(x, nil, func(off uint32) btf.Str { return btf.Str(off) }); u.Kind == btf.DeclTag && u.Ref == id {
				tags = append(tags, fmt.Sprintf(" %s:%d", b.StringAt(uint32(u.Name)), int32(u.Extra)))
			}
		}
		slices.Sort(tags)
		list = append(list, line+strings.Join(tags, ""))
	}
	slices.Sort(list)
	return list
}

func TestDecorate(t *testing.T) {
	all := Decorations{Tags: true, Attributes: true, Implicit: true}
	tests := []struct {
		name    string
		funcs   []string
		kfuncs  []KFunc
		d       Decorations
		want    []string
		missing int
	}{
		{
			"tags",
			[]string{"f(int)", "g(int)", "other(int)"},
			[]KFunc{{"f", 0}, {"g", FastCall}, {"gone", 0}},
			Decorations{Tags: true},
			[]string{"int f() bpf_kfunc:-1", "int g() bpf_fastcall:-1 bpf_kfunc:-1", "int other()"},
			1,
		},
		{
			"nothing asked for",
			[]string{"f(int, a bpf_prog_aux*)"},
			[]KFunc{{"f", FastCall | ArenaArg1 | ImplicitArgs}},
			Decorations{},
			[]string{"int f(bpf_prog_aux*)"},
			0,
		},
		{
			"arena",
			[]string{"f(void*, a void*, b task*, c void*)"},
			[]KFunc{{"f", ArenaRet | ArenaArg2}},
			all,
			[]string{"<address_space(1) true>void* f(void*, <address_space(1) true>task*, void*) bpf_kfunc:-1"},
			0,
		},
		{
			"arena by suffix",
			[]string{"f(int, p__arena void*, q__arena__nullable task*, r__arena int)"},
			[]KFunc{{"f", 0}},
			all,
			[]string{"int f(<address_space(1) true>void*, <address_space(1) true>task*, int) bpf_kfunc:-1"},
			0,
		},
		{
			"an argument that is not there",
			[]string{"f(int, a int)"},
			[]KFunc{{"f", ArenaRet | ArenaArg1 | ArenaArg2}},
			all,
			[]string{"int f(int) bpf_kfunc:-1"},
			0,
		},
		{
			"implicit",
			[]string{"f(int, a task*, m btf_struct_meta*, x bpf_prog_aux*)"},
			[]KFunc{{"f", ImplicitArgs | FastCall}},
			all,
			[]string{"int f(task*) bpf_fastcall:-1 bpf_kfunc:-1", "int f_impl(task*, btf_struct_meta*, bpf_prog_aux*) bpf_fastcall:-1"},
			0,
		},
		{
			"implicit, with a function of that name",
			[]string{"f_impl(int, a task*, x bpf_prog_aux*)", "f(int, a int, x bpf_prog_aux*)"},
			[]KFunc{{"f", ImplicitArgs}},
			all,
			[]string{"int f(int) bpf_kfunc:-1", "int f_impl(task*, bpf_prog_aux*)"},
			0,
		},
		{
			"prototypes that exist",
			[]string{"f(int, a task*, x bpf_prog_aux*)", "g(int, a task*)", "h(void*, a task*)"},
			[]KFunc{{"f", ImplicitArgs}, {"g", ArenaArg1}, {"h", ArenaArg1 | ArenaRet}},
			all,
			[]string{
				"<address_space(1) true>void* h(<address_space(1) true>task*) bpf_kfunc:-1",
				"int f(task*) bpf_kfunc:-1", "int f_impl(task*, bpf_prog_aux*)", "int g(<address_space(1) true>task*) bpf_kfunc:-1",
			},
			0,
		},
		{
			"implicit, without such arguments",
			[]string{"f(int, a task*)"},
			[]KFunc{{"f", ImplicitArgs}},
			all,
			[]string{"int f(task*) bpf_kfunc:-1"},
			0,
		},
	}
	for _, tt := range tests {
		for _, split := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/split %v", tt.name, split), func(t *testing.T) {
				order := btf.Order(binary.LittleEndian)
				tab, ids := kernelTable()
				var base *btf.Blob
				if split {
					base = encode(t, tab, order, nil)
					tab = btf.NewTable(base.End(), nil)
				}
				for _, f := range tt.funcs {
					addFunc(tab, ids, f)
				}
				missing, _, err := Decorate(tab, base, tt.kfuncs, tt.d)
				if err != nil || len(missing) != tt.missing {
					t.Errorf("missing %v, error %v", missing, err)
				}
				once := encode(t, tab, order, base)
				if got := show(once); !slices.Equal(got, tt.want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
				}
				if n := unusedProtos(tab); n > 0 {
					t.Errorf("%d prototypes that no function has", n)
				}
				if n := equalTypes(once); n > 0 {
					t.Errorf("%d types are there twice", n)
				}
				if _, _, err := Decorate(tab, base, tt.kfuncs, tt.d); err != nil {
					t.Fatal(err)
				}
				if got := show(encode(t, tab, order, base)); !slices.Equal(got, tt.want) || tab.End() != once.End() {
					t.Errorf("the second time\n%s", strings.Join(got, "\n"))
				}
			})
		}
	}
}

func equalTypes(b *btf.Blob) int {
	seen := map[string]bool{}
	n := 0
	for id := btf.ID(1); id < b.End(); id++ {
		k := fmt.Sprint(b.Record(id), b.Extra(id))
		if seen[k] {
			n++
		}
		seen[k] = true
	}
	return n
}

func unusedProtos(t *btf.Table) int {
	used := map[btf.ID]bool{}
	n := 0
	for i := range t.Types {
		used[t.Types[i].Ref] = true
	}
	for i := range t.Types {
		if t.Types[i].Kind == btf.FuncProto && !used[t.Start+btf.ID(i)] {
			n++
		}
	}
	return n
}

func TestDecorateMalformed(t *testing.T) {
	tab, ids := kernelTable()
	tab.Add(btf.Type{Kind: btf.Func, Name: tab.Strings.InternString("f"), Ref: ids["int"]})
	if _, _, err := Decorate(tab, nil, []KFunc{{"f", ImplicitArgs}}, Decorations{Implicit: true}); err == nil {
		t.Error("a FUNC that is an int: no error")
	}
}
