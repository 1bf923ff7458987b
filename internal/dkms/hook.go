package dkms

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"mkbtf/internal/encode"
	"mkbtf/internal/fileerr"
	"mkbtf/internal/kernels"
	"mkbtf/internal/object"
)

// HookOptions are what the hook is run with after a build.
type HookOptions struct {
	// Kernel is the release that was built for; "" takes each module's own word.
	Kernel string
	// KernelDir is its build tree, which may lie elsewhere than in /lib/modules; "" none.
	KernelDir string
	Form      encode.Form
	Keep      encode.Keep
	Jobs      int
	// Strict makes errors of what Warn is told otherwise.
	Strict bool
	Note   func(file, message string)
	Warn   func(file, message string)
}

// Run gives the modules below directories, and modules named themselves, BTF for the
// kernel that they were built for. It is what runs at the end of a build: out gets a
// line for each module, as kbuild prints it. A module that was not built but came
// with the package, and has no DWARF therefore, is left alone like any other that
// cannot be encoded.
func Run(paths []string, opts HookOptions, out io.Writer) error {
	var errs []error
	fail := func(file string, err error) {
		if opts.Strict {
			errs = append(errs, fileerr.In(file, err))
			return
		}
		opts.Warn(file, fmt.Sprintf("left as it is: %v", fileerr.Without(file, err)))
	}
	byKernel := map[string][]string{}
	var order []string
	for _, path := range paths {
		modules, err := modulesIn(path)
		if err != nil {
			fail(path, err)
		} else if len(modules) == 0 {
			fail(path, errors.New("no modules here"))
		}
		for _, m := range modules {
			release, err := opts.release(m)
			if err != nil {
				fail(m, err)
				continue
			}
			if byKernel[release] == nil {
				order = append(order, release)
			}
			byKernel[release] = append(byKernel[release], m)
		}
	}
	for _, release := range order {
		modules := byKernel[release]
		for i, err := range opts.encode(release, modules, out) {
			if err != nil {
				fail(modules[i], err)
			}
		}
	}
	return errors.Join(errs...)
}

// release is the kernel that a module is for.
func (o *HookOptions) release(path string) (string, error) {
	if o.Kernel != "" {
		return o.Kernel, nil
	}
	f, err := object.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var r string
	if err := f.Guard(func() error { r = f.Release(); return nil }); err != nil {
		return "", err
	}
	if r == "" {
		return "", errors.New("does not say which kernel it is for: name it with --kernel")
	}
	return r, nil
}

// encode encodes the modules of one kernel. What they all fail by alike is warned of
// or returned for each.
func (o *HookOptions) encode(release string, modules []string, out io.Writer) []error {
	opts := encode.Options{Form: o.Form, Keep: o.Keep, Jobs: o.Jobs, Note: o.Note, Warn: o.Warn}
	if o.Form != encode.SelfContained || o.Keep == encode.KeepOwn {
		opts.Kernel = &kernels.Options{Release: release, KernelDir: o.KernelDir}
	}
	errs := encode.Files(modules, opts, io.Discard)
	for i, m := range modules {
		if errs[i] == nil {
			fmt.Fprintf(out, "  BTF [M] %s\n", filepath.Base(m))
		}
	}
	return errs
}
