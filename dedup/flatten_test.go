package dedup

import (
	"slices"
	"testing"

	"mkbtf/btf"
)

// nestedUnits have arrays of arrays as a converter writes them, flatUnits the same as one
// array each. Two structs of one name that only such an array tells apart become one.
var (
	nestedUnits = []string{`
		int INT int
		s STRUCT s size=96 m=out
		out ARRAY >=mid index=int size=4
		mid ARRAY >=in index=int size=2
		in ARRAY >=int index=int size=3`, `
		int INT int
		s STRUCT s size=96 m=out
		p TYPEDEF p >=huge
		out ARRAY >=in index=int size=4
		huge ARRAY >=out index=int size=4000000000
		in ARRAY >=int index=int size=6`}
	flatUnits = []string{`
		int INT int
		s STRUCT s size=96 m=out
		out ARRAY >=int index=int size=24`, `
		int INT int
		s STRUCT s size=96 m=out
		p TYPEDEF p >=huge
		out ARRAY >=int index=int size=24
		huge ARRAY >=int index=int size=0`}
)

func TestFlatArrays(t *testing.T) {
	merged := func(units []string, roots ...int) *Dedup {
		d := New(false)
		w := d.NewWorker(btf.NewStrings())
		for i, text := range units {
			tab, _ := parseUnit(t, w.Strings(), text)
			if _, err := w.Add(i, tab, roots[i]); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Merge(w); err != nil {
			t.Fatal(err)
		}
		return d
	}
	table := func(d *Dedup) string {
		res, err := d.Resolve(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.KeepAll(); err != nil {
			t.Fatal(err)
		}
		tab, _, err := res.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return encode(t, tab)
	}
	nested := merged(nestedUnits, 3, 5)
	before := table(nested)
	flat, m := nested.FlatArrays()
	got, want := table(flat), table(merged(flatUnits, 3, 5))
	if got != want {
		t.Errorf("flat:\n%q\nwant\n%q", got, want)
	}
	if before == got {
		t.Error("there was nothing to do")
	}
	if again := table(nested); again != before {
		t.Errorf("the original changed:\n%q\nwas\n%q", again, before)
	}
	for u := range nested.units.list {
		var became []uint32
		all := slices.Repeat([]bool{true}, len(nested.g.types))
		nested.units.in(u, nested.units.masks(all), func(n uint32) { became = append(became, uint32(m.Ref(Ref(n)))) })
		var held []uint32
		all = slices.Repeat([]bool{true}, len(flat.g.types))
		flat.units.in(u, flat.units.masks(all), func(n uint32) { held = append(held, n) })
		if len(held) == 0 || !slices.Equal(held, became) {
			t.Errorf("unit %d holds %d, in the mapping %d", u, held, became)
		}
	}
	if same, m := flat.FlatArrays(); same != flat || m.Ref(7) != 7 {
		t.Error("flat arrays became flat again")
	}
}
