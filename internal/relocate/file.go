package relocate

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
	"mkbtf/emit"
	"mkbtf/internal/btfids"
	"mkbtf/internal/check"
	"mkbtf/internal/fileerr"
	"mkbtf/internal/fingerprint"
	"mkbtf/internal/modfile"
	"mkbtf/internal/object"
)

// Options say what is done with files.
type Options struct {
	Out           string // write here instead of in place; only with one file; "-" is standard output
	Jobs          int    // files at a time; 0: one per CPU
	DropSignature bool
	BestEffort    bool // a file that cannot be relocated is left alone with a warning
	// Note, if set, is told what was decided and why; Warn what the user should know
	// though nothing failed. They may be called concurrently.
	Note, Warn func(file, message string)
}

// Files relocates files. The result holds an error, or nil, for each path; with
// BestEffort errors go to Warn instead and the result is all nil.
func (r *Relocator) Files(paths []string, opts Options, stdout io.Writer) []error {
	errs := make([]error, len(paths))
	jobs := opts.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(jobs, len(paths)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(paths) {
					return
				}
				errs[i] = r.file(paths[i], &opts, stdout)
			}
		})
	}
	wg.Wait()
	if opts.BestEffort {
		for i, err := range errs {
			if err != nil {
				opts.warn(paths[i], "left as it is: %v", fileerr.Without(paths[i], err))
			}
			errs[i] = nil
		}
	}
	return errs
}

func (o *Options) note(file, format string, args ...any) {
	if o.Note != nil {
		o.Note(file, fmt.Sprintf(format, args...))
	}
}

func (o *Options) warn(file, format string, args ...any) {
	if o.Warn != nil {
		o.Warn(file, fmt.Sprintf(format, args...))
	}
}

// file relocates one file: .BTF is replaced, .BTF.base removed, .BTF_ids filled in
// anew and the fingerprint is that of the new kernel.
func (r *Relocator) file(path string, opts *Options, stdout io.Writer) error {
	return object.Edit(path, func(f *object.File) error { return r.relocate(path, f, opts, stdout) })
}

func (r *Relocator) relocate(path string, f *object.File, opts *Options, stdout io.Writer) error {
	if err := modfile.CheckSignature(f, opts.DropSignature); err != nil {
		return err
	}
	m, err := check.ReadModule(f)
	if err != nil {
		return err
	}
	res, err := r.Module(m)
	if err != nil {
		return err
	}
	switch {
	case res.Unchanged:
		opts.note(path, "is split BTF over %s already", r.to.kernel.Name)
	case res.BTF == nil:
		opts.warn(path, "the kernel has every type of the module and it has no functions: no .BTF is written, a header alone would break readers")
	}
	for _, n := range res.Notes {
		opts.note(path, "%s", n)
	}
	for _, w := range res.Warnings {
		opts.warn(path, "%s", w)
	}
	elf := emit.ELFOptions{DropSignature: opts.DropSignature}
	ids, err := r.resolveIDs(f, m, res, opts)
	if err != nil {
		return err
	}
	if ids != nil {
		elf.Overwrite = []emit.ELFContent{{Name: ".BTF_ids", Data: ids}}
	}
	again := modfile.SignAgain(f) // before: what is written is not read again
	changed, err := modfile.Write(path, f, []emit.ELFSection{
		{Name: ".BTF", Data: res.BTF, Align: 4},
		{Name: ".BTF.base"},
		{Name: fingerprint.Section, Data: r.fingerprint(f, res.BTF), Align: 4},
	}, elf, opts.Out, stdout)
	switch {
	case err != nil:
	case !changed:
		opts.note(path, "has this BTF already")
	case again != "":
		opts.note(path, "%s", again)
	}
	return err
}

// fingerprint is the content of .note.mkbtf.
func (r *Relocator) fingerprint(f *object.File, raw []byte) []byte {
	if raw == nil {
		return nil
	}
	k := r.to.kernel
	n := fingerprint.Note{
		Form: fingerprint.Split, Types: uint32(k.BTF().End()), Base: k.Fingerprint(),
		BTF: fingerprint.Of(raw), Release: k.Release,
	}
	return n.Encode(f.Order)
}

// resolveIDs is the content of .BTF_ids for the new BTF; nil if it has nothing to
// fill in.
func (r *Relocator) resolveIDs(f *object.File, m *check.Module, res *Result, opts *Options) ([]byte, error) {
	if res.BTF == nil || res.Unchanged {
		return nil, nil
	}
	if _, ok := f.Section(".BTF_ids"); !ok {
		return nil, nil
	}
	src, err := f.Source()
	if err != nil {
		return nil, err
	}
	ids, err := btfids.FromSource(src)
	if err != nil {
		return nil, err
	}
	if ids == nil {
		if len(src.BTFIDs) > 0 && !hasSymbols(src) {
			return nil, errors.New(".BTF_ids cannot be filled in anew: the module has no symbols: relocate it before it is stripped of them")
		}
		return nil, nil
	}
	old, err := r.oldBlob(m)
	if err != nil {
		return nil, err
	}
	if err := ids.Attribute(old); err != nil {
		return nil, err
	}
	now, err := btf.Parse(res.BTF, r.to.base.Blob)
	if err != nil {
		return nil, err
	}
	out := ids.Resolve(now)
	for _, id := range out.Unresolved {
		opts.warn(m.File, ".BTF_ids+%#x: no %s %s: its id stays 0", id.Off, id.Kind, id.Name)
	}
	for _, id := range out.Foreign {
		opts.warn(m.File, ".BTF_ids+%#x: kfunc %s is a function of the kernel, not of the module", id.Off, id.Name)
	}
	return out.Data, nil
}

// hasSymbols reports whether a file has symbols of functions or objects.
func hasSymbols(src *dwarf2btf.Source) bool {
	if src.Symbols != nil {
		for range src.Symbols.All(func(*dwarf2btf.Symbol) bool { return true }) {
			return true
		}
	}
	return false
}

// oldBlob is the BTF that the module has now.
func (r *Relocator) oldBlob(m *check.Module) (*btf.Blob, error) {
	base, err := r.oldBase(m)
	if err != nil {
		return nil, err
	}
	return btf.Parse(m.BTF, base)
}
