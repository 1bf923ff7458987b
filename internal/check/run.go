package check

import (
	"runtime"
	"sync"
)

// Options say how Run works.
type Options struct {
	Jobs int  // modules at a time; 0: one per CPU
	Live bool // ask the running kernel as well, where a Kernel is it
}

// Run checks every file against every kernel and calls report once for each file,
// in order, with its verdicts in the order of the kernels, or with the error that
// kept it from being read.
func Run(files []string, kernels []*Kernel, opts Options, report func(file string, vs []*Verdict, err error)) {
	jobs := opts.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	type result struct {
		verdicts []*Verdict
		err      error
		done     chan struct{}
	}
	results := make([]result, len(files))
	for i := range results {
		results[i].done = make(chan struct{})
	}
	// Results are reported in order; no worker runs far ahead of that.
	ahead := make(chan struct{}, 4*jobs)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(jobs, len(files)) {
		wg.Go(func() {
			for i := range next {
				r := &results[i]
				r.verdicts, r.err = checkFile(files[i], kernels, opts)
				close(r.done)
			}
		})
	}
	go func() {
		defer close(next)
		for i := range files {
			ahead <- struct{}{}
			next <- i
		}
	}()
	for i := range files {
		<-results[i].done
		report(files[i], results[i].verdicts, results[i].err)
		results[i] = result{}
		<-ahead
	}
	wg.Wait()
}

func checkFile(file string, kernels []*Kernel, opts Options) ([]*Verdict, error) {
	m, err := LoadModule(file)
	if err != nil {
		return nil, err
	}
	vs := make([]*Verdict, len(kernels))
	for i, k := range kernels {
		vs[i] = k.Check(m)
		if opts.Live {
			if err := k.AskRunning(vs[i], m); err != nil {
				return nil, err
			}
		}
	}
	return vs, nil
}
