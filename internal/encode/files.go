package encode

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"mkbtf/emit"
	"mkbtf/internal/compress"
	"mkbtf/internal/fileerr"
	"mkbtf/internal/modfile"
	"mkbtf/internal/object"
)

// Files encodes files with one base. The result holds an error, or nil, for each
// path; with BestEffort errors go to Warn instead and the result is all nil. What
// is written does not depend on how many files are encoded at a time.
func Files(paths []string, opts Options, stdout io.Writer) []error {
	errs := make([]error, len(paths))
	fail := func(err error) []error {
		for i := range errs {
			errs[i] = err
		}
		return opts.settle(paths, errs)
	}
	if len(paths) > 1 && opts.Out != "" {
		return fail(errors.New("one output file for several modules"))
	}
	e, err := newMapped(opts)
	if err != nil {
		return fail(&SetupError{err})
	}
	defer e.close()
	// Each of these goroutines has a file at a time. When there are no more files, what
	// is left of the last ones is shared out.
	jobs := opts.jobs()
	side := min(jobs, len(paths))
	e.crew = newCrew(jobs, side)
	e.crew.once = len(paths) == 1
	queue := newQueue(paths, opts.MaxMemory)
	var wg sync.WaitGroup
	for range side {
		wg.Go(func() {
			defer e.crew.leave()
			for {
				i, done := queue.take()
				if done == nil {
					return
				}
				errs[i] = e.File(paths[i], stdout)
				done()
			}
		})
	}
	wg.Wait()
	return opts.settle(paths, errs)
}

// settle turns errors into warnings if the user asked for best effort.
func (o *Options) settle(paths []string, errs []error) []error {
	if !o.BestEffort {
		return errs
	}
	for i, err := range errs {
		if err != nil && o.Warn != nil {
			o.Warn(paths[i], fmt.Sprintf("left as it is, without new BTF: %v", fileerr.Without(paths[i], err)))
		}
		errs[i] = nil
	}
	return errs
}

// File encodes one file and writes the result where the options say: into the file
// itself, into a copy, or as raw BTF beside it.
func (e *Encoder) File(path string, stdout io.Writer) error {
	return object.Edit(path, func(f *object.File) error {
		if e.base != nil && e.base.data != nil {
			f.Beside(e.base.data)
		}
		return e.file(path, f, stdout)
	})
}

func (e *Encoder) file(path string, f *object.File, stdout io.Writer) error {
	if !e.opts.Detached {
		if err := modfile.CheckSignature(f, e.opts.DropSignature); err != nil {
			return err
		}
	}
	// A kernel's own BTF lies over nothing, not even int.
	out, ids, err := e.encode(f, e.opts.Detached, e.opts.Detached || !f.Relocatable())
	if err != nil {
		return err
	}
	if out.BTF == nil {
		e.opts.warn(path, "the base has every type of the module and it has no functions: no .BTF is written, a header alone would break readers")
	}
	if e.opts.Detached {
		if err := f.Changed(); err != nil {
			return err
		}
		return e.writeDetached(path, out, stdout)
	}
	return e.writeELF(path, f, out, ids, stdout)
}

// writeELF puts the BTF into the module, or into a copy of it, with the content of
// .BTF_ids that belongs to it.
func (e *Encoder) writeELF(path string, f *object.File, out *emit.Output, ids []byte, stdout io.Writer) error {
	opts := emit.ELFOptions{DropSignature: e.opts.DropSignature}
	if ids != nil {
		opts.Overwrite = []emit.ELFContent{{Name: ".BTF_ids", Data: ids}}
	}
	again := modfile.SignAgain(f) // before: what is written is not read again
	changed, err := modfile.Write(path, f, e.sections(f, out), opts, e.opts.Out, stdout)
	switch {
	case err != nil:
	case !changed:
		e.opts.note(path, "has this BTF already")
	case again != "":
		e.opts.note(path, "%s", again)
	}
	return err
}

func writeBytes(path string, data []byte) error {
	_, err := emit.ReplaceFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}, emit.ReplaceOptions{})
	return err
}

// writeDetached writes raw BTF: to Out (and Out.base), or beside the module under
// the names that kbuild uses, x.ko.BTF and x.ko.BTF.base.
func (e *Encoder) writeDetached(path string, out *emit.Output, stdout io.Writer) error {
	name := e.opts.Out
	if name == "-" {
		if out.Base != nil {
			return errors.New("distilled BTF is two files: give --output a name")
		}
		_, err := stdout.Write(out.BTF)
		return err
	}
	if name == "" {
		name = compress.PlainName(path) + ".BTF"
	}
	base := name + ".base"
	if out.BTF == nil {
		return errors.Join(removeStale(name), removeStale(base))
	}
	if err := writeBytes(name, out.BTF); err != nil {
		return err
	}
	if out.Base == nil {
		return removeStale(base)
	}
	return writeBytes(base, out.Base)
}

// removeStale removes the output of an earlier run, which would be taken for this one's.
func removeStale(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
