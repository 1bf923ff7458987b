//go:build unix

package main

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
)

// growthTables are BTF that is made to take more time or memory than it is worth.
func growthTables() map[string]func(t *btf.Table, n int) {
	name := func(t *btf.Table, format string, args ...any) btf.Str {
		return t.Strings.InternString(fmt.Sprintf(format, args...))
	}
	chain := func(kind btf.Kind, named bool) func(t *btf.Table, n int) {
		return func(t *btf.Table, n int) {
			for i := range n {
				typ := btf.Type{Kind: kind, Ref: btf.ID(i + 1)}
				if named {
					typ.Name = name(t, "t%d", i)
				}
				t.Add(typ)
			}
			t.AddWith(btf.Type{Kind: btf.Struct, Name: name(t, "user"), Size: 8}, []btf.Member{{Name: name(t, "m"), Type: btf.ID(n + 1)}})
		}
	}
	return map[string]func(t *btf.Table, n int){
		"typedefs of typedefs": chain(btf.Typedef, true),
		"pointers to pointers": chain(btf.Ptr, false),
		"const of const":       chain(btf.Const, false),
		"arrays of arrays": func(t *btf.Table, n int) {
			for i := range n {
				t.Add(btf.Type{Kind: btf.Array, Ref: btf.ID(i + 1), Extra: 1, Size: 1})
			}
		},
		"structs in structs": func(t *btf.Table, n int) {
			for i := range n {
				t.AddWith(btf.Type{Kind: btf.Struct, Size: 4}, []btf.Member{{Name: name(t, "m"), Type: btf.ID(i + 1)}})
			}
		},
		"structs of one name": func(t *btf.Table, n int) {
			for i := range n {
				t.AddWith(btf.Type{Kind: btf.Struct, Name: name(t, "task_struct"), Size: uint32(8 + i)}, []btf.Member{{Name: name(t, "m%d", i), Type: 1}})
			}
		},
		"2 to the n members": func(t *btf.Table, n int) {
			for i := range min(n, 200) {
				t.AddWith(btf.Type{Kind: btf.Struct, Size: 8}, []btf.Member{{Name: name(t, "a"), Type: btf.ID(i + 1)}, {Name: name(t, "b"), Type: btf.ID(i + 1), Off: 32}})
			}
		},
		"functions of one name": func(t *btf.Table, n int) {
			for i := range n {
				p := t.AddWith(btf.Type{Kind: btf.FuncProto, Ref: 1}, []btf.Member{{Name: name(t, "p%d", i), Type: 1}})
				t.Add(btf.Type{Kind: btf.Func, Name: name(t, "f"), Ref: p})
			}
		},
	}
}

// TestGrowth runs all commands on such BTF, within the bounds of TestMutations.
func TestGrowth(t *testing.T) {
	m := newMutations(t)
	var base *subject
	for _, s := range m.subjects {
		if s.btf && strings.Contains(s.path, "x86_64-gcc-dwarf5-types") {
			base = s
		}
	}
	if base == nil {
		t.Fatal("no base")
	}
	for what, fill := range growthTables() {
		for _, n := range []int{500, 3000} { // where the kernel's own limits are far and near
			tab := btf.NewTable(1, nil)
			tab.Add(btf.Type{Kind: btf.Int, Name: tab.Strings.InternString("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
			fill(tab, n)
			data, err := btf.Encode(tab, binary.LittleEndian, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			c := &mutationCase{mutations: m, t: t, subject: base, data: data, path: filepath.Join(m.dir, "damaged.btf"), name: fmt.Sprintf("%s, %d", what, n)}
			for _, cmd := range baseCommands {
				c.run(cmd)
			}
		}
	}
	t.Logf("longest: %v; most allocated: %d MB", m.longest, m.most>>20)
}
