package dedup

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"mkbtf/btf"
)

// Result builds the table of distinct types. Types enter it when they are asked
// for, with all that they refer to and that the base does not have.
type Result struct {
	r     *resolver
	table *btf.Table
	first btf.ID // first own id
	slots []uint32
	free  []btf.ID             // by node: its id, if its content reaches no contextual name
	bound map[boundNode]btf.ID // the same for those that do
	queue []uint32             // labels whose bodies are missing
	tmp   []btf.Member
	err   error
}

type boundNode struct {
	node uint32
	key  string
}

// none marks a node that must not stand in the output, as opposed to one whose id
// is not known yet.
const none = ^btf.ID(0)

// Resolve decides what every name means, and which types are the base's (nil: no
// base). It must come after Merge, and can be called again: what the results have in
// common is the pool of strings. They may not be built by several goroutines.
func (d *Dedup) Resolve(base *Base) (*Result, error) {
	if d.g == nil {
		return nil, errors.New("dedup: Resolve before Merge")
	}
	if base != nil && !d.overBase {
		return nil, errors.New("dedup: Resolve was given a base that New was not told of")
	}
	start := btf.ID(1)
	if base != nil {
		start = base.blob.End()
	}
	res := &Result{
		r:     newResolver(d.g, &d.units, base),
		table: btf.NewTable(start, d.g.strings), first: start,
		slots: make([]uint32, 1<<10),
		free:  make([]btf.ID, len(d.g.types)), bound: map[boundNode]btf.ID{},
	}
	if base == nil {
		res.table.Types = make([]btf.Type, 0, len(d.g.types)) // nearly all come in
		res.table.Members = make([]btf.Member, 0, len(d.g.members))
	}
	return res, nil
}

// Table is what has been built so far. The caller may add types to it (FUNC, VAR,
// DATASEC, DECL_TAG) that refer to ids that ID returned.
func (res *Result) Table() *btf.Table { return res.table }

// KeepAll enters the roots of all units, in the order of the units: what no unit before
// has, and then what can be something else there than in a unit before.
func (res *Result) KeepAll() error {
	r := res.r
	place := make([]uint32, len(r.g.types)) // of nodes that can be several types, in the order of their first occurrence
	several := make([]bool, len(r.g.types))
	found := uint32(0)
	for u := range r.units.list {
		for _, ref := range r.units.list[u].firsts {
			if ref.isAnchor() {
				continue
			}
			if n := uint32(ref); r.single[n] == 0 && r.reach[n] != 0 || r.splitDefs[n] {
				several[n], place[n] = true, found
				found++
			}
		}
	}
	masks := r.units.masks(several)
	var again []uint32
	for u := range r.units.list {
		for _, ref := range r.units.list[u].firsts {
			res.enter(u, ref)
		}
		if found == 0 {
			continue
		}
		again = again[:0]
		r.units.in(u, masks, func(n uint32) { again = append(again, n) })
		slices.SortFunc(again, func(a, b uint32) int { return cmp.Compare(place[a], place[b]) })
		for _, n := range again {
			res.enter(u, Ref(n))
		}
	}
	return res.err
}

// enter enters a root of a unit.
func (res *Result) enter(u int, ref Ref) {
	res.root(u, ref)
	if len(res.queue) > 0 {
		res.drain()
	}
}

// ID enters one type, as the unit with that index sees it, and returns its id:
// one of the base, or an own one. It is 0 for void, and for a DECL_TAG on a type
// of the base that the base has not.
func (res *Result) ID(index int, ref Ref) (btf.ID, error) {
	u, ok := res.r.units.position(index)
	if !ok {
		return 0, fmt.Errorf("dedup: no unit %d", index)
	}
	id := res.root(u, ref)
	res.drain()
	return id, res.err
}

// root enters something that a unit holds.
func (res *Result) root(u int, ref Ref) btf.ID {
	if !ref.isAnchor() && ref != 0 && res.r.single[ref] != 0 {
		return res.label(res.r.labelIn(unitDef{u, uint32(ref)}))
	}
	return res.ref(ref, res.r.inUnit[u])
}

func (res *Result) ref(ref Ref, b binding) btf.ID {
	switch {
	case ref == 0:
		return 0
	case ref.isAnchor():
		return res.label(res.r.target(ref, b))
	}
	return res.node(uint32(ref), b)
}

// label returns the id of a tagged type; its body is filled in by drain.
func (res *Result) label(l uint32) btf.ID {
	lab := &res.r.labels[l]
	switch {
	case lab.base != 0:
		return lab.base
	case lab.out != 0:
		return lab.out
	case lab.def == 0:
		a := res.r.g.anchors[lab.anchor&^anchorBit]
		t := btf.Type{Kind: btf.Fwd, Name: a.name, Flag: a.class == classUnion}
		if a.class == classEnum {
			t = btf.Type{Kind: btf.Enum, Name: a.name, Size: 4}
		}
		lab.out = res.table.Add(t)
	default:
		t := res.r.g.types[lab.def]
		t.First, t.Len = 0, 0
		lab.out = res.table.Add(t)
		res.queue = append(res.queue, l)
	}
	return lab.out
}

// drain fills in the bodies of the tagged types that were entered.
func (res *Result) drain() {
	for len(res.queue) > 0 {
		l := res.queue[len(res.queue)-1]
		res.queue = res.queue[:len(res.queue)-1]
		lab := res.r.labels[l]
		start := res.mapMembers(lab.def, lab.bound)
		ms := res.tmp[start:]
		t := res.table.At(lab.out)
		t.First, t.Len = uint32(len(res.table.Members)), uint32(len(ms))
		res.table.Members = append(res.table.Members, ms...)
		res.tmp = res.tmp[:start]
	}
}

// mapMembers puts the members of a node with their final ids on top of tmp and
// returns where they start.
func (res *Result) mapMembers(n uint32, b binding) int {
	start := len(res.tmp)
	ms := res.r.g.membersOf(n)
	res.tmp = append(res.tmp, ms...)
	if res.r.g.types[n].Kind.HasMemberTypes() {
		for i := range ms {
			id := res.ref(Ref(ms[i].Type), b)
			res.tmp[start+i].Type = id
		}
	}
	return start
}

// node returns the id of an untagged type.
func (res *Result) node(n uint32, b binding) btf.ID {
	r := res.r
	if r.reach[n] == 0 {
		if id := res.free[n]; id != 0 {
			return orVoid(id)
		}
		id := res.make(n, b)
		res.free[n] = id
		return orVoid(id)
	}
	set := r.sets[r.reach[n]]
	labels := make([]uint32, len(set))
	for i, ref := range set {
		labels[i] = r.target(ref, b)
	}
	key := boundNode{n, setKey(labels)}
	if id := res.bound[key]; id != 0 {
		return orVoid(id)
	}
	id := res.make(n, b)
	res.bound[key] = id
	return orVoid(id)
}

func orVoid(id btf.ID) btf.ID {
	if id == none {
		return 0
	}
	return id
}

// make finds or enters an untagged type.
func (res *Result) make(n uint32, b binding) btf.ID {
	g := res.r.g
	t := g.types[n]
	if t.Kind.HasRef() {
		t.Ref = res.ref(Ref(t.Ref), b)
	}
	if t.Kind == btf.Array {
		t.Extra = uint32(res.ref(Ref(t.Extra), b))
	}
	start := res.mapMembers(n, b)
	defer func() { res.tmp = res.tmp[:start] }()
	ms := res.tmp[start:]
	if base := res.r.base; base != nil && t.Kind != btf.Func && t.Kind != btf.Var && t.Kind != btf.DataSec && res.allBase(&t, ms) {
		if id := base.lookup(&t, ms, g.strings); id != 0 {
			return id
		}
		if t.Kind == btf.DeclTag {
			return none
		}
	}
	if t.Kind == btf.Var || t.Kind == btf.DataSec {
		return res.table.AddWith(t, ms)
	}
	return res.cons(t, ms)
}

// allBase reports whether everything that a type refers to is the base's or void.
func (res *Result) allBase(t *btf.Type, ms []btf.Member) bool {
	if t.Kind.HasRef() && t.Ref >= res.first {
		return false
	}
	if t.Kind.HasMemberTypes() {
		for i := range ms {
			if ms[i].Type >= res.first {
				return false
			}
		}
	}
	return true
}

// cons enters an untagged own type unless there is an equal one.
func (res *Result) cons(t btf.Type, ms []btf.Member) btf.ID {
	t.First, t.Len = 0, uint32(len(ms))
	h := hashType(&t, ms)
	mask := uint64(len(res.slots) - 1)
	i := h & mask
	for ; res.slots[i] != 0; i = (i + 1) & mask {
		u := &res.table.Types[res.slots[i]-1]
		if sameType(u, &t) && sameMembers(res.table.MembersOf(u), ms) {
			return res.first + btf.ID(res.slots[i]-1)
		}
	}
	id := res.table.AddWith(t, ms)
	res.slots[i] = uint32(id-res.first) + 1
	if len(res.table.Types)*2 > len(res.slots) {
		res.rehash()
	}
	return id
}

func (res *Result) rehash() {
	old := res.slots
	res.slots = make([]uint32, len(old)*4)
	mask := uint64(len(res.slots) - 1)
	for _, n := range old {
		if n == 0 {
			continue
		}
		t := res.table.Types[n-1]
		ms := res.table.MembersOf(&t)
		t.First = 0
		i := hashType(&t, ms) & mask
		for res.slots[i] != 0 {
			i = (i + 1) & mask
		}
		res.slots[i] = n
	}
}

// Finish returns the table, and what the ids that ID has returned became: when
// two definitions that were kept apart turn out to be equal, ids change. No two
// types in the table are equal, and none equals one of the base but FUNCs.
func (res *Result) Finish() (*btf.Table, func(btf.ID) btf.ID, error) {
	if res.err != nil {
		return nil, nil, res.err
	}
	return res.table, minimise(res.table), nil
}
