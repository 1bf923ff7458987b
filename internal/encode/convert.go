package encode

import (
	"slices"
	"sync"
	"sync/atomic"

	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/dwarf2btf"
)

// function and variable are candidates of all units, with their types as the
// merged dedup knows them.
type function struct {
	dwarf2btf.Candidate
	name btf.Str
	tags []dwarf2btf.Tag
	unit int
	ref  dedup.Ref // its prototype
}

type variable struct {
	dwarf2btf.Variable
	unit int
	ref  dedup.Ref
}

// converted is a file's DWARF, units done and merged.
type converted struct {
	symbols   *dwarf2btf.Symbols
	dedup     *dedup.Dedup
	functions []function // in the order of units and DIEs
	variables []variable
	// roots are the types that belong in the output by themselves, unless all do: tags
	// and what .BTF_ids names; own are those that the module itself declares.
	roots, own []root
	trees      []string // where the kernel's source was found to lie, for messages
}

// collector is what one goroutine gathers.
type collector struct {
	convert    *dwarf2btf.Worker
	dedup      *dedup.Worker
	functions  []function
	variables  []variable
	candidates []dwarf2btf.Candidate // scratch
	pick       picker
	named      namedTypes
	typed      bool // a unit has types
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

// convert runs all units of a file through n goroutines. The result does not
// depend on n. named is what .BTF_ids names. guard is that of the file.
func convert(conv *dwarf2btf.Converter, overBase bool, n int, pick picker, named namedTypes, guard func(func() error) error) (*converted, error) {
	n = max(1, min(n, conv.Len()))
	d := dedup.New(overBase)
	workers := make([]collector, n)
	ws := make([]*dedup.Worker, n)
	for i := range workers {
		w := conv.NewWorker()
		ws[i] = d.NewWorker(w.Strings())
		workers[i] = collector{convert: w, dedup: ws[i], pick: pick, named: named}
	}
	done := &progress{conv: conv, done: make([]bool, conv.Len())}
	var (
		next   atomic.Int64
		failed atomic.Bool
		errs   = make([]error, n)
		at     = make([]int, n)
		wg     sync.WaitGroup
	)
	for i := range workers {
		wg.Go(func() {
			for !failed.Load() {
				u := int(next.Add(1)) - 1
				if u >= conv.Len() {
					return
				}
				err := guard(func() error {
					if err := workers[i].unit(u); err != nil {
						return err
					}
					done.finish(u)
					return nil
				})
				if err != nil {
					errs[i], at[i] = err, u
					failed.Store(true)
					return
				}
			}
		})
	}
	wg.Wait()
	if failed.Load() {
		return nil, firstError(errs, at)
	}
	typed, functions := false, 0
	for i := range workers {
		typed = typed || workers[i].typed
		functions += len(workers[i].functions)
	}
	if !typed && functions > 0 {
		return nil, ErrNoTypes
	}
	maps, err := d.Merge(ws...)
	if err != nil {
		return nil, err
	}
	c := &converted{dedup: d, symbols: conv.Symbols()}
	for i := range workers {
		c.take(&workers[i], &maps[i])
	}
	slices.SortStableFunc(c.functions, func(a, b function) int { return a.unit - b.unit })
	slices.SortStableFunc(c.variables, func(a, b variable) int { return a.unit - b.unit })
	slices.SortStableFunc(c.roots, func(a, b root) int { return a.unit - b.unit })
	slices.SortStableFunc(c.own, func(a, b root) int { return a.unit - b.unit })
	slices.Sort(c.trees)
	c.trees = slices.Compact(c.trees)
	return c, nil
}

// firstError is the error of the first bad unit. Units are handed out in order and
// every one that was begun is finished, so that it does not depend on chance.
func firstError(errs []error, at []int) error {
	var first error
	u := -1
	for i, err := range errs {
		if err != nil && (u < 0 || at[i] < u) {
			first, u = err, at[i]
		}
	}
	return first
}

func (c *collector) unit(u int) error {
	unit, err := c.convert.Convert(u)
	if err != nil || unit == nil {
		return err
	}
	if boilerplate(unit.Name) {
		unit.Roots = 0
	}
	c.typed = c.typed || unit.Roots > 0
	refs, err := c.dedup.Add(u, unit.Table, unit.Roots)
	if err != nil {
		return err
	}
	if c.pick&pickTags != 0 {
		c.tagRoots(u, unit, refs)
	}
	if c.pick&pickOwn != 0 {
		c.ownRoots(u, unit, refs)
	}
	c.candidates = unit.AppendCandidates(c.candidates[:0], u)
	for i := range unit.Functions {
		f := &unit.Functions[i]
		c.functions = append(c.functions, function{c.candidates[i], f.Name, slices.Clone(f.Tags), u, refs[f.Proto]})
	}
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
	for i := range w.functions {
		f := &w.functions[i]
		f.name, f.ref = name(f.name), m.Ref(f.ref)
		tags(f.tags)
	}
	if c.functions == nil {
		c.functions = w.functions
	} else {
		c.functions = append(c.functions, w.functions...)
	}
	w.functions = nil
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
