package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/spf13/pflag"

	"mkbtf/emit"
	"mkbtf/internal/encode"
	"mkbtf/internal/fileerr"
	"mkbtf/internal/jobserver"
	"mkbtf/internal/kbuild"
	"mkbtf/internal/kernels"
)

func runEncode(args []string, s streams) error {
	var o encode.Options
	f := newFlags("encode", s)
	f.StringVarP(&o.Base, "base", "b", "", "take `BASE` for the kernel's BTF: any file with BTF in it")
	release := f.StringP("kernel", "k", "", "take the BTF of the installed kernel of this `RELEASE`; see mkbtf help base")
	sysroot := f.String("sysroot", "", "look for RELEASE in the system below `DIR`")
	f.StringVar(&o.DebugFile, "debug-file", "", "take the DWARF from `DEBUGFILE`, and change FILE, which was stripped; for one file")
	f.VarP((*formValue)(&o.Form), "form", "f", "write this `FORM`: auto, split, distilled or self-contained")
	f.Var((*keepValue)(&o.Keep), "keep", "keep these types, `LEVEL`: all, reachable or own")
	f.IntVar(&o.Hops, "hops", 0, "with --keep own: keep kernel types in full up to `N` pointers away from the module's own")
	f.StringArrayVar(&o.AcceptOn, "accept-on", nil, "distilled: carry what `KERNEL` would miss, any file with BTF in it; may be repeated")
	f.BoolVar(&o.ForceABI, "force-abi", false, "with --accept-on: carry embedded structs too that have another size there, though the module does not fit")
	explain := f.Bool("explain", false, "list the types that a kernel must have, and what in the module needs them")
	f.StringVarP(&o.Out, "output", "o", "", "write to `OUT` instead of in place, - being standard output; for one file")
	f.BoolVar(&o.Detached, "detached", false, "write raw BTF beside FILE, or to OUT, and leave FILE alone")
	f.IntVarP(&o.Jobs, "jobs", "j", 0, "use `N` processors; 0: all, or below make -j those that it has to spare")
	f.Var((*sizeValue)(&o.MaxMemory), "max-memory", "encode no more files at a time than fit in about `SIZE`, such as 2G (default half of what is available)")
	f.Var((*languagesValue)(&o.ExcludeLanguages), "lang-exclude", "skip units in these `LANGUAGES`, a list such as c++14,rust; none: skip none (default c++,rust,asm)")
	features := f.StringArray("features", nil, "encode with these `FEATURES` only, a list of pahole's --btf_features; with a + before it besides the default ones")
	f.BoolVar(&o.DropSignature, "drop-signature", false, "change signed modules too, and drop the signature, which the change makes void")
	f.BoolVar(&o.BestEffort, "best-effort", false, "leave a file alone that cannot be encoded, warn, and count it as done")
	verbose := f.BoolP("verbose", "v", false, "explain each decision, such as which functions are left out and why")
	files, err := parse(f, args, 1, -1, "one or more")
	if *release != "" {
		o.Kernel = &kernels.Options{Release: *release, Sysroot: *sysroot, KernelDir: os.Getenv("KERNELDIR")}
	}
	switch {
	case err != nil:
		return err
	case o.Base != "" && *release != "":
		return usageErrorf("encode: both --base and --kernel: see mkbtf help encode")
	case *sysroot != "" && *release == "":
		return usageErrorf("encode: --sysroot is for --kernel: see mkbtf help encode")
	case o.DebugFile != "" && len(files) > 1:
		return usageErrorf("encode: %d files for one --debug-file: see mkbtf help encode", len(files))
	case f.Changed("hops") && (o.Keep != encode.KeepOwn || o.Form != encode.SelfContained || o.Hops < 0):
		return usageErrorf("encode: --hops takes 0 or more and needs --form self-contained --keep own: the other forms hold no kernel types")
	case len(o.AcceptOn) > 0 && (o.Form == encode.Split || o.Form == encode.SelfContained):
		return usageErrorf("encode: --accept-on is for --form distilled: split loads on one kernel, self-contained on all from 6.11 on")
	case o.ForceABI && len(o.AcceptOn) == 0:
		return usageErrorf("encode: --force-abi needs --accept-on")
	case *explain && o.Out == "-":
		return usageErrorf("encode: --explain and --output - both write to standard output")
	case o.Jobs < 0:
		return usageErrorf("encode: --jobs %d: want 0 or more", o.Jobs)
	case o.Out != "" && len(files) > 1:
		return usageErrorf("encode: %d files for one --output: see mkbtf help encode", len(files))
	}
	var mu sync.Mutex
	say := func(format string) func(file, message string) {
		return func(file, message string) {
			mu.Lock()
			defer mu.Unlock()
			if file != "" {
				message = file + ": " + message
			}
			fmt.Fprintf(s.err, format, message)
		}
	}
	o.Warn = say("mkbtf: %s\n")
	if *explain {
		o.Explain = func(file string, conditions []emit.Condition) {
			mu.Lock()
			defer mu.Unlock()
			printConditions(s.out, file, conditions)
		}
	}
	if *verbose {
		o.Note = say("mkbtf: %s\n")
	}
	if f.Changed("features") {
		parsed, remarks := encode.ParseFeatures(*features)
		o.Features = &parsed
		for _, r := range remarks {
			o.Warn("", r)
		}
	}
	if o.Out != "-" {
		for _, file := range files {
			fmt.Fprint(s.out, kbuild.Line(os.Getenv("quiet"), file))
		}
	}
	prepareHeap(files)
	tokens := jobserver.Acquire(o.Jobs)
	defer tokens.Release()
	o.Jobs = tokens.Jobs
	return joinFiles(files, encode.Files(files, o, s.out))
}

// mostNeeds is how many of those who need a type are listed.
const mostNeeds = 4

// printConditions lists what a kernel must have for the BTF of a file to load.
func printConditions(w io.Writer, file string, conditions []emit.Condition) {
	if len(conditions) == 0 {
		fmt.Fprintf(w, "%s: no .BTF.base: no conditions but the kernel build itself, if the BTF is split\n", file)
		return
	}
	fmt.Fprintf(w, "%s: .BTF.base, what a kernel must have:\n", file)
	for i := range conditions {
		c := &conditions[i]
		fmt.Fprintf(w, "  %s\n", c.Text())
		for j, n := range c.Needs {
			if j == mostNeeds {
				fmt.Fprintf(w, "      and %d more\n", len(c.Needs)-mostNeeds)
				break
			}
			fmt.Fprintf(w, "      %s\n", n)
		}
	}
}

// joinFiles makes one error of those of many files. What they all failed by, such as a
// bad base, is said once.
func joinFiles(files []string, errs []error) error {
	if setup := (*encode.SetupError)(nil); len(errs) > 0 && errors.As(errs[0], &setup) {
		return setup
	}
	for i, err := range errs {
		if err != nil {
			errs[i] = fileerr.In(files[i], err)
		}
	}
	return errors.Join(errs...)
}

// formValue is a flag that takes the name of a form.
type formValue encode.Form

var _ pflag.Value = (*formValue)(nil)

func (v *formValue) Type() string   { return "FORM" }
func (v *formValue) String() string { return encode.Form(*v).String() }

func (v *formValue) Set(s string) error {
	form, err := encode.ParseForm(s)
	*v = formValue(form)
	return err
}

// keepValue is a flag that takes a level of types to keep.
type keepValue encode.Keep

var _ pflag.Value = (*keepValue)(nil)

func (v *keepValue) Type() string   { return "LEVEL" }
func (v *keepValue) String() string { return encode.Keep(*v).String() }

func (v *keepValue) Set(s string) error {
	level, err := encode.ParseKeep(s)
	*v = keepValue(level)
	return err
}

// languagesValue is a flag that takes a list of languages. Nil means the default.
type languagesValue []uint16

func (v *languagesValue) Type() string   { return "LANGUAGES" }
func (v *languagesValue) String() string { return "" }

func (v *languagesValue) Set(s string) error {
	codes, err := encode.ParseLanguages(s)
	*v = append(*v, codes...)
	if *v == nil {
		*v = codes
	}
	return err
}
