package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"mkbtf/internal/fileerr"
	"mkbtf/internal/kbuild"
)

// runPahole stands for pahole where the kernel's build calls it.
func runPahole(args []string, s streams) error {
	if slices.Contains(args, "--help") || slices.Contains(args, "-h") {
		f := newFlags("pahole", s)
		f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName { return pflag.NormalizedName(name) })
		kbuild.PaholeFlags(f)
		f.Usage()
		return nil
	}
	p, err := kbuild.ParsePahole(args, os.Getenv("PAHOLE_LANG_EXCLUDE"))
	if errors.Is(err, kbuild.ErrUsage) {
		return usageErrorf("pahole: %v: see mkbtf help pahole", err)
	}
	if err != nil {
		return err
	}
	err = p.Run(kbuild.PaholeEnv{
		Form:    os.Getenv("MKBTF_FORM"),
		Version: os.Getenv("MKBTF_PAHOLE_VERSION"),
		Objtree: os.Getenv("objtree"),
		Warn:    func(message string) { fmt.Fprintln(s.err, "mkbtf:", message) },
	}, s.out)
	if err != nil && p.File != "" {
		return fileerr.In(p.File, err)
	}
	return err
}

// asPahole reports whether the arguments are those of pahole's encoder though the
// program is not called by that name.
func asPahole(args []string) bool {
	return len(args) > 0 && strings.HasPrefix(args[0], "-") &&
		(slices.Contains(args, "-J") || slices.Contains(args, "--btf_encode"))
}
