package dedup

import (
	"slices"
	"testing"

	"mkbtf/btf"
)

// TestSlots: ids of one key are found in their order, whatever else shares their place.
func TestSlots(t *testing.T) {
	const end = 1 << 20
	s := newSlots(3000, end)
	want := map[uint64][]btf.ID{}
	for i := range 3000 {
		h := mix(uint64(i%700), 1)
		if i%3 == 0 {
			h = uint64(i%5) << 60 // one place, tags that differ in few bits
		}
		id := btf.ID(end - 1 - i)
		s.insert(h, id)
		want[h] = append(want[h], id)
	}
	for h, ids := range want {
		var got []btf.ID
		s.find(h, func(id btf.ID) bool {
			if slices.Contains(ids, id) { // others with that tag may come between
				got = append(got, id)
			}
			return false
		})
		if !slices.Equal(got, ids) {
			t.Errorf("hash %#x: %v, want %v", h, got, ids)
		}
	}
	if first := want[0][0]; !s.find(0, func(id btf.ID) bool { return id == first }) {
		t.Error("find goes on after true")
	}
	if s.find(mix(12345, 9), func(btf.ID) bool { return false }) {
		t.Error("found what is not there")
	}
}

func TestNestsArrays(t *testing.T) {
	const ints = "int INT int size=4\n"
	for _, c := range []struct {
		name, types string
		want        bool
	}{
		{"flat", ints + "a ARRAY >=int index=int size=6", false},
		{"nested", ints + "a ARRAY >=int index=int size=2\nb ARRAY >=a index=int size=3", true},
		{"nested, the outer one first", ints + "b ARRAY >=a index=int size=3\na ARRAY >=int index=int size=2", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, _ := makeBase(t, c.types)
			if got := base.NestsArrays(); got != c.want {
				t.Errorf("NestsArrays is %v", got)
			}
		})
	}
}
