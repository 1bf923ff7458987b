package dedup

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/soundness"
)

// world makes units as a compiler would: a set of headers that define tagged
// types, some names with several definitions in different headers, each unit
// including some of them and declaring what it does not include.
type world struct {
	rng     *rand.Rand
	headers []header
}

type header struct {
	tag     string
	kind    btf.Kind
	size    uint32
	members []field
}

type field struct {
	name  string
	shape int // how the member refers to target
	to    string
}

func newWorld(seed uint64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 7))}
	names := 3 + w.rng.IntN(8)
	for i := range names {
		variants := 1
		if w.rng.IntN(3) == 0 {
			variants = 2 + w.rng.IntN(2)
		}
		for v := range variants {
			h := header{tag: fmt.Sprintf("s%d", i), kind: btf.Struct, size: 64}
			if w.rng.IntN(5) == 0 && variants == 1 {
				h.kind = btf.Enum
			}
			n := 1 + w.rng.IntN(4)
			for m := range n {
				f := field{name: fmt.Sprintf("m%d", m), shape: w.rng.IntN(9), to: fmt.Sprintf("s%d", w.rng.IntN(names))}
				h.members = append(h.members, f)
			}
			if v > 0 && w.rng.IntN(2) == 0 { // differs only in one name
				h.members = append([]field(nil), w.headers[len(w.headers)-1].members...)
				h.members[0].name = fmt.Sprintf("v%d", v)
			}
			w.headers = append(w.headers, h)
		}
	}
	return w
}

// unit makes one unit from some of the headers; with twice set it may define a
// name twice (types local to functions, link-time optimisation).
func (w *world) unit(pool *btf.Strings, twice bool) *btf.Table {
	t := btf.NewTable(1, pool)
	s := pool.InternString
	ids := map[string]btf.ID{}
	var chosen []int
	for _, i := range w.rng.Perm(len(w.headers)) {
		h := w.headers[i]
		if w.rng.IntN(3) == 0 || ids[h.tag] != 0 && !twice {
			continue
		}
		chosen = append(chosen, i)
		ids[h.tag] = btf.ID(len(chosen)) // the last one wins for references of others
	}
	// Definitions come first in the table, everything else behind.
	for range chosen {
		t.Add(btf.Type{})
	}
	intID := t.Add(btf.Type{Kind: btf.Int, Name: s("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	kinds := map[string]btf.Kind{}
	for _, h := range w.headers {
		kinds[h.tag] = h.kind
	}
	ref := func(tag string) btf.ID {
		if ids[tag] == 0 {
			if kinds[tag] == btf.Enum {
				ids[tag] = t.Add(btf.Type{Kind: btf.Enum, Name: s(tag), Size: 4})
			} else {
				ids[tag] = t.Add(btf.Type{Kind: btf.Fwd, Name: s(tag)})
			}
		}
		return ids[tag]
	}
	ptr := func(id btf.ID) btf.ID { return t.Add(btf.Type{Kind: btf.Ptr, Ref: id}) }
	for at, i := range chosen {
		h := w.headers[i]
		var ms []btf.Member
		for k, f := range h.members {
			var id btf.ID
			switch f.shape {
			case 0:
				id = intID
			case 1, 2:
				id = ptr(ref(f.to))
			case 3:
				id = ptr(t.Add(btf.Type{Kind: btf.Const, Ref: ref(f.to)}))
			case 4:
				id = t.Add(btf.Type{Kind: btf.Array, Ref: ptr(ref(f.to)), Extra: uint32(intID), Size: 3})
			case 5:
				proto := t.AddWith(btf.Type{Kind: btf.FuncProto, Ref: intID}, []btf.Member{{Type: ptr(ref(f.to))}, {Type: intID}})
				id = ptr(proto)
			case 6:
				p := ptr(ref(f.to))
				id = t.AddWith(btf.Type{Kind: btf.Struct, Size: 8}, []btf.Member{{Name: s("in"), Type: p}})
			case 7:
				id = ptr(t.Add(btf.Type{Kind: btf.Typedef, Name: s("t_" + f.to), Ref: ref(f.to)}))
			case 8: // by value, if the unit defines it and it is not the type itself
				if id = ref(f.to); t.At(id).Kind == btf.Fwd || f.to == h.tag || f.to > h.tag {
					id = intID
				}
			}
			ms = append(ms, btf.Member{Name: s(f.name), Type: id, Off: uint32(k) * 64})
		}
		typ := btf.Type{Kind: h.kind, Name: s(h.tag), Size: h.size, First: uint32(len(t.Members)), Len: uint32(len(ms))}
		if h.kind == btf.Enum {
			typ.Size = 4
			for k := range ms {
				ms[k].Type = 0
			}
		}
		t.Members = append(t.Members, ms...)
		t.Types[at] = typ
	}
	return t
}

// run dedups units with a number of workers and returns table and mapping.
func run(t *testing.T, units []*btf.Table, base *Base, workers int) (*btf.Table, [][]btf.ID) {
	t.Helper()
	out, became, _ := runCounting(t, units, base, workers)
	return out, became
}

// runCounting also reports whether references were cut.
func runCounting(t *testing.T, units []*btf.Table, base *Base, workers int) (*btf.Table, [][]btf.ID, bool) {
	t.Helper()
	d := New(base != nil)
	var ws []*Worker
	for range workers {
		ws = append(ws, d.NewWorker(btf.NewStrings()))
	}
	return runOn(t, d, ws, units, base)
}

// runOn is runCounting with the workers of d.
func runOn(t *testing.T, d *Dedup, ws []*Worker, units []*btf.Table, base *Base) (*btf.Table, [][]btf.ID, bool) {
	t.Helper()
	workers := len(ws)
	refs := make([][]Ref, len(units))
	for u := range units {
		// Hand the units to the workers in no particular order.
		k := (len(units) - 1 - u)
		w := ws[k%workers]
		r, err := w.Add(k, clone(units[k], w.Strings()), len(units[k].Types))
		if err != nil {
			t.Fatal(err)
		}
		refs[k] = append([]Ref(nil), r...)
	}
	maps, err := d.Merge(ws...)
	if err != nil {
		t.Fatal(err)
	}
	res, err := d.Resolve(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.KeepAll(); err != nil {
		t.Fatal(err)
	}
	became := make([][]btf.ID, len(units))
	for u := range units {
		became[u] = make([]btf.ID, len(refs[u]))
		for i, r := range refs[u] {
			id, err := res.ID(u, maps[u%workers].Ref(r))
			if err != nil {
				t.Fatal(err)
			}
			became[u][i] = id
		}
	}
	out, renumbered, err := res.Finish()
	if err != nil {
		t.Fatal(err)
	}
	for _, ids := range became {
		for i := range ids {
			ids[i] = renumbered(ids[i])
		}
	}
	cycles, deep := d.Cut()
	return out, became, cycles+deep > 0
}

func clone(t *btf.Table, pool *btf.Strings) *btf.Table {
	c := btf.NewTable(t.Start, pool)
	name := func(s btf.Str) btf.Str { return pool.Intern(t.Strings.Bytes(s)) }
	for _, typ := range t.Types {
		typ.Name = name(typ.Name)
		c.Types = append(c.Types, typ)
	}
	for _, m := range t.Members {
		m.Name = name(m.Name)
		c.Members = append(c.Members, m)
	}
	return c
}

func encode(t *testing.T, tab *btf.Table) string {
	t.Helper()
	var base *btf.Blob
	if tab.Start > 1 {
		filler := btf.NewTable(1, nil)
		for filler.End() < tab.Start {
			filler.Add(btf.Type{Kind: btf.Ptr})
		}
		raw, err := btf.Encode(filler, binary.LittleEndian, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		if base, err = btf.Parse(raw, nil); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := btf.Encode(tab, binary.LittleEndian, base, false)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestRandomWorlds(t *testing.T) {
	for seed := uint64(0); seed < 600; seed++ {
		w := newWorld(seed)
		pool := btf.NewStrings()
		var units []*btf.Table
		for range 1 + w.rng.IntN(6) {
			units = append(units, w.unit(pool, seed%3 == 2))
		}
		out, became := run(t, units, nil, 1)
		for _, workers := range []int{2, 3} {
			again, _ := run(t, units, nil, workers)
			if encode(t, out) != encode(t, again) {
				t.Fatalf("seed %d: output differs with %d workers", seed, workers)
			}
		}
		c := soundness.New(units, became, out, nil)
		if err := c.Sound(); err != nil {
			t.Fatalf("seed %d: not sound: %v", seed, err)
		}
		if err := c.Complete(); err != nil {
			t.Fatalf("seed %d: not complete: %v", seed, err)
		}
	}
}

func TestRandomWorldsOverBase(t *testing.T) {
	own := 0
	for seed := uint64(0); seed < 600; seed++ {
		w := newWorld(seed)
		pool := btf.NewStrings()
		var kernel, module []*btf.Table
		for range 1 + w.rng.IntN(4) {
			kernel = append(kernel, w.unit(pool, false))
		}
		for range 1 + w.rng.IntN(3) {
			module = append(module, w.unit(pool, false))
		}
		baseTable, _ := run(t, kernel, nil, 1)
		raw, err := btf.Encode(baseTable, binary.LittleEndian, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		blob, err := btf.Parse(raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		base := NewBase(blob)
		out, became := run(t, module, base, 1)
		own += len(out.Types)
		again, _ := run(t, module, base, 2)
		if encode(t, out) != encode(t, again) {
			t.Fatalf("seed %d: output differs with 2 workers", seed)
		}
		c := soundness.New(module, became, out, blob.Table(nil))
		if err := c.Sound(); err != nil {
			t.Fatalf("seed %d: not sound: %v", seed, err)
		}
		if err := c.Complete(); err != nil {
			t.Fatalf("seed %d: not complete: %v", seed, err)
		}
		// A unit of the kernel itself adds nothing to the kernel.
		if out, _ := run(t, kernel[:1], base, 1); len(kernel) == 1 && len(out.Types) != 0 {
			t.Fatalf("seed %d: %d types of the base's own unit are not found in it, the first is %s '%s'", seed, len(out.Types), out.Types[0].Kind, out.Name(out.Types[0].Name))
		}
	}
	if own == 0 {
		t.Error("no module had types of its own: the test proves nothing")
	}
}

// mangle makes references lead anywhere and names mean anything, as no compiler does.
func (w *world) mangle(t *btf.Table) {
	n := len(t.Types)
	for range 1 + w.rng.IntN(6) {
		typ := &t.Types[w.rng.IntN(n)]
		switch w.rng.IntN(4) {
		case 0:
			if typ.Kind.HasRef() {
				typ.Ref = btf.ID(w.rng.IntN(n + 1))
			}
		case 1:
			if ms := t.MembersOf(typ); len(ms) > 0 && typ.Kind.HasMemberTypes() {
				ms[w.rng.IntN(len(ms))].Type = btf.ID(w.rng.IntN(n + 1))
			}
		case 2:
			typ.Name = t.Types[w.rng.IntN(n)].Name
		case 3:
			if typ.Len == 0 && !typ.Kind.HasRef() {
				typ.Kind = []btf.Kind{btf.Struct, btf.Fwd, btf.Union, btf.Enum}[w.rng.IntN(4)]
			}
		}
	}
}

func TestMangledWorlds(t *testing.T) {
	checked := 0
	for seed := uint64(0); seed < 3000; seed++ {
		w := newWorld(seed)
		pool := btf.NewStrings()
		var units []*btf.Table
		for range 1 + w.rng.IntN(3) {
			u := w.unit(pool, seed%2 == 0)
			w.mangle(u)
			units = append(units, u)
		}
		out, became, cut := runCounting(t, units, nil, 1)
		if again, _ := run(t, units, nil, 2); encode(t, again) != encode(t, out) {
			t.Fatalf("seed %d: output differs with 2 workers", seed)
		}
		if cut {
			continue
		}
		checked++
		c := soundness.New(units, became, out, nil)
		if err := c.Complete(); err != nil {
			t.Fatalf("seed %d: not complete: %v", seed, err)
		}
		if err := c.Sound(); err != nil {
			t.Fatalf("seed %d: not sound: %v", seed, err)
		}
	}
	if checked < 1000 {
		t.Errorf("only %d worlds were checked", checked)
	}
}
