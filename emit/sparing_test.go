package emit_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/emit"
	"mkbtf/internal/verify"
)

func distil(t *testing.T, base *btf.Blob, opts emit.DistilOptions) *emit.Output {
	t.Helper()
	out, err := emit.Distilled(module(base.End()), base, binary.LittleEndian, opts)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func entries(out *emit.Output) string {
	var names []string
	for _, e := range out.Entries {
		names = append(names, e.Name)
	}
	return strings.Join(names, " ")
}

// ownStruct returns the number of members of a struct of the module, -1 if there is none.
func ownStruct(t *testing.T, out *emit.Output, name string) int {
	t.Helper()
	base, err := btf.Parse(out.Base, nil)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := btf.Parse(out.BTF, base)
	if err != nil {
		t.Fatal(err)
	}
	for id := blob.Start(); id < blob.End(); id++ {
		if r := blob.Record(id); r.Kind() == btf.Struct && string(blob.StringAt(r.NameOff)) == name {
			return r.Vlen()
		}
	}
	return -1
}

func TestCarry(t *testing.T) {
	task, list := emit.Tag{Kind: btf.Struct, Name: "task"}, emit.Tag{Kind: btf.Struct, Name: "list"}
	tests := []struct {
		name    string
		opts    emit.DistilOptions
		entries string
		task    int // members of the module's own copy, -1 without one
		list    int
	}{
		{"nothing", emit.DistilOptions{}, "int list task", -1, -1},
		{"pointee without members", emit.DistilOptions{Carry: map[emit.Tag]emit.Carry{task: emit.CarryShell}}, "int list", 0, -1},
		{"pointee in full", emit.DistilOptions{Carry: map[emit.Tag]emit.Carry{task: emit.CarryFull}}, "int list", 1, -1},
		{"embedded in full", emit.DistilOptions{Carry: map[emit.Tag]emit.Carry{list: emit.CarryFull}}, "int task", -1, 1},
		{"embedded is never without members", emit.DistilOptions{Carry: map[emit.Tag]emit.Carry{list: emit.CarryShell}}, "int task", -1, 1},
		{"a type that nothing leads to", emit.DistilOptions{Need: []btf.ID{15}}, "int list module task", -1, -1},
		{"ambiguous by decree", emit.DistilOptions{Ambiguous: emit.Names{"task": true, "two": true}}, "int list", 1, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := load(t, kernel(), binary.LittleEndian)
			out := distil(t, base, tt.opts)
			if got := entries(out); got != tt.entries {
				t.Errorf("base holds %s, want %s", got, tt.entries)
			}
			if n := ownStruct(t, out, "task"); n != tt.task {
				t.Errorf("own struct task has %d members, want %d", n, tt.task)
			}
			if n := ownStruct(t, out, "list"); n != tt.list {
				t.Errorf("own struct list has %d members, want %d", n, tt.list)
			}
			if res, err := verify.Module(out.BTF, out.Base, base.Data, nil); err != nil || res.Outcome != verify.Loads || len(res.Problems) > 0 {
				t.Errorf("%v %+v", err, res)
			}
		})
	}
}

// TestCarryBehindTypedef embeds through a typedef of the base what a pointer has
// already brought in without members.
func TestCarryBehindTypedef(t *testing.T) {
	k := kernel()
	name := k.Add(btf.Type{Kind: btf.Typedef, Name: k.Strings.InternString("task_t"), Ref: 2})
	pointer := k.Add(btf.Type{Kind: btf.Ptr, Ref: name})
	base := load(t, k, binary.LittleEndian)
	m := btf.NewTable(base.End(), nil)
	s := m.Strings.InternString
	// An own array of the typedef, and before it a pointer to the same.
	array := m.Add(btf.Type{Kind: btf.Array, Ref: name, Extra: 1, Size: 2})
	m.AddWith(btf.Type{Kind: btf.Struct, Name: s("first"), Size: 8}, []btf.Member{{Name: s("p"), Type: pointer}})
	m.AddWith(btf.Type{Kind: btf.Struct, Name: s("second"), Size: 8}, []btf.Member{{Name: s("a"), Type: array}})
	out, err := emit.Distilled(m, base, binary.LittleEndian, emit.DistilOptions{
		Carry: map[emit.Tag]emit.Carry{{Kind: btf.Struct, Name: "task"}: emit.CarryShell},
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := ownStruct(t, out, "task"); n != 1 {
		t.Errorf("struct task, which second holds, has %d members, want 1", n)
	}
}

func TestExplain(t *testing.T) {
	base := load(t, kernel(), binary.LittleEndian)
	conditions, err := emit.Explain(distil(t, base, emit.DistilOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range conditions {
		got = append(got, conditions[i].Text())
		for _, n := range conditions[i].Needs {
			got = append(got, fmt.Sprintf("- %s, by value %v", n, n.ByValue))
		}
	}
	want := []string{
		"int int: is in every kernel",
		"struct list: must have 4 bytes, the module embeds it",
		"- struct own, member list, by value true",
		"struct task: must be there, of any size",
		"- function f, parameter 1 (t), by value false",
		"- struct own, member task, by value false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	alone := kernel()
	out, err := emit.Standalone(alone, binary.LittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	if conditions, err = emit.Explain(out); err != nil || conditions != nil {
		t.Errorf("standalone BTF: %v, %v", conditions, err)
	}
}
