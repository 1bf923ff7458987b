package encode

import (
	"slices"
	"testing"

	"mkbtf/dwarf2btf"
)

// TestArrange gives the variables of a section at 0x1000, and which of them, by
// number, stand in its DATASEC.
func TestArrange(t *testing.T) {
	at := func(off uint64, size uint32, external bool) variable {
		return variable{Variable: dwarf2btf.Variable{Addr: 0x1000 + off, Size: size, External: external}}
	}
	for _, tt := range []struct {
		name string
		vs   []variable
		want []int
	}{
		{"sorted by offset", []variable{at(8, 4, true), at(0, 8, true)}, []int{1, 0}},
		{"two in one place, the first stays", []variable{at(0, 4, false), at(0, 8, false)}, []int{0}},
		{"two in one place, the global one stays", []variable{at(0, 4, false), at(0, 8, true)}, []int{1}},
		{"overlap", []variable{at(0, 8, true), at(4, 8, true), at(8, 4, true)}, []int{0, 2}},
		{"contained", []variable{at(0, 16, true), at(4, 2, true), at(16, 1, true)}, []int{0, 2}},
		{"gap", []variable{at(0, 1, true), at(64, 1, true)}, []int{0, 1}},
		{"without a size", []variable{at(0, 0, true), at(0, 4, false)}, []int{1}},
		{"beyond 4 GiB", []variable{at(0xfffffffc, 4, true), at(0, 4, true)}, []int{1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i := range tt.vs {
				tt.vs[i].unit = i
			}
			kept, left := arrange(slices.Clone(tt.vs), 0x1000)
			var got []int
			end := uint64(0x1000)
			for _, v := range kept {
				got = append(got, v.unit)
				if v.Addr < end {
					t.Errorf("variable %d overlaps the one before", v.unit)
				}
				end = v.Addr + uint64(v.Size)
			}
			if !slices.Equal(got, tt.want) || len(kept)+len(left) != len(tt.vs) {
				t.Errorf("kept %v and left %d, want %v", got, len(left), tt.want)
			}
		})
	}
}
