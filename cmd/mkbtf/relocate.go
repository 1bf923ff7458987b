package main

import (
	"fmt"
	"sync"

	"mkbtf/internal/fileerr"
	"mkbtf/internal/kernels"
	"mkbtf/internal/object"
	"mkbtf/internal/relocate"
)

func runRelocate(args []string, s streams) error {
	var o relocate.Options
	f := newFlags("relocate", s)
	base := f.StringP("base", "b", "", "move to the kernel whose BTF is in the file `BASE`")
	release := f.StringP("kernel", "k", "", "move to the installed kernel of this `RELEASE`")
	old := f.String("from-base", "", "the BTF that split BTF in FILE was made over is in the file `OLD`")
	f.StringVarP(&o.Out, "output", "o", "", "write to `OUT` instead of in place, - being standard output; for one file")
	f.IntVarP(&o.Jobs, "jobs", "j", 0, "relocate `N` files at a time; 0: as many as there are processors")
	f.BoolVar(&o.DropSignature, "drop-signature", false, "change signed modules too, and drop the signature, which the change makes void")
	f.BoolVar(&o.BestEffort, "best-effort", false, "leave a file alone that cannot be relocated, warn, and count it as done")
	sysroot := f.String("sysroot", "", "look for RELEASE in the system below `DIR`")
	verbose := f.BoolP("verbose", "v", false, "say what is done and why")
	files, err := parse(f, args, 1, -1, "one or more")
	switch {
	case err != nil:
		return err
	case (*base == "") == (*release == ""):
		return usageErrorf("relocate: want one of --base and --kernel: see mkbtf help relocate")
	case *sysroot != "" && *release == "":
		return usageErrorf("relocate: --sysroot is for --kernel: see mkbtf help relocate")
	case o.Jobs < 0:
		return usageErrorf("relocate: --jobs %d: want 0 or more", o.Jobs)
	case o.Out != "" && len(files) > 1:
		return usageErrorf("relocate: %d files for one --output: see mkbtf help relocate", len(files))
	}
	path := *base
	var kernel, from *object.BTFData
	if *release != "" {
		found, err := kernels.Find(kernels.Options{Release: *release, Sysroot: *sysroot})
		if err != nil {
			return err
		}
		if *verbose {
			fmt.Fprintf(s.err, "mkbtf: %s\n", found)
		}
		path, kernel = found.Path, found.Data
		kernel.Release = *release
	} else if kernel, err = readBTF(path, s); err != nil {
		return fileerr.In(path, err)
	}
	if *old != "" {
		if from, err = readBTF(*old, s); err != nil {
			return fileerr.In(*old, err)
		}
	}
	r, err := relocate.New(path, kernel, *old, from)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(file, message string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(s.err, "mkbtf: %s: %s\n", file, message)
	}
	o.Warn = say
	if *verbose {
		o.Note = say
	}
	return joinFiles(files, r.Files(files, o, s.out))
}
