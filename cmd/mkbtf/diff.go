package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"mkbtf/btf"
	"mkbtf/internal/diff"
)

func runDiff(args []string, s streams) error {
	f := newFlags("diff", s)
	bases := f.StringArrayP("base", "b", nil, "take `BASE` for the BTF of the kernel that A and B were made for, a second one for that of B")
	only := kindsFlag(f, "kind", "report only these `KINDS`, a list such as STRUCT,UNION")
	ignored := kindsFlag(f, "ignore", "leave out these `KINDS` and the types without a name that only they need")
	named := f.Bool("named-only", false, "leave out the types without a name, except as part of others")
	details := f.Int("details", 100, "list at most `N` differences of one type")
	summary := f.BoolP("summary", "s", false, "print only the table of numbers")
	quiet := f.BoolP("quiet", "q", false, "print nothing, only set the exit status")
	asJSON := f.Bool("json", false, "print the report as JSON")
	verbose := f.BoolP("verbose", "v", false, "say what was read")
	files, err := parse(f, args, 2, 2, "two")
	switch {
	case err != nil:
		return err
	case len(*bases) > 2:
		return usageErrorf("diff: %d bases for two files: see mkbtf help diff", len(*bases))
	case *details < 1:
		return usageErrorf("diff: --details %d: want 1 or more", *details)
	case files[0] == "-" && files[1] == "-":
		return usageErrorf("diff: only one of the files can be standard input")
	}
	blobs, err := loadPair(files, *bases, *verbose, s)
	if err != nil {
		return err
	}
	r := diff.Compare(blobs[0], blobs[1], diff.Options{Kinds: *only, IgnoreKinds: *ignored, NamedOnly: *named, Details: *details})
	r.NameA, r.NameB = files[0], files[1]
	switch {
	case *quiet:
	case *asJSON:
		err = r.JSON(s.out)
	case *summary:
		err = r.Summary(s.out)
	default:
		err = r.Write(s.out)
	}
	if err == nil && r.Different() {
		err = errMismatch
	}
	return err
}

// loadPair loads the two files over the bases that belong to them.
func loadPair(files, bases []string, verbose bool, s streams) (blobs [2]*btf.Blob, err error) {
	var over *btf.Blob
	base := ""
	for i, file := range files {
		want := base
		if i < len(bases) {
			want = bases[i]
		} else if len(bases) == 0 {
			want = liveBase(file)
		}
		if want != base {
			base, over = want, nil
			if base != "" {
				if over, err = loadBase(base, s); err != nil {
					return blobs, err
				}
			}
		}
		if blobs[i], err = loadBTF(file, over, s); err != nil {
			return blobs, err
		}
		if verbose {
			explainBTF(s, file, blobs[i], over, base)
		}
	}
	return blobs, nil
}

// kindsValue is a flag that takes a list of kinds.
type kindsValue []btf.Kind

func kindsFlag(f *pflag.FlagSet, name, usage string) *[]btf.Kind {
	v := new([]btf.Kind)
	f.Var((*kindsValue)(v), name, usage)
	return v
}

func (v *kindsValue) Type() string { return "KINDS" }

func (v *kindsValue) String() string {
	var names []string
	for _, k := range *v {
		names = append(names, k.String())
	}
	return strings.Join(names, ",")
}

func (v *kindsValue) Set(list string) error {
	for name := range strings.SplitSeq(list, ",") {
		var all []string
		for k := btf.Int; k < btf.NumKinds; k++ {
			all = append(all, k.String())
		}
		i := slices.Index(all, strings.ToUpper(strings.ReplaceAll(name, "-", "_")))
		if i < 0 {
			return fmt.Errorf("no kind %q: want some of %s", name, strings.Join(all, ","))
		}
		*v = append(*v, btf.Int+btf.Kind(i))
	}
	return nil
}
