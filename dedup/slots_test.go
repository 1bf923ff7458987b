package dedup

import (
	"encoding/binary"
	"fmt"
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

// TestReadBase compares an index that is made while the base is read with one that is
// made afterwards: of a base that is like a kernel's in what there is how often, and of
// one that has too many types for the first.
func TestReadBase(t *testing.T) {
	for _, c := range []struct {
		names, pointers int
		counted         bool
	}{{10, 5, false}, {200, 900, true}, {3000, 0, true}, {60, 200, false}} {
		tab := btf.NewTable(1, nil)
		i := tab.Add(btf.Type{Kind: btf.Int, Name: tab.Strings.InternString("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
		for n := range c.names {
			s := tab.AddWith(btf.Type{Kind: btf.Struct, Name: tab.Strings.InternString(fmt.Sprint("s", n)), Size: 4}, []btf.Member{{Name: 1, Type: i}})
			for range c.pointers / c.names {
				s = tab.Add(btf.Type{Kind: btf.Ptr, Ref: s})
			}
		}
		// What nobody looks for.
		if !c.counted {
			for n := range 100 * (c.names + c.pointers) {
				tab.Add(btf.Type{Kind: btf.Var, Name: tab.Strings.InternString(fmt.Sprint("v", n)), Ref: i})
			}
		}
		raw, err := btf.Encode(tab, binary.LittleEndian, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ReadBase(raw)
		if err != nil {
			t.Fatal(err)
		}
		want := NewBase(read.blob)
		if counted := len(read.named.places) == len(want.named.places) && read.named.idBits == want.named.idBits; counted != c.counted {
			t.Errorf("%+v: counted %v", c, counted)
		}
		all := func(s *slots, h uint64) (ids []btf.ID) {
			s.find(h, func(id btf.ID) bool { ids = append(ids, id); return false })
			slices.Sort(ids)
			return ids
		}
		read.blob.Each(func(id btf.ID, r btf.Record, x []byte) {
			name, content := read.blob.HashAt(r.NameOff), recordHash(read.blob, r, x)
			if named := hasTag(r.Kind()) && r.NameOff != 0; named != slices.Contains(all(&read.named, name), id) && r.Kind() != btf.Int {
				t.Errorf("%+v: type %d by name", c, id)
			}
			if derived := r.Kind() == btf.Ptr; derived != slices.Contains(all(&read.derived, content), id) || derived != slices.Contains(all(&want.derived, content), id) {
				t.Errorf("%+v: type %d by content", c, id)
			}
		})
	}
}
