package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// newFlags makes the flag set of a verb. Flags may be written with underscores, and
// --btf_base is --base, as users of pahole are used to.
func newFlags(verb string, s streams) *pflag.FlagSet {
	f := pflag.NewFlagSet(verb, pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() {
		if s.document != nil {
			s.document(f)
			return
		}
		printUsage(s.out, verb, f)
	}
	f.SetOutput(s.err)
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		name = strings.ReplaceAll(name, "_", "-")
		switch name {
		case "btf-base":
			name = "base"
		case "btf-features":
			name = "features"
		}
		return pflag.NormalizedName(name)
	})
	return f
}

// parse parses the arguments of a verb, which takes from least to most files (most
// negative: any number). It returns them.
func parse(f *pflag.FlagSet, args []string, least, most int, want string) ([]string, error) {
	if err := f.Parse(args); err != nil {
		if err == pflag.ErrHelp {
			return nil, err
		}
		if invalid := (*pflag.InvalidValueError)(nil); errors.As(err, &invalid) {
			err = fmt.Errorf("--%s=%s: %w", invalid.GetFlag().Name, invalid.GetValue(), errors.Unwrap(err))
		}
		return nil, usageErrorf("%s: %s: see mkbtf help %s", f.Name(), err, f.Name())
	}
	if n := f.NArg(); n < least || most >= 0 && n > most {
		return nil, usageErrorf("%s: %d files given, want %s: see mkbtf help %s", f.Name(), n, want, f.Name())
	}
	return f.Args(), nil
}
