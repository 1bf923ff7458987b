package compare

import (
	"cmp"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"

	"mkbtf/internal/check"
	"mkbtf/internal/encode"
	"mkbtf/internal/kernels"
)

// Options say what to measure.
type Options struct {
	// Kernels are those that every form is checked against.
	Kernels []*check.Kernel
	// Base is the one of them that split and distilled are made against; nil if there is
	// none, and NoBase then says why.
	Base   *check.Kernel
	NoBase string
	// Compress is one of Methods.
	Compress string
	// Dictionary, with zstd, measures what trained dictionaries of at most so many bytes
	// save; 0: not.
	Dictionary int
	Jobs       int    // modules at a time; 0: one per CPU
	Sysroot    string // debug files are found in the system below it; "" is this one
	Tool       string // for Report.Tool
	// Progress, if set, is told how far the run is. It may be called concurrently.
	Progress func(p Progress)
}

// Progress is how far a run is.
type Progress struct {
	Modules, AllModules int   // done, and how many there are
	Bytes, AllBytes     int64 // of the files of the same
}

// ErrDictionary: dictionaries are made for zstd only.
var ErrDictionary = errors.New("dictionaries are for zstd")

// runner is one run.
type runner struct {
	opts    Options
	files   *Files
	several *encode.Several
	ids     []FormID // of the variants
	pack    packer   // nil: sizes are not packed
	// dictionaries are those that a half of the modules is compressed with, by form.
	dictionaries [2]map[FormID]packer
}

// Run measures all modules. A module that cannot be measured is in Report.Failed; an
// error means that there is no report. The result does not depend on Jobs.
func Run(ctx context.Context, files *Files, opts Options) (*Report, error) {
	r := &runner{opts: opts, files: files}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	report := &Report{
		Version: Version, Tool: opts.Tool, NoBase: opts.NoBase, Kernels: []Kernel{}, Modules: []Module{},
		Compression: Compression{Method: opts.Compress},
	}
	for _, k := range opts.Kernels {
		report.Kernels = append(report.Kernels, Kernel{Name: k.Name, Release: k.Release, Path: k.Path, Bytes: int64(len(k.BTF().Data)), Base: k == opts.Base})
		if k == opts.Base {
			base := report.Kernels[len(report.Kernels)-1]
			report.Base, report.NoBase = &base, ""
		}
	}
	if r.pack != nil {
		report.Compression.Encoder = r.pack.describe()
	}
	var sizes map[FormID]dictionarySize
	if opts.Dictionary > 0 {
		report.Dictionary = &Dictionary{Trainer: "mkbtf with github.com/klauspost/compress" + moduleVersion("github.com/klauspost/compress"), Encoder: r.pack.describe(), Limit: int64(opts.Dictionary)}
		var err error
		if sizes, err = r.train(ctx); err != nil {
			return nil, err
		}
	}
	done, err := r.all(ctx)
	if err != nil {
		return nil, err
	}
	for i, path := range files.Modules {
		if done[i].err != nil {
			report.Failed = append(report.Failed, Failure{path, done[i].err.Error()})
		} else {
			report.Modules = append(report.Modules, *done[i].module)
		}
	}
	report.dropFound()
	report.total(sizes)
	return report, nil
}

func (r *runner) prepare() (err error) {
	if r.pack, err = newPacker(r.opts.Compress); err != nil {
		return err
	}
	if r.opts.Dictionary > 0 && r.opts.Compress != methodZstd {
		return ErrDictionary
	}
	var base *encode.Base
	var variants []encode.Variant
	if k := r.opts.Base; k != nil {
		base = encode.NewBase(k.Path, k.Release, k.BTF())
		variants = append(variants, encode.Variant{Form: encode.Split}, encode.Variant{Form: encode.Distilled})
		r.ids = append(r.ids, FormSplit, FormDistilled)
	}
	for _, v := range []struct {
		id   FormID
		keep encode.Keep
	}{{FormOwn, encode.KeepOwn}, {FormReachable, encode.KeepReachable}, {FormAll, encode.KeepAll}} {
		variants = append(variants, encode.Variant{Form: encode.SelfContained, Keep: v.keep})
		r.ids = append(r.ids, v.id)
	}
	opts := encode.Options{Kernel: &kernels.Options{Sysroot: r.opts.Sysroot}}
	r.several, err = encode.NewSeveral(opts, base, variants)
	return err
}

func (r *runner) jobs() int {
	if r.opts.Jobs > 0 {
		return r.opts.Jobs
	}
	return runtime.GOMAXPROCS(0)
}

// result is what became of one module.
type result struct {
	module *Module
	err    error
}

// all measures all modules, the largest first, so that no worker is left alone with one
// at the end.
func (r *runner) all(ctx context.Context) ([]result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sizes := make([]int64, len(r.files.Modules))
	order := make([]int, len(sizes))
	p := Progress{AllModules: len(sizes)}
	for i, path := range r.files.Modules {
		order[i] = i
		if st, err := os.Stat(path); err == nil {
			sizes[i] = st.Size()
			p.AllBytes += sizes[i]
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
	results := make([]result, len(sizes))
	var mu sync.Mutex
	next := func() (i int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(order) == 0 || ctx.Err() != nil {
			return 0, false
		}
		i, order = order[0], order[1:]
		return i, true
	}
	done := func(i int) {
		mu.Lock()
		defer mu.Unlock()
		p.Modules++
		p.Bytes += sizes[i]
		if r.opts.Progress != nil {
			r.opts.Progress(p)
		}
	}
	var wg sync.WaitGroup
	for range min(r.jobs(), len(sizes)) {
		wg.Go(func() {
			if err := r.work(ctx, next, done, results); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return results, nil
}

// Modules are compressed together, which saves starting a program for each, until there are
// so many of them, or bytes.
const (
	batchModules = 16
	batchBytes   = 32 << 20
)

// work measures modules until there are no more. An error ends the run.
func (r *runner) work(ctx context.Context, next func() (int, bool), done func(int), results []result) error {
	var batch []*measured
	var at []int
	bytes := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := r.compress(ctx, batch); err != nil {
			return err
		}
		for _, i := range at {
			done(i)
		}
		batch, at, bytes = batch[:0], at[:0], 0
		return nil
	}
	for {
		i, ok := next()
		if !ok {
			return flush()
		}
		m, err := r.measure(r.files.Modules[i])
		if err != nil {
			results[i].err = err
			done(i)
			continue
		}
		results[i].module = &m.module
		batch, at, bytes = append(batch, m), append(at, i), bytes+m.bytes()
		if len(batch) < batchModules && bytes < batchBytes {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}
}

// compress fills in the sizes after compression and lets go of the files.
func (r *runner) compress(ctx context.Context, batch []*measured) error {
	if r.pack == nil {
		return nil
	}
	pack := func(p packer, take func(m *measured, s *Size) bool, set func(s *Size, n int64)) error {
		var files [][]byte
		var sizes []*Size
		for _, m := range batch {
			for i := range m.module.Sizes {
				if s := &m.module.Sizes[i]; take(m, s) {
					files, sizes = append(files, m.files[i]), append(sizes, s)
				}
			}
		}
		if len(files) == 0 {
			return nil
		}
		n, err := p.sizes(ctx, files)
		if err != nil {
			return err
		}
		for i := range sizes {
			set(sizes[i], n[i])
		}
		return nil
	}
	all := func(*measured, *Size) bool { return true }
	if err := pack(r.pack, all, func(s *Size, n int64) { s.Packed = n }); err != nil {
		return err
	}
	for half, byForm := range r.dictionaries {
		for i := range forms {
			p := byForm[forms[i].id]
			if p == nil {
				continue
			}
			take := func(m *measured, s *Size) bool { return s.Form == forms[i].id && halfOf(m.module.Path) == half }
			if err := pack(p, take, func(s *Size, n int64) { s.WithDictionary = n }); err != nil {
				return err
			}
		}
	}
	for _, m := range batch {
		m.files = nil
	}
	return nil
}

// train makes the dictionaries of all forms, and says how large they are.
func (r *runner) train(ctx context.Context) (map[FormID]dictionarySize, error) {
	sizes := map[FormID]dictionarySize{}
	for half := range r.dictionaries {
		samples, err := r.samples(ctx, half)
		if err != nil {
			return nil, err
		}
		// What was trained on this half is for the other one.
		other := map[FormID]packer{}
		for i := range forms {
			id := forms[i].id
			if id == FormFound && len(samples[id]) == 0 {
				continue
			}
			d, err := train(samples[id], r.opts.Dictionary)
			s := sizes[id]
			if err != nil {
				s.err = err.Error()
			} else {
				other[id] = r.pack.with(d)
				s.size = max(s.size, int64(len(d)))
			}
			sizes[id] = s
		}
		r.dictionaries[1-half] = other
	}
	// A form of which one half has no dictionary has no figure.
	for id, s := range sizes {
		if s.err != "" {
			delete(r.dictionaries[0], id)
			delete(r.dictionaries[1], id)
		}
	}
	return sizes, nil
}

// samples makes files of each form of modules of one half, as many as a dictionary is
// trained on. Modules come in an order that has nothing to do with what is in them.
func (r *runner) samples(ctx context.Context, half int) (map[FormID][][]byte, error) {
	var paths []string
	for _, path := range r.files.Modules {
		if halfOf(path) == half {
			paths = append(paths, path)
		}
	}
	slices.SortStableFunc(paths, func(a, b string) int { return cmp.Compare(hashOf(a), hashOf(b)) })
	limit := samplePerByte * r.opts.Dictionary
	samples := map[FormID][][]byte{}
	bytes := map[FormID]int{}
	wanted := func() bool {
		for _, id := range r.ids {
			if bytes[id] < limit {
				return true
			}
		}
		return len(r.ids) > 0 && bytes[FormNone] < limit
	}
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !wanted() {
			break
		}
		m, err := r.measure(path)
		if err != nil {
			continue // it is told when it is measured
		}
		for i := range m.module.Sizes {
			id := m.module.Sizes[i].Form
			if file := m.files[i]; bytes[id] < limit {
				file = file[:min(len(file), limit/8)] // a giant must not be all there is
				bytes[id] += len(file)
				samples[id] = append(samples[id], file)
			}
		}
	}
	return samples, nil
}
