package grow

import (
	"slices"
	"testing"
)

func TestRoom(t *testing.T) {
	list := []uint16{1, 2, 3}
	for _, n := range []int{0, 1, 100} {
		got := Room(list, n)
		if !slices.Equal(got, list) || cap(got)-len(got) < n {
			t.Errorf("room for %d: %d of %d", n, got, cap(got))
		}
	}
	if got := Room(list[:1], 2); &got[0] != &list[0] {
		t.Error("there was room")
	}
	if got := Room([]int(nil), 5); len(got) != 0 || cap(got) < 5 {
		t.Errorf("%d of %d", got, cap(got))
	}
}

func TestExtend(t *testing.T) {
	list := []uint16{1, 2, 3, 4}
	if got := Extend(list, 2); !slices.Equal(got, list) {
		t.Errorf("%d", got)
	}
	if got := Extend(list[:2], 4); !slices.Equal(got, []uint16{1, 2, 0, 0}) {
		t.Errorf("%d", got)
	}
	if got := Extend(list, 5); len(got) < 5 || !slices.Equal(got[:5], append(slices.Clone(list), 0)) {
		t.Errorf("%d", got)
	}
}

func TestScratch(t *testing.T) {
	list := make([]int, 3, 8)
	if got := Scratch(list, 8); len(got) != 8 || &got[0] != &list[0] {
		t.Error("there was room")
	}
	if got := Scratch(list, 9); len(got) != 9 {
		t.Errorf("%d", got)
	}
}
