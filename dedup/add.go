package dedup

import (
	"errors"
	"fmt"
	"slices"

	"mkbtf/btf"
	"mkbtf/internal/grow"
)

// Worker takes in units for one goroutine. Its tables must use its Strings.
type Worker struct {
	d     *Dedup
	g     *graph
	refs  []Ref    // by id of the current unit: how others refer to it
	nodes []uint32 // by id: the node of a definition, else that of refs
	stack []btf.ID // ids whose references are being resolved
	defs  []btf.ID // definitions of the current unit
	late  []btf.ID // types of the current unit that lead to some behind them
	tmp   []btf.Member
	part  []bool     // by id: something else refers to it
	where []defIn    // by anchor: the definition in the current unit
	units []unitSet  // what this worker has taken in
	held  []nodeBits // by node / 64
	named []bool     // by anchor: a unit has declared it
	arena []uint64   // memory for sets of nodes
	unit  uint32     // serial number of the current unit, plus 1
	bad   bool       // the current unit has a reference out of range
	apart bool       // it has several definitions of one name

	known   bool // types of the current unit may be said to be certain nodes
	claimed bool // one is
}

type defIn struct{ unit, node uint32 }

const (
	unresolved Ref = ^Ref(0)
	inProgress Ref = ^Ref(0) - 1
)

// Strings is the pool that tables given to Add must use.
func (w *Worker) Strings() *btf.Strings { return w.g.strings }

// Add takes in the types of one unit. index orders the units: the first
// occurrence of a type in that order names its place in the output; no two units
// may have the same one. The first roots types belong in the output if everything
// is kept; those behind only if something needs them.
//
// The result maps the ids of the table to Refs and is valid until the next Add.
// References out of range give an error, after which the worker is of no more use.
func (w *Worker) Add(index int, t *btf.Table, roots int) ([]Ref, error) {
	return w.add(index, t, roots, nil)
}

// ErrClaims is the error for a unit with a type that was taken for another one.
var ErrClaims = errors.New("dedup: a type is not what it was taken for")

// AddClaimed is Add for a unit with types that are said to be certain nodes: a STRUCT,
// UNION or ENUM with a name whose Extra is not 0 is the node Extra, as Nodes had it for an
// earlier unit, and others refer to it as Ref; its members need not be there. This is
// true if holds says so, which is given the Refs of all types by id, and if part is not
// nil sets there what the members refer to. If it is not, or if the unit has several
// definitions of one name, the error is ErrClaims and nothing is taken in; the unit must
// be added again without such types.
func (w *Worker) AddClaimed(index int, t *btf.Table, roots int, holds func(refs []Ref, part []bool) bool) ([]Ref, error) {
	return w.add(index, t, roots, holds)
}

func (w *Worker) add(index int, t *btf.Table, roots int, holds func([]Ref, []bool) bool) ([]Ref, error) {
	w.known = holds != nil
	if t.Strings != w.g.strings {
		return nil, fmt.Errorf("dedup: unit %d uses another string pool than its worker", index)
	}
	if t.Start != 1 {
		return nil, fmt.Errorf("dedup: unit %d starts at id %d, want 1", index, t.Start)
	}
	w.unit++
	w.g.reserve(len(t.Types), len(t.Members))
	n := len(t.Types) + 1
	w.refs = grow.Scratch(w.refs, n)
	w.nodes = grow.Scratch(w.nodes, n)
	w.refs[0], w.nodes[0] = 0, 0
	w.bad = false
	clash := w.pass(t, nil)
	if w.bad {
		return nil, fmt.Errorf("dedup: unit %d: %w", index, checkRefs(t))
	}
	if clash && w.claimed {
		return nil, ErrClaims
	}
	var part []bool
	if w.d.overBase {
		w.part = slices.Grow(w.part[:0], n)[:n]
		clear(w.part)
		part = w.part
	}
	if holds != nil && !holds(w.refs, part) {
		return nil, ErrClaims
	}
	if w.apart = clash; clash {
		w.separate(index, t)
	}
	w.g.touch(w.nodes[1:])
	w.list(index, roots, t)
	return w.refs, nil
}

// Nodes has, by id, the types of the unit that was added last, where Refs lead to a name.
// It is valid until the next one is added. It is nil if the unit has several definitions
// of one name, to which only its own types refer as they do.
func (w *Worker) Nodes() []uint32 {
	if w.apart {
		return nil
	}
	return w.nodes
}

// checkRefs tells which type refers to one that is not there.
func checkRefs(t *btf.Table) error {
	end := t.End()
	for i := range t.Types {
		typ := &t.Types[i]
		bad := typ.Kind.HasRef() && typ.Ref >= end || typ.Kind == btf.Array && btf.ID(typ.Extra) >= end
		if typ.Kind.HasMemberTypes() {
			ms := t.MembersOf(typ)
			for j := range ms {
				bad = bad || ms[j].Type >= end
			}
		}
		if bad {
			return fmt.Errorf("type [%d] %s refers to a type past the last one, %d", t.Start+btf.ID(i), typ.Kind, end-1)
		}
	}
	return errors.New("a reference is out of range")
}

// separate gives the definitions of a name that differ inside the unit anchors of
// their own, so that references keep to theirs. Telling two apart can tell apart
// what refers to them, so this goes on until no more names are affected.
func (w *Worker) separate(index int, t *btf.Table) {
	type group struct {
		ids   []btf.ID
		count int // distinct nodes at the last pass
	}
	var groups []*group
	byName := map[uint64]*group{}
	for i := range t.Types {
		typ := &t.Types[i]
		if c, ok := tagClass(typ); ok && !isDeclaration(typ) {
			key := uint64(c)<<32 | uint64(typ.Name)
			if byName[key] == nil {
				byName[key] = &group{count: 1}
				groups = append(groups, byName[key])
			}
			byName[key].ids = append(byName[key].ids, btf.ID(i+1))
		}
	}
	private := make([]Ref, len(w.refs))
	for {
		changed := false
		for _, g := range groups {
			refs := map[uint32]Ref{} // by node
			for _, id := range g.ids {
				refs[w.nodes[id]] = 0
			}
			if len(refs) == 1 {
				continue
			}
			changed = changed || len(refs) != g.count
			g.count = len(refs)
			for _, id := range g.ids {
				r := refs[w.nodes[id]]
				if r == 0 {
					c, _ := tagClass(t.At(id))
					r = w.g.privateAnchor(c, t.At(id).Name)
					refs[w.nodes[id]] = r
				}
				private[id] = r
			}
		}
		w.unit++ // forget which definitions the last pass saw
		w.pass(t, private)
		if !changed {
			break
		}
	}
	for id, r := range private {
		if r != 0 {
			a := &w.g.anchors[r&^anchorBit]
			a.def, a.unit = w.nodes[id], index
		}
	}
}

// list keeps what the unit holds. Over a base a type without a name that something else
// of the unit refers to is not listed: it is needed as part of that alone, and if that
// is the base's type it is not needed.
func (w *Worker) list(index, roots int, t *btf.Table) {
	if n := len(w.units); n > 0 && index < w.units[n-1].index {
		w.forget() // what came before is no first occurrence
	}
	w.held = grow.Extend(w.held, len(w.g.types)/64+1)
	w.named = grow.Extend(w.named, len(w.g.anchors))
	if w.d.overBase {
		w.findParts(t, roots)
	}
	var firsts []Ref
	for id := 1; id <= roots; id++ {
		n := w.nodes[id]
		if n == 0 { // only declared here
			if r := w.refs[id]; !w.named[r&^anchorBit] {
				w.named[r&^anchorBit] = true
				firsts = append(firsts, r)
			}
			continue
		}
		if w.d.overBase && w.part[id] && w.g.types[n].Name == 0 {
			continue
		}
		b, bit := &w.held[n/64], uint64(1)<<(n%64)
		if b.before&bit == 0 {
			b.before |= bit
			firsts = append(firsts, Ref(n))
		}
		b.held |= bit
	}
	u := unitSet{index: index, firsts: firsts}
	u.held, w.arena = newNodeSet(w.held[:len(w.g.types)/64+1], w.arena)
	w.units = append(w.units, u)
}

// forget makes all that the next unit holds a first occurrence.
func (w *Worker) forget() {
	clear(w.held)
	clear(w.named)
}

// findParts marks the types that the first roots types of a unit refer to.
func (w *Worker) findParts(t *btf.Table, roots int) {
	for i := range t.Types[:roots] {
		typ := &t.Types[i]
		if typ.Kind.HasRef() {
			w.part[typ.Ref] = true
		}
		if typ.Kind == btf.Array {
			w.part[typ.Extra] = true
		}
		if typ.Kind.HasMemberTypes() {
			ms := t.MembersOf(typ)
			for j := range ms {
				w.part[ms[j].Type] = true
			}
		}
	}
}
