package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"mkbtf/internal/fileerr"
	"mkbtf/internal/kbuild"
)

// runResolveBTFIDs stands for the kernel's own resolve_btfids: its options, its
// messages, its exit status.
func runResolveBTFIDs(args []string, s streams) error {
	r := kbuild.Resolve{Form: os.Getenv("MKBTF_FORM")}
	f := newFlags("resolve_btfids", s)
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "-", "_"))
	})
	f.StringVarP(&r.Base, "btf_base", "b", "", "take `BASE` for the kernel's BTF: any file with BTF in it")
	f.StringVar(&r.BTF, "btf", "", "take the BTF of `FILE`, which an encoder has made, and write files beside X")
	f.BoolVar(&r.DistillBase, "distill_base", false, "with --btf: write X.BTF.base and X.BTF for it")
	f.StringVar(&r.PatchIDs, "patch_btfids", "", "put `FILE`, an X.BTF_ids, into X and do nothing else")
	f.BoolVar(&r.FatalWarnings, "fatal_warnings", false, "fail if there are warnings")
	verbose := f.CountP("verbose", "v", "say more")
	files, err := parse(f, args, 1, 1, "one ELF file")
	if err != nil {
		return err
	}
	r.Warn = func(message string) { fmt.Fprintln(s.err, message) }
	if *verbose > 0 {
		r.Note = r.Warn
	}
	if err := r.File(files[0]); err != nil {
		return fileerr.In(files[0], err)
	}
	return nil
}
