package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"mkbtf/btf"
	"mkbtf/internal/dump"
	"mkbtf/internal/fileerr"
)

func runDump(args []string, s streams) error {
	f := newFlags("dump", s)
	base := f.StringP("base", "b", "", "take `BASE` for the BTF of the kernel that FILE was made for: any file with BTF in it")
	format := f.String("format", "text", "`FORMAT`: text, json or c")
	types := f.StringArray("type", nil, "only the type `NAME`, or \"struct NAME\", and what it needs; may be repeated")
	deps := f.String("deps", "needed", "which other types a header in C has besides FILE's own: `DEPS` is needed, none or all")
	asserts := f.Bool("asserts", false, "let a header in C assert each size and offset, for compilers for other machines")
	verbose := f.BoolP("verbose", "v", false, "say what was read")
	files, err := parse(f, args, 1, 1, "one")
	if err != nil {
		return err
	}
	opts := dump.COptions{Types: *types, Asserts: *asserts, Guard: guardFor(files[0]), Source: "made by mkbtf from the BTF of " + filepath.Base(files[0])}
	known := false
	if opts.Deps, known = depsNames[*deps]; !known {
		return usageErrorf("dump: --deps %q: want needed, none or all", *deps)
	}
	switch {
	case *format != "text" && *format != "json" && *format != "c":
		return usageErrorf("dump: --format %q: want text, json or c", *format)
	case *format != "c" && (f.Changed("deps") || *asserts):
		return usageErrorf("dump: --deps and --asserts belong to --format c")
	}
	if *base == "" {
		*base = liveBase(files[0])
	}
	var over *btf.Blob
	if *base != "" {
		if over, err = loadBase(*base, s); err != nil {
			return err
		}
	}
	b, err := loadBTF(files[0], over, s)
	if err != nil {
		return err
	}
	if *verbose {
		explainBTF(s, files[0], b, over, *base)
	}
	if err := writeBTF(s.out, b, *format, opts); err != nil {
		if errors.Is(err, dump.ErrNoSuchType) || errors.Is(err, dump.ErrTooDeep) || errors.Is(err, dump.ErrTooLarge) {
			return fileerr.In(files[0], err)
		}
		return err
	}
	return nil
}

var depsNames = map[string]dump.Deps{"needed": dump.DepsNeeded, "none": dump.DepsNone, "all": dump.DepsAll}

func writeBTF(w io.Writer, b *btf.Blob, format string, opts dump.COptions) error {
	if format == "c" {
		return dump.C(w, b, opts)
	}
	var ids []btf.ID
	if len(opts.Types) > 0 {
		var err error
		if ids, err = dump.Select(b, opts.Types); err != nil {
			return err
		}
	}
	if format == "json" {
		return dump.JSON(w, b, ids...)
	}
	return dump.Text(w, b, ids...)
}

// guardFor is the include guard of the header for a file: that of vmlinux.h for a
// kernel.
func guardFor(file string) string {
	name := filepath.Base(file)
	return dump.GuardFor(strings.TrimSuffix(name, filepath.Ext(name)))
}

// explainBTF says what was read.
func explainBTF(s streams, file string, b, over *btf.Blob, base string) {
	from := ""
	switch {
	case b.Base == nil:
	case b.Base == over:
		from = fmt.Sprintf(" over the %d types of %s", b.Base.End()-1, base)
	default:
		from = fmt.Sprintf(" over the %d types of its .BTF.base", b.Base.End()-1)
	}
	fmt.Fprintf(s.err, "mkbtf: %s: %d types%s\n", file, b.End()-b.Start(), from)
}
