package main

import (
	"context"
	"errors"
	"io"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"mkbtf/emit"
	"mkbtf/internal/check"
	"mkbtf/internal/compare"
	"mkbtf/internal/fileerr"
	"mkbtf/internal/jobserver"
	"mkbtf/internal/report"
)

func runCompare(args []string, s streams) error {
	f := newFlags("compare", s)
	bases := f.StringArrayP("base", "b", nil, "a kernel whose BTF is in the file `BASE`, to load the modules on; may be repeated. The first one is what split and distilled are made for")
	releases := f.StringArrayP("kernel", "k", nil, "the same of the installed kernel of this `RELEASE`; may be repeated, and comes behind any BASE")
	sysroot := f.String("sysroot", "", "look for RELEASE, for modules by name and for debug files in the system below `DIR`")
	method := f.String("compress", "zstd", "how the modules will be compressed, `METHOD`: "+strings.Join(compare.Methods, ", "))
	dictionary := f.Bool("dictionary", false, "measure zstd with a trained dictionary, too")
	dictionarySize := f.Int("dictionary-size", compare.DefaultDictionary, "of at most `BYTES`")
	perModule := f.Bool("per-module", false, "print a line for each module, too: its size, and the compressed one")
	asJSON := f.Bool("json", false, "print everything as JSON")
	asCSV := f.Bool("csv", false, "print a line for each module and form, with commas")
	plot := f.String("plot", "", "draw size against portability into `OUT`.svg or OUT.png, too")
	html := f.String("html", "", "write a page with tables, plot and a sortable list of the modules to `OUT`, too")
	jobs := f.IntP("jobs", "j", 0, "measure `N` modules at a time; 0: as many as there are processors, or below make -j those that it has to spare")
	paths, err := parse(f, args, 1, -1, "one or more")
	switch {
	case err != nil:
		return err
	case !slices.Contains(compare.Methods, *method):
		return usageErrorf("compare: --compress %q: want %s", *method, strings.Join(compare.Methods, ", "))
	case *dictionary && *method != "zstd":
		return usageErrorf("compare: --dictionary is for --compress zstd")
	case f.Changed("dictionary-size") && !*dictionary:
		return usageErrorf("compare: --dictionary-size is for --dictionary")
	case *dictionarySize < compare.LeastDictionary:
		return usageErrorf("compare: --dictionary-size %d: want %d or more", *dictionarySize, compare.LeastDictionary)
	case *asJSON && *asCSV, *perModule && (*asJSON || *asCSV):
		return usageErrorf("compare: --json, --csv and --per-module: want one of them; the first two have every module anyway")
	case *plot != "" && plotFormat(*plot) == nil:
		return usageErrorf("compare: --plot %q: want a name that ends in .svg or .png", *plot)
	case *jobs < 0:
		return usageErrorf("compare: --jobs %d: want 0 or more", *jobs)
	}
	ks, err := namedKernels(*bases, *releases, *sysroot, s)
	if err != nil {
		return err
	}
	nameApart(ks)
	opts := compare.Options{
		Kernels: ks, NoBase: "since no --base or --kernel says for which kernel",
		Compress: *method, Sysroot: *sysroot, Tool: "mkbtf " + version(),
	}
	if len(ks) > 0 {
		opts.Base = ks[0]
	}
	if *dictionary {
		opts.Dictionary = *dictionarySize
	}
	files, err := compare.Find(paths, check.Lookup{Release: releaseOf(*releases, *sysroot), Sysroot: *sysroot})
	if err != nil {
		return err
	}
	tokens := jobserver.Acquire(*jobs)
	defer tokens.Release()
	opts.Jobs = tokens.Jobs
	r, err := measure(files, opts, s)
	if err != nil {
		return err
	}
	switch {
	case *asJSON:
		err = r.WriteJSON(s.out)
	case *asCSV:
		err = r.WriteCSV(s.out)
	default:
		err = r.WriteText(s.out, *perModule)
	}
	errs := []error{err}
	if *plot != "" {
		errs = append(errs, writeReport(*plot, r, plotFormat(*plot)))
	}
	if *html != "" {
		errs = append(errs, writeReport(*html, r, report.WriteHTML))
	}
	for _, failed := range r.Failed {
		errs = append(errs, fileerr.In(failed.Path, errors.New(failed.Error)))
	}
	return errors.Join(errs...)
}

// plotFormat is what draws a plot into a file of that name, nil if nothing does.
func plotFormat(name string) func(io.Writer, *compare.Report) error {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".svg":
		return report.WriteSVG
	case ".png":
		return report.WritePNG
	}
	return nil
}

// writeReport writes a report to a file, all of it or nothing.
func writeReport(path string, r *compare.Report, write func(io.Writer, *compare.Report) error) error {
	_, err := emit.ReplaceFile(path, func(w io.Writer) error { return write(w, r) }, emit.ReplaceOptions{})
	if err != nil {
		return fileerr.In(path, err)
	}
	return nil
}

// measure runs the measurement, with a line that tells how far it is on a terminal, and
// cleans up if it is interrupted.
func measure(files *compare.Files, opts compare.Options, s streams) (*compare.Report, error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	line := newProgressLine(s.err)
	opts.Progress = func(p compare.Progress) {
		line.show(p.Modules, p.AllModules, "modules", float64(p.Bytes)/float64(max(1, p.AllBytes)))
	}
	r, err := compare.Run(ctx, files, opts)
	line.clear()
	if ctx.Err() != nil {
		return nil, errors.New("compare: interrupted")
	}
	return r, err
}
