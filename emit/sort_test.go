package emit

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"mkbtf/btf"
)

// orderSample has anonymous types that others lead to, some that nothing leads to,
// and several types of one name.
func orderSample() *btf.Table {
	t := btf.NewTable(1, nil)
	s := t.Strings.InternString
	i := t.Add(btf.Type{Kind: btf.Int, Name: s("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	a := t.AddWith(btf.Type{Kind: btf.Struct, Name: s("a"), Size: 4}, []btf.Member{{Name: s("x"), Type: i}})
	a2 := t.AddWith(btf.Type{Kind: btf.Struct, Name: s("a"), Size: 8}, []btf.Member{{Name: s("x"), Type: i}})
	t.Add(btf.Type{Kind: btf.Typedef, Name: s("a"), Ref: a})
	pa, pa2 := t.Add(btf.Type{Kind: btf.Ptr, Ref: a}), t.Add(btf.Type{Kind: btf.Ptr, Ref: a2})
	proto := t.AddWith(btf.Type{Kind: btf.FuncProto, Ref: i}, []btf.Member{{Name: s("p"), Type: pa}, {Name: s("q"), Type: pa2}})
	fn := t.Add(btf.Type{Kind: btf.Func, Name: s("fn"), Ref: proto})
	fn2 := t.Add(btf.Type{Kind: btf.Func, Name: s("fm"), Ref: proto})
	t.Add(btf.Type{Kind: btf.DeclTag, Name: s("tag"), Ref: fn, Extra: 1})
	t.Add(btf.Type{Kind: btf.DeclTag, Name: s("tag"), Ref: fn2, Extra: 1})
	t.Add(btf.Type{Kind: btf.Const, Ref: t.Add(btf.Type{Kind: btf.Volatile, Ref: a})})
	t.Add(btf.Type{Kind: btf.Const, Ref: t.Add(btf.Type{Kind: btf.Restrict, Ref: pa})})
	t.AddWith(btf.Type{Kind: btf.Enum, Size: 4}, []btf.Member{{Name: s("E1")}})
	t.AddWith(btf.Type{Kind: btf.Enum, Size: 4}, []btf.Member{{Name: s("E2")}})
	return t
}

// shuffled is the table with its types in another order.
func shuffled(t *btf.Table, r *rand.Rand) *btf.Table {
	place := r.Perm(len(t.Types))
	out := btf.NewTable(t.Start, t.Strings)
	out.Types = make([]btf.Type, len(t.Types))
	out.Members = append(out.Members, t.Members...)
	for i, typ := range t.Types {
		out.Types[place[i]] = typ
	}
	for i := range out.Types {
		out.Refs(&out.Types[i], func(id *btf.ID) {
			if t.Own(*id) {
				*id = t.Start + btf.ID(place[*id-t.Start])
			}
		})
	}
	return out
}

func TestOrderFollowsFromTypes(t *testing.T) {
	var first []byte
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		table := shuffled(orderSample(), r)
		SortByName(table)
		raw, err := btf.Encode(table, binary.LittleEndian, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = raw
		}
		if !bytes.Equal(raw, first) {
			t.Fatal("the same types in another order give other bytes")
		}
	}
}

// TestOrderOfCycles sorts what no compiler makes: it must end.
func TestOrderOfCycles(t *testing.T) {
	table := btf.NewTable(1, nil)
	for i := range btf.ID(50) {
		table.Add(btf.Type{Kind: btf.Ptr, Ref: 1 + (i+1)%50})
		table.AddWith(btf.Type{Kind: btf.Struct, Size: 8}, []btf.Member{{Type: 1 + (i+2)%50}, {Type: 1 + (i+3)%50}})
	}
	SortByName(table)
}
