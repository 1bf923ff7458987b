package encode

import (
	"errors"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
)

func TestContradictions(t *testing.T) {
	member := func(typ btf.ID, off, bits uint32) btf.Member { return btf.Member{Type: typ, Off: off, Bits: bits} }
	// Types that all cases have.
	const (
		i     = btf.ID(iota + 1) // int
		p                        // pointer to it
		void                     // const void
		array                    // of 3 int
		proto                    // void (void)
		wide                     // enum of 8 bytes
		next
	)
	tests := []struct {
		name string
		typ  btf.Type
		ms   []btf.Member
		want string // "" if it is right
	}{
		{"struct", btf.Type{Kind: btf.Struct, Size: 24}, []btf.Member{member(i, 0, 0), member(p, 64, 0), member(i, 128, 3), member(i, 131, 29)}, ""},
		{"flexible array", btf.Type{Kind: btf.Struct, Size: 4}, []btf.Member{member(i, 0, 0), member(next+1, 32, 0)}, ""},
		{"long bit-field of an enum", btf.Type{Kind: btf.Struct, Size: 8}, []btf.Member{member(wide, 0, 40)}, ""},
		{"too large a member", btf.Type{Kind: btf.Struct, Size: 8}, []btf.Member{member(array, 0, 0)}, "ends at bit 96 of 64"},
		{"behind the end", btf.Type{Kind: btf.Union, Size: 4}, []btf.Member{member(i, 1, 32)}, "ends at bit 33 of 32"},
		{"member of nothing", btf.Type{Kind: btf.Struct, Size: 8}, []btf.Member{member(void, 0, 0)}, "has no size"},
		{"function as member", btf.Type{Kind: btf.Struct, Size: 8}, []btf.Member{member(proto, 0, 0)}, "has no size"},
		{"between bytes", btf.Type{Kind: btf.Struct, Size: 8}, []btf.Member{member(i, 3, 0)}, "does not begin at a byte"},
		{"bit-field of a pointer", btf.Type{Kind: btf.Struct, Size: 8}, []btf.Member{member(p, 0, 3)}, "of what is no number"},
		{"bit-field of too many bits", btf.Type{Kind: btf.Struct, Size: 8}, []btf.Member{member(i, 0, 33)}, "33 bits of 4 bytes"},
		{"struct in itself", btf.Type{Kind: btf.Struct, Size: 8}, []btf.Member{member(next, 0, 0)}, "contains itself"},
		{"no elements of itself", btf.Type{Kind: btf.Struct, Size: 8}, []btf.Member{member(i, 0, 0), member(next+2, 64, 0)}, "contains itself"},
		{"array of void", btf.Type{Kind: btf.Array, Ref: void, Extra: uint32(i), Size: 1}, nil, "no size"},
		{"array of too many", btf.Type{Kind: btf.Array, Ref: array, Extra: uint32(i), Size: 1 << 30}, nil, "too many"},
		{"array of nothing", btf.Type{Kind: btf.Array, Ref: i, Extra: uint32(i), Size: 0}, nil, ""},
		{"variadic function", btf.Type{Kind: btf.FuncProto, Ref: p}, []btf.Member{member(p, 0, 0), {}}, ""},
		{"dots in the middle", btf.Type{Kind: btf.FuncProto}, []btf.Member{{}, member(p, 0, 0)}, "parameter 0"},
		{"parameter of nothing", btf.Type{Kind: btf.FuncProto}, []btf.Member{member(void, 0, 0)}, "parameter 0"},
		{"returns a function", btf.Type{Kind: btf.FuncProto, Ref: proto}, nil, "returns what has no size"},
		{"variable", btf.Type{Kind: btf.Var, Ref: array}, nil, ""},
		{"variable of nothing", btf.Type{Kind: btf.Var, Ref: void}, nil, "has no size"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tab := btf.NewTable(1, nil)
			tab.Add(btf.Type{Kind: btf.Int, Size: 4})
			tab.Add(btf.Type{Kind: btf.Ptr, Ref: i})
			tab.Add(btf.Type{Kind: btf.Const})
			tab.Add(btf.Type{Kind: btf.Array, Ref: i, Extra: uint32(i), Size: 3})
			tab.Add(btf.Type{Kind: btf.FuncProto})
			tab.Add(btf.Type{Kind: btf.Enum64, Size: 8})
			tab.AddWith(tt.typ, tt.ms)
			tab.Add(btf.Type{Kind: btf.Array, Ref: i, Extra: uint32(i)})
			if tt.typ.Kind.IsComposite() {
				tab.Add(btf.Type{Kind: btf.Array, Ref: next, Extra: uint32(i)})
			}
			err := contradictions(tab, nil, 8)
			if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, dwarf2btf.ErrMalformed) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	t.Run("deep", func(t *testing.T) {
		tab := btf.NewTable(1, nil)
		tab.Add(btf.Type{Kind: btf.Int, Size: 4})
		for k := range 200000 {
			tab.Add(btf.Type{Kind: btf.Typedef, Ref: btf.ID(k + 1)})
		}
		tab.AddWith(btf.Type{Kind: btf.Struct, Size: 4}, []btf.Member{member(200001, 0, 0)})
		if err := contradictions(tab, nil, 8); err != nil {
			t.Error(err)
		}
	})
}
