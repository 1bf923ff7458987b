package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"mkbtf/internal/check"
	"mkbtf/internal/fileerr"
	"mkbtf/internal/kernels"
	"mkbtf/internal/object"
)

const runningBTF = "/sys/kernel/btf/vmlinux"

func runCheck(args []string, s streams) error {
	f := newFlags("check", s)
	bases := f.StringArrayP("base", "b", nil, "the kernel whose BTF is in the file `BASE`; may be repeated")
	releases := f.StringArrayP("kernel", "k", nil, "the installed kernel of this `RELEASE`; may be repeated")
	live := f.Bool("live", false, "the running kernel, and let its verifier read the BTF")
	jobs := f.IntP("jobs", "j", 0, "check `N` modules at a time; 0: as many as there are processors")
	quiet := f.BoolP("quiet", "q", false, "print only what does not fit")
	summary := f.BoolP("summary", "s", false, "print only a table of numbers")
	asJSON := f.Bool("json", false, "print the verdicts as JSON")
	sysroot := f.String("sysroot", "", "look for RELEASE and for modules by name in the system below `DIR`")
	verbose := f.BoolP("verbose", "v", false, "print all reasons, and what the kernel logs")
	names, err := parse(f, args, 1, -1, "one or more")
	switch {
	case err != nil:
		return err
	case *jobs < 0:
		return usageErrorf("check: --jobs %d: want 0 or more", *jobs)
	case *asJSON && *summary:
		return usageErrorf("check: --json and --summary: want one of them")
	}
	ks, release, err := checkKernels(*bases, *releases, *live, *sysroot, s)
	if err != nil {
		return err
	}
	files, err := check.Lookup{Release: release, Sysroot: *sysroot}.Expand(names)
	if err != nil {
		return err
	}
	r := &checkReport{out: s.out, tally: check.NewTally(ks), quiet: *quiet, summary: *summary, json: *asJSON, verbose: *verbose}
	check.Run(files, ks, check.Options{Jobs: *jobs, Live: *live}, r.add)
	return r.end()
}

// checkKernels loads the kernels that the flags name, the running one if they name
// none, and says whose modules are meant by names: those of the first --kernel, else
// those of the running kernel.
func checkKernels(bases, releases []string, live bool, sysroot string, s streams) (ks []*check.Kernel, release string, err error) {
	if len(bases)+len(releases) == 0 {
		live = true
	}
	if ks, err = namedKernels(bases, releases, sysroot, s); err != nil {
		return nil, "", err
	}
	if live {
		k, err := check.LoadKernel(runningBTF)
		if err != nil {
			return nil, "", fmt.Errorf("%w: name a kernel with --base or --kernel", fileerr.In(runningBTF, err))
		}
		k.Live, k.Mismatch = true, check.MismatchConfig(k.Release, "")
		ks = append(ks, k)
	}
	nameApart(ks)
	return ks, releaseOf(releases, sysroot), nil
}

// namedKernels loads the kernels that --base and --kernel name, in this order.
func namedKernels(bases, releases []string, sysroot string, s streams) (ks []*check.Kernel, err error) {
	for _, path := range bases {
		data, err := readBTF(path, s)
		if err != nil {
			return nil, fileerr.In(path, err)
		}
		k, err := check.NewKernel(path, data)
		if err != nil {
			return nil, fileerr.In(path, err)
		}
		ks = append(ks, k)
	}
	for _, r := range releases {
		found, err := kernels.Find(kernels.Options{Release: r, Sysroot: sysroot})
		if err != nil {
			return nil, err
		}
		k, err := check.NewKernel(found.Path, found.Data)
		if err != nil {
			return nil, err
		}
		k.Name, k.Release, k.Mismatch = r, r, check.MismatchConfig(r, sysroot)
		ks = append(ks, k)
	}
	return ks, nil
}

// nameApart calls kernels of one name after their files.
func nameApart(ks []*check.Kernel) {
	sameName := map[string]int{}
	for _, k := range ks {
		sameName[k.Name]++
	}
	for _, k := range ks {
		if sameName[k.Name] > 1 {
			k.Name = k.Path
		}
	}
}

// releaseOf says whose modules are meant by names.
func releaseOf(releases []string, sysroot string) string {
	switch {
	case len(releases) > 0:
		return releases[0]
	case sysroot != "":
		return ""
	}
	return object.RunningRelease()
}

// checkReport prints verdicts as they come.
type checkReport struct {
	out                           io.Writer
	tally                         *check.Tally
	quiet, summary, json, verbose bool

	verdicts []*check.Verdict // for JSON
	mismatch bool
	errs     []error
	written  error
}

func (r *checkReport) add(file string, vs []*check.Verdict, err error) {
	if err != nil {
		r.errs = append(r.errs, fileerr.In(file, err))
		return
	}
	r.tally.Add(vs)
	for _, v := range vs {
		r.mismatch = r.mismatch || v.Mismatch()
		switch {
		case r.quiet && !v.Mismatch(), r.summary:
		case r.json:
			r.verdicts = append(r.verdicts, v)
		default:
			r.print(v)
		}
	}
}

func (r *checkReport) print(v *check.Verdict) {
	if r.written != nil {
		return
	}
	_, r.written = fmt.Fprintln(r.out, v.Line())
	if !r.verbose || r.written != nil {
		return
	}
	r.written = v.Details(r.out)
	for _, l := range v.Log() {
		if r.written == nil {
			_, r.written = fmt.Fprintf(r.out, "\tlog: %s\n", l)
		}
	}
}

// end finishes the report. Files that could not be read count more than mismatches.
func (r *checkReport) end() error {
	err := r.written
	switch {
	case err != nil:
	case r.json:
		if r.verdicts == nil {
			r.verdicts = []*check.Verdict{}
		}
		e := json.NewEncoder(r.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "\t")
		err = e.Encode(r.verdicts)
	case r.summary:
		err = r.tally.Write(r.out)
	}
	if err = errors.Join(append(r.errs, err)...); err == nil && r.mismatch {
		err = errMismatch
	}
	return err
}
