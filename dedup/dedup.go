package dedup

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"mkbtf/btf"
)

// Dedup collects units from any number of workers. The steps are: NewWorker and
// Worker.Add, then Merge, then Resolve.
type Dedup struct {
	overBase bool
	mu       sync.Mutex
	workers  []*Worker
	g        *graph   // after Merge
	units    unitSets // after Merge
	cycles   atomic.Int64
	tooDeep  int64
}

// New returns an empty Dedup. overBase says whether Resolve will be given a base; if it
// is not after all, the types are the same and only their order can differ.
func New(overBase bool) *Dedup { return &Dedup{overBase: overBase} }

// NewWorker returns a worker that takes in units of tables whose names lie in
// strings. It may be called from several goroutines.
func (d *Dedup) NewWorker(strings *btf.Strings) *Worker {
	w := &Worker{d: d, g: newGraph(strings)}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.workers = append(d.workers, w)
	return w
}

// Reuse makes a worker of another Dedup, which must not be used any more, one of d: what
// NewWorker does, in the same memory. same says that strings is the pool that it had, and
// holds what it held: then types that it knows may be found again quickly. If they are,
// and what Nodes and Add have told still holds, the result is true.
func (d *Dedup) Reuse(w *Worker, strings *btf.Strings, same bool) (kept bool) {
	w.d, w.units, w.arena = d, nil, nil
	w.forget()
	if kept = same && w.g.strings == strings && w.g.keep(); !kept {
		w.g.reset(strings)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.workers = append(d.workers, w)
	return kept
}

// Len is the number of types that the worker has taken in and did not know; negative after
// Merge has joined them with those of another one.
func (w *Worker) Len() int {
	if w.g == nil {
		return -1
	}
	return len(w.g.types) - max(int(w.g.earlier.nodes), 1)
}

// Cut reports how many references had to become void because they were part of a
// cycle of types without a tag, or nested too deep: 0 for anything a compiler made.
//
// It is known after Merge.
func (d *Dedup) Cut() (cycles, tooDeep int64) { return d.cycles.Load(), d.tooDeep }

// Mapping translates the Refs that one worker's Add returned into those of the
// merged Dedup.
type Mapping struct {
	nodes   []uint32
	anchors []Ref
}

// Ref translates one Ref.
func (m *Mapping) Ref(r Ref) Ref {
	if m.nodes == nil {
		return r
	}
	if r.isAnchor() {
		return m.anchors[r&^anchorBit]
	}
	return Ref(m.nodes[r])
}

// maxNames bounds the bytes of the names of all workers, so that the pool of the merged
// types can hold them.
const maxNames int64 = 4<<30 - 1<<20

// Merge joins what the workers have taken in; workers must not be used afterwards.
// The result has one mapping for each worker, in the order in which they are given,
// which must be all of them.
func (d *Dedup) Merge(workers ...*Worker) ([]Mapping, error) {
	if len(workers) != len(d.workers) || len(workers) == 0 {
		return nil, fmt.Errorf("dedup: Merge was given %d workers of %d", len(workers), len(d.workers))
	}
	d.g = workers[0].g
	names := 0
	for _, w := range workers {
		d.tooDeep += w.g.tooDeep
		names += w.g.strings.Size()
	}
	if int64(names) > maxNames {
		return nil, fmt.Errorf("dedup: names of %d bytes in all, more than %d", names, maxNames)
	}
	maps := make([]Mapping, len(workers))
	units := workers[0].units
	for i, w := range workers[1:] {
		w.g.touchParts()
		maps[i+1] = d.merge(w)
		d.g.touch(maps[i+1].nodes)
		for _, u := range w.units {
			u.worker, u.firsts = int32(i+1), maps[i+1].refs(u.firsts)
			units = append(units, u)
		}
		w.g, w.units = nil, nil
	}
	slices.SortFunc(units, func(a, b unitSet) int { return cmp.Compare(a.index, b.index) })
	for i := 1; i < len(units); i++ {
		if units[i].index == units[i-1].index {
			return nil, fmt.Errorf("dedup: unit %d was added twice", units[i].index)
		}
	}
	d.units = unitSets{list: units}
	for i := range maps {
		d.units.became = append(d.units.became, maps[i].nodes)
	}
	d.g.touchParts()
	d.units.dropRepeated(d.g)
	d.workers = nil
	return maps, nil
}

// merge adds the nodes of another worker, which come after what they refer to.
func (d *Dedup) merge(w *Worker) Mapping {
	from, to := w.g, d.g
	names := make([]btf.Str, from.strings.Len())
	for i := range names {
		names[i] = ^btf.Str(0)
	}
	name := func(s btf.Str) btf.Str {
		if s == 0 {
			return 0
		}
		if names[s] == ^btf.Str(0) {
			names[s] = to.strings.Intern(from.strings.Bytes(s))
		}
		return names[s]
	}
	return from.copyTo(to, name, nil)
}

// Strings is the pool of the merged types.
func (d *Dedup) Strings() *btf.Strings { return d.g.strings }

// Type returns a merged type for looking at: its references are Refs. An anchor
// gives a FWD (a struct or union) or an ENUM without enumerators, of its name.
// The members must not be changed.
func (d *Dedup) Type(r Ref) (btf.Type, []btf.Member) {
	if !r.isAnchor() {
		return d.g.types[r], d.g.membersOf(uint32(r))
	}
	a := d.g.anchors[r&^anchorBit]
	t := btf.Type{Name: a.name, Kind: btf.Fwd}
	switch a.class {
	case classUnion:
		t.Flag = true
	case classEnum:
		t.Kind, t.Size = btf.Enum, 4
	}
	return t, nil
}
