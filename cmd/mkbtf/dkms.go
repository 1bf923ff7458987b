package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"mkbtf/internal/dkms"
	"mkbtf/internal/jobserver"
)

func runDKMS(args []string, s streams) error {
	actions := map[string]func([]string, streams) error{
		"enable": enableDKMS, "disable": disableDKMS, "status": statusDKMS, "hook": hookDKMS,
	}
	if len(args) > 0 {
		if run := actions[args[0]]; run != nil {
			return run(args[1:], s)
		}
	}
	f := newFlags("dkms", s)
	if s.document == nil {
		f.Usage = func() { printDKMSUsage(s.out) }
	}
	args, err := parse(f, args, 0, -1, "any")
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return usageErrorf("dkms: want enable, disable or status: see mkbtf help dkms")
	}
	return usageErrorf("dkms: %q: want enable, disable or status: see mkbtf help dkms", args[0])
}

// printDKMSUsage writes the help of dkms with the options of its commands.
func printDKMSUsage(w io.Writer) {
	fmt.Fprint(w, usages["dkms"])
	for _, c := range dkmsCommands() {
		fmt.Fprintf(w, "\nOptions of mkbtf %s:\n%s", c.Name, c.Flags.FlagUsagesWrapped(100))
	}
}

func enableDKMS(args []string, s streams) error {
	var h dkms.Hook
	f := newFlags("dkms enable", s)
	all := f.Bool("all", false, "all packages that DKMS knows now")
	f.StringVarP(&h.Form, "form", "f", "", "write this `FORM`: split, distilled, self-contained or auto")
	f.StringVar(&h.Keep, "keep", "", "keep these types, `LEVEL`: all, reachable or own")
	f.BoolVar(&h.Strict, "strict", false, "let the build fail if a module cannot be encoded")
	bestEffort := f.Bool("best-effort", false, "leave such a module without BTF and let the build go on; this is the default")
	root := f.String("root", "", "of the system below `DIR`, not of this one")
	f.StringVar(&h.Program, "program", "", "run `PATH`, not this program")
	names, err := parse(f, args, 0, -1, "any")
	switch {
	case err != nil:
		return err
	case h.Strict && *bestEffort:
		return usageErrorf("dkms enable: both --strict and --best-effort")
	}
	if err := checkValues(h); err != nil {
		return err
	}
	if h.Program == "" {
		if h.Program, err = ownPath(); err != nil {
			return err
		}
	}
	system := dkms.System{Root: *root}
	if names, err = packages("enable", names, *all, system.Known); err != nil {
		return err
	}
	changed, err := system.Enable(names, h, func(message string) { fmt.Fprintln(s.err, "mkbtf:", message) })
	for _, name := range changed {
		fmt.Fprintf(s.out, "%s: will get BTF the next time that DKMS builds it\n", name)
	}
	return err
}

func disableDKMS(args []string, s streams) error {
	f := newFlags("dkms disable", s)
	all := f.Bool("all", false, "all packages that it is enabled for")
	root := f.String("root", "", "of the system below `DIR`, not of this one")
	names, err := parse(f, args, 0, -1, "any")
	if err != nil {
		return err
	}
	system := dkms.System{Root: *root}
	if names, err = packages("disable", names, *all, system.Enabled); err != nil {
		return err
	}
	changed, err := system.Disable(names)
	for _, name := range changed {
		fmt.Fprintf(s.out, "%s: will be built as without mkbtf\n", name)
	}
	return err
}

// packages are those that the command line names, or all.
func packages(action string, names []string, all bool, list func() ([]string, error)) ([]string, error) {
	switch {
	case all && len(names) > 0:
		return nil, usageErrorf("dkms %s: both --all and names of packages", action)
	case all:
		return list()
	case len(names) == 0:
		return nil, usageErrorf("dkms %s: name packages of DKMS, or --all: see mkbtf help dkms", action)
	}
	return names, nil
}

func statusDKMS(args []string, s streams) error {
	f := newFlags("dkms status", s)
	asJSON := f.Bool("json", false, "print JSON")
	jobs := f.IntP("jobs", "j", 0, "look at `N` modules at a time; 0: as many as there are processors")
	root := f.String("root", "", "of the system below `DIR`, not of this one")
	names, err := parse(f, args, 0, -1, "any")
	if err != nil {
		return err
	}
	states, mismatch, err := dkms.System{Root: *root}.Status(names, *jobs)
	if err != nil {
		return err
	}
	if *asJSON {
		if states == nil {
			states = []dkms.State{}
		}
		e := json.NewEncoder(s.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "\t")
		err = e.Encode(states)
	} else {
		err = dkms.WriteStatus(s.out, states)
	}
	if err == nil && mismatch {
		err = errMismatch
	}
	return err
}

// hookDKMS is what the build command of DKMS runs at its end.
func hookDKMS(args []string, s streams) error {
	var o dkms.HookOptions
	f := newFlags("dkms hook", s)
	f.StringVarP(&o.Kernel, "kernel", "k", "", "the modules are for the kernel of this `RELEASE`; without it each module says so itself")
	f.StringVar(&o.KernelDir, "kernel-dir", "", "build tree of that kernel, `DIR`")
	f.VarP((*formValue)(&o.Form), "form", "f", "write this `FORM`: auto, split, distilled or self-contained")
	f.Var((*keepValue)(&o.Keep), "keep", "keep these types, `LEVEL`: all, reachable or own")
	f.BoolVar(&o.Strict, "strict", false, "fail if a module cannot be encoded")
	verbose := f.BoolP("verbose", "v", false, "explain each decision")
	paths, err := parse(f, args, 1, -1, "modules or directories")
	if err != nil {
		return err
	}
	var mu sync.Mutex
	o.Warn = func(file, message string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(s.err, "mkbtf:", strings.TrimPrefix(file+": "+message, ": "))
	}
	if *verbose {
		o.Note = o.Warn
	}
	tokens := jobserver.Acquire(0)
	defer tokens.Release()
	o.Jobs = tokens.Jobs
	return dkms.Run(paths, o, s.out)
}

// checkValues refuses what the hook would refuse later.
func checkValues(h dkms.Hook) error {
	var errs []error
	if h.Form != "" {
		errs = append(errs, new(formValue).Set(h.Form))
	}
	if h.Keep != "" {
		errs = append(errs, new(keepValue).Set(h.Keep))
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return usageErrorf("dkms enable: %v", errors.Join(errs...))
	}
	return nil
}
