package encode

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/dwarf2btf"
)

// variable is a candidate, with its type as the merged dedup knows it.
type variable struct {
	dwarf2btf.Variable
	unit int
	ref  dedup.Ref
}

// converted is a file's DWARF, units done and merged.
type converted struct {
	symbols   *dwarf2btf.Symbols
	dedup     *dedup.Dedup
	functions functions // in the order of units and DIEs
	variables []variable
	// roots are the types that belong in the output by themselves, unless all do: tags
	// and what .BTF_ids names; own are those that the module itself declares.
	roots, own []root
	trees      []string   // where the kernel's source was found to lie, for messages
	scratch    []*scratch // for crew.done, when the BTF has been written
}

// collector is what one goroutine gathers.
type collector struct {
	*scratch
	err        error // of the unit at
	at         int
	functions  functions
	variables  []variable
	pick       picker
	named      namedTypes
	typed      bool // a unit has types
	learns     bool // what comes after the current unit is worth that it is learned
	roots, own []root
	ownFiles   []bool // scratch, by file
	trees      []string
}

// picker says which of converted.roots and own are filled in.
type picker uint8

const (
	pickTags picker = 1 << iota // roots
	pickOwn                     // own
)

// enoughToShare is how many bytes of debug information must be left for one more
// goroutine to be worth its memory and the merging of what it has made. Tests share less.
var enoughToShare int64 = 1 << 20

// units hands the units of a file out to goroutines: to one, and to more while the crew
// has some to spare.
type units struct {
	conv  *dwarf2btf.Converter
	dedup *dedup.Dedup
	crew  *crew
	pick  picker
	named namedTypes
	guard func(func() error) error
	done  *progress

	next   atomic.Int64
	left   atomic.Int64 // bytes
	failed atomic.Bool
	wg     sync.WaitGroup
	mu     sync.Mutex
	list   []*collector
}

// collector adds one to those that take units.
func (us *units) collector(first bool) *collector {
	s := us.crew.scratch(us.conv, us.dedup, first)
	c := &collector{scratch: s, pick: us.pick, named: us.named}
	us.mu.Lock()
	defer us.mu.Unlock()
	if first {
		c.functions.list = make([]function, 0, us.conv.Symbols().Len())
	}
	us.list = append(us.list, c)
	return c
}

// run takes units until none are left.
func (us *units) run(c *collector) {
	for !us.failed.Load() {
		u := int(us.next.Add(1)) - 1
		if u >= us.conv.Len() {
			return
		}
		size := int64(us.conv.Size(u))
		left := us.left.Add(-size)
		c.learns = left >= size || !us.crew.once
		if left >= enoughToShare && us.crew.join() {
			us.wg.Go(func() {
				defer us.crew.leave()
				us.run(us.collector(false))
			})
		}
		c.err = us.guard(func() error {
			if err := c.unit(u); err != nil {
				return err
			}
			us.done.finish(u)
			return nil
		})
		if c.err != nil {
			c.at = u
			us.failed.Store(true)
			return
		}
	}
}

// convert runs all units of a file through the goroutines that it gets. The result does
// not depend on how many those are. named is what .BTF_ids names. guard is that of the file.
func convert(conv *dwarf2btf.Converter, overBase bool, crew *crew, pick picker, named namedTypes, guard func(func() error) error) (*converted, error) {
	d := dedup.New(overBase)
	us := &units{
		conv: conv, dedup: d, crew: crew, pick: pick, named: named, guard: guard,
		done: &progress{conv: conv, done: make([]bool, conv.Len())},
	}
	for u := range conv.Len() {
		us.left.Add(int64(conv.Size(u)))
	}
	us.run(us.collector(true))
	us.wg.Wait()
	workers := us.list
	if us.failed.Load() {
		return nil, firstError(workers)
	}
	ws := make([]*dedup.Worker, len(workers))
	for i, w := range workers {
		ws[i] = w.dedup
	}
	typed, functions := false, 0
	for _, w := range workers {
		typed = typed || w.typed
		functions += len(w.functions.list)
	}
	if !typed && functions > 0 {
		return nil, ErrNoTypes
	}

	maps, err := d.Merge(ws...)
	if err != nil {
		return nil, err
	}
	c := &converted{dedup: d, symbols: conv.Symbols()}
	for i, w := range workers {
		c.take(w, &maps[i])
		if w.scratch.small() {
			c.scratch = append(c.scratch, w.scratch)
		}
	}
	slices.SortStableFunc(c.functions.list, func(a, b function) int { return cmp.Compare(a.unit, b.unit) })
	slices.SortStableFunc(c.variables, func(a, b variable) int { return a.unit - b.unit })
	slices.SortStableFunc(c.roots, func(a, b root) int { return a.unit - b.unit })
	slices.SortStableFunc(c.own, func(a, b root) int { return a.unit - b.unit })
	slices.Sort(c.trees)
	c.trees = slices.Compact(c.trees)
	return c, nil
}

// firstError is the error of the first bad unit. Units are handed out in order and
// every one that was begun is finished, so that it does not depend on chance.
func firstError(workers []*collector) error {
	var first *collector
	for _, w := range workers {
		if w.err != nil && (first == nil || w.at < first.at) {
			first = w
		}
	}
	return first.err
}

func (c *collector) unit(u int) error {
	unit, err := c.convert.Convert(u)
	if err != nil || unit == nil {
		return err
	}
	prepare := func(unit *dwarf2btf.Unit) {
		if boilerplate(unit.Name) {
			unit.Roots, unit.Variables = 0, nil
		}
	}
	prepare(unit)
	c.typed = c.typed || unit.Roots > 0
	refs, err := c.dedup.AddClaimed(u, unit.Table, unit.Roots, func(refs []dedup.Ref, part []bool) bool {
		return dwarf2btf.Holds(c.convert, refs, part)
	})
	if errors.Is(err, dedup.ErrClaims) {
		if unit, err = c.convert.ConvertAnew(u); err == nil {
			prepare(unit)
			refs, err = c.dedup.Add(u, unit.Table, unit.Roots)
		}
	}
	if err != nil {
		return err
	}
	if c.learns {
		dwarf2btf.Learn(c.convert, refs, c.dedup.Nodes())
	}
	if c.pick&pickTags != 0 {
		c.tagRoots(u, unit, refs)
	}
	if c.pick&pickOwn != 0 {
		c.ownRoots(u, unit, refs)
	}
	c.functions.add(u, unit, refs)
	for _, v := range unit.Variables {
		v.Tags = slices.Clone(v.Tags)
		c.variables = append(c.variables, variable{v, u, refs[v.Type]})
	}
	return nil
}

// take adds what a worker has gathered, in the terms of the merged dedup.
func (c *converted) take(w *collector, m *dedup.Mapping) {
	from, to := w.convert.Strings(), c.dedup.Strings()
	name := func(s btf.Str) btf.Str {
		if from == to {
			return s
		}
		return to.Intern(from.Bytes(s))
	}
	tags := func(ts []dwarf2btf.Tag) {
		for i := range ts {
			ts[i].Text = name(ts[i].Text)
		}
	}
	for i := range w.functions.more {
		tags(w.functions.more[i].tags)
	}
	for i := range w.functions.list {
		f := &w.functions.list[i]
		f.name, f.ref = name(f.name), m.Ref(f.ref)
		if f.more > 0 {
			f.more += int32(len(c.functions.more))
		}
	}
	if c.functions.list == nil {
		c.functions = w.functions
	} else {
		c.functions.list = append(c.functions.list, w.functions.list...)
		c.functions.more = append(c.functions.more, w.functions.more...)
	}
	w.functions = functions{}
	for _, v := range w.variables {
		v.Name, v.ref = name(v.Name), m.Ref(v.ref)
		tags(v.Tags)
		c.variables = append(c.variables, v)
	}
	for _, r := range w.roots {
		c.roots = append(c.roots, root{r.unit, m.Ref(r.ref)})
	}
	for _, r := range w.own {
		c.own = append(c.own, root{r.unit, m.Ref(r.ref)})
	}
	c.trees = append(c.trees, w.trees...)
}

// progress gives back the memory of the file's mapping behind the workers.
type progress struct {
	conv     *dwarf2btf.Converter
	mu       sync.Mutex
	done     []bool
	released int // pieces before it are released
	mark     int // pieces before it are done
	pending  uint64
}

// releaseAfter is how many bytes of units are released at a time.
const releaseAfter = 4 << 20

func (p *progress) finish(u int) {
	p.mu.Lock()
	p.done[u] = true
	for p.mark < len(p.done) && p.done[p.mark] {
		p.pending += p.conv.Size(p.mark)
		p.mark++
	}
	from, to := p.released, p.mark
	release := p.pending >= releaseAfter
	if release {
		p.pending, p.released = 0, to
	}
	p.mu.Unlock()
	if release {
		p.conv.Release(from, to)
	}
}
