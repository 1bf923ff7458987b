package emit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"mkbtf/internal/elfhdr"
	"mkbtf/internal/elfhdr/elftest"
)

// FuzzAddSections edits anything that calls itself ELF. If that is possible, the
// result can be read, sections that were not asked for are as they were, doing it
// again changes nothing, and going back and forth does not pile up.
func FuzzAddSections(f *testing.F) {
	for _, l := range elftest.Layouts {
		o := object(l.Class, l.Order)
		f.Add(o.Bytes(), []byte{}, uint16(100))
		o = object(l.Class, l.Order, elftest.Section{Name: ".BTF", Data: blob(70, 1)}, elftest.Section{Name: ".x", Data: blob(7, 1), Align: 4})
		f.Add(o.Bytes(), []byte{}, uint16(70))
		f.Add(append(o.Bytes(), "rest"...), []byte{}, uint16(9))
		o.Segments = []elftest.Segment{{Type: elf.PT_LOAD, First: 1, Last: 1}}
		f.Add(o.Bytes(), []byte{}, uint16(1))
	}
	o := object(0, nil, elftest.Section{Name: ".BTF", Data: blob(30, 1)}, elftest.Section{Name: ".debug_info", Data: blob(50, 1)})
	f.Add(o.Bytes(), []byte{2, 3, 120, 0, 3, 7, 32, 0}, uint16(30))
	f.Fuzz(checkAddSections)
}

// TestMutatedHeaders is the same for a few thousand plausible changes of headers.
func TestMutatedHeaders(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range mutatedRuns {
		l := elftest.Layouts[r.IntN(len(elftest.Layouts))]
		o := object(l.Class, l.Order,
			elftest.Section{Name: ".BTF", Data: blob(r.IntN(90), 1)},
			elftest.Section{Name: ".x", Data: blob(r.IntN(90), 1), Align: 4},
			elftest.Section{Name: ".BTF.base", Data: blob(r.IntN(90), 1)})
		in := o.Bytes()
		var mutations []byte
		for range r.IntN(4) {
			mutations = append(mutations, byte(r.IntN(9)), byte(r.IntN(9)))
			mutations = binary.LittleEndian.AppendUint16(mutations, uint16(r.IntN([]int{4, 12, 64, len(in), 65536}[r.IntN(5)])))
		}
		if checkAddSections(t, in, mutations, uint16(r.IntN(100))); t.Failed() {
			t.Fatalf("%s, mutations % x", l.Name, mutations)
		}
	}
}

const mutatedRuns = 5000

func checkAddSections(t *testing.T, in, mutations []byte, n uint16) {
	in = bytes.Clone(in)
	elftest.Mutate(in, mutations)
	want := []ELFSection{{".BTF", blob(int(n), 1), 4}, {Name: ".BTF.base", Align: 8}}
	one, err := EditELF(in, want, ELFOptions{})
	if err != nil {
		return
	}
	out := one.Bytes()
	compareSections(t, in, out)
	again, err := EditELF(out, want, ELFOptions{})
	if err != nil || !again.Unchanged() {
		t.Fatalf("second run: %v", err)
	}
	other := []ELFSection{{".BTF", blob(int(n)+1, 2), 4}, {".BTF.base", blob(9, 3), 8}}
	var sizes []int
	for range 3 {
		for _, s := range [][]ELFSection{other, want} {
			e, err := EditELF(out, s, ELFOptions{})
			if errors.Is(err, elfhdr.ErrMalformed) {
				return // another new section would be one that some header names already
			}
			if err != nil {
				t.Fatal(err)
			}
			next := e.Bytes()
			compareSections(t, out, next)
			out = next
		}
		sizes = append(sizes, len(out))
	}
	if sizes[2] > sizes[1] {
		t.Errorf("sizes %d", sizes)
	}
}

// compareSections compares what an edit of .BTF and .BTF.base must leave alone.
func compareSections(t *testing.T, in, out []byte) {
	t.Helper()
	read := func(data []byte) (*elfhdr.Header, []elfhdr.Section, elfhdr.Names) {
		h, err := elfhdr.ParseHeader(data)
		if err != nil {
			t.Fatal(err)
		}
		list := h.ParseSections(data)
		names, err := h.ParseNames(data, list)
		if err != nil {
			t.Fatal(err)
		}
		return h, list, names
	}
	h, was, wasNames := read(in)
	_, is, isNames := read(out)
	for i := 1; i < len(was); i++ {
		if name := wasNames.At(was[i].NameOff); name == ".BTF" || name == ".BTF.base" || was[i].Type == elf.SHT_NULL {
			continue
		}
		if i >= len(is) {
			t.Fatalf("section %d is gone", i)
		}
		x, y := was[i], is[i]
		if wasNames.At(x.NameOff) != isNames.At(y.NameOff) {
			t.Fatalf("section %d is called %s, was %s", i, isNames.At(y.NameOff), wasNames.At(x.NameOff))
		}
		a, err := x.Contents(in, "before")
		if err != nil {
			t.Fatal(err)
		}
		b, err := y.Contents(out, "after")
		if err != nil {
			t.Fatal(err)
		}
		if x.Off, y.Off = 0, 0; i == h.ShStrNdx {
			x.Size = y.Size
			b = b[:min(len(a), len(b))]
		}
		if x != y || !bytes.Equal(a, b) {
			t.Fatalf("section %d: %+v, was %+v", i, y, x)
		}
	}
	if len(is) < len(was) && is[0].Type == elf.SHT_NULL {
		for _, s := range was[len(is):] {
			if name := wasNames.At(s.NameOff); name != ".BTF" && name != ".BTF.base" {
				t.Fatalf("section %s is gone", name)
			}
		}
	}
}
