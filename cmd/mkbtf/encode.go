package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/spf13/pflag"

	"mkbtf/internal/encode"
)

func runEncode(args []string, s streams) error {
	var o encode.Options
	f := newFlags("encode", s)
	f.StringVarP(&o.Base, "base", "b", "", "take `BASE` for the kernel's BTF: any file with BTF in it")
	f.VarP((*formValue)(&o.Form), "form", "f", "write this `FORM`: auto, split, distilled or self-contained")
	f.StringVarP(&o.Out, "output", "o", "", "write to `OUT` instead of in place, - being standard output; for one file")
	f.BoolVar(&o.Detached, "detached", false, "write raw BTF beside FILE, or to OUT, and leave FILE alone")
	f.IntVarP(&o.Jobs, "jobs", "j", 0, "use `N` processors; 0: all")
	f.Var((*languagesValue)(&o.ExcludeLanguages), "lang-exclude", "skip units in these `LANGUAGES`, a list such as c++14,rust; none: skip none (default c++,rust,asm)")
	f.BoolVar(&o.DropSignature, "drop-signature", false, "change signed modules too, and drop the signature, which the change makes void")
	f.BoolVar(&o.BestEffort, "best-effort", false, "leave a file alone that cannot be encoded, warn, and count it as done")
	verbose := f.BoolP("verbose", "v", false, "explain each decision, such as which functions are left out and why")
	files, err := parse(f, args, 1, -1, "one or more")
	switch {
	case err != nil:
		return err
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
	if *verbose {
		o.Note = say("mkbtf: %s\n")
	}
	return joinFiles(files, encode.Files(files, o, s.out))
}

// joinFiles makes one error of those of many files. What all files failed by alike,
// such as a bad base, is said once.
func joinFiles(files []string, errs []error) error {
	if len(errs) > 1 && errs[0] != nil && !slices.ContainsFunc(errs, func(err error) bool { return err != errs[0] }) {
		return errs[0]
	}
	for i, err := range errs {
		if err != nil {
			errs[i] = inFile(files[i], err)
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
