package dwarf2btf

import (
	"slices"
	"testing"
)

// TestFit gives the parameters of the source, each by the place of its register (-1:
// none) and the number of registers that it takes, and which of them a copy takes.
func TestFit(t *testing.T) {
	in := func(slot int) copyParam { return copyParam{slot: slot, regs: 1} }
	gone := in(-1)
	split := copyParam{slot: -1, regs: 1, split: true}
	for _, tt := range []struct {
		name string
		list []copyParam
		keep []bool // nil: cannot be told
	}{
		{"all", []copyParam{in(0), in(1)}, []bool{true, true}},
		{"none", []copyParam{}, []bool{}},
		{"the last one is gone", []copyParam{in(0), gone}, []bool{true, false}},
		{"the first one is gone", []copyParam{gone, in(0)}, []bool{false, true}},
		{"unused but passed", []copyParam{in(0), gone, in(2)}, []bool{true, true, true}},
		{"one of two passed", []copyParam{gone, gone, in(1)}, nil},
		{"another register", []copyParam{in(0), in(3)}, nil},
		{"exchanged", []copyParam{in(1), in(0)}, nil},
		{"two registers", []copyParam{gone, {slot: 0, regs: 2}, in(2)}, []bool{false, true, true}},
		{"a pointer removed, the next one takes its place", []copyParam{split, in(0)}, []bool{false, true}},
		{"a pointer or one of its fields", []copyParam{split, in(1)}, nil},
		{"a pointer or its fields at the end", []copyParam{in(0), split}, nil},
		{"on the stack", []copyParam{in(0), {slot: -1}}, nil},
		{"more than there are registers", []copyParam{in(0), in(1), in(2), in(3), in(4)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keep, lost, fits := fit(tt.list, 4)
			if fits != (tt.keep != nil) || !slices.Equal(keep, tt.keep) {
				t.Fatalf("%v %v, want %v", keep, fits, tt.keep)
			}
			for _, k := range keep {
				if !k {
					lost--
				}
			}
			if fits && lost != 0 {
				t.Errorf("the number of lost parameters is off by %d", lost)
			}
		})
	}
}
