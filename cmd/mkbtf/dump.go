package main

import (
	"fmt"

	"mkbtf/btf"
	"mkbtf/internal/dump"
)

func runDump(args []string, s streams) error {
	f := newFlags("dump", s)
	base := f.StringP("base", "b", "", "take `BASE` for the BTF of the kernel that FILE was made for: any file with BTF in it")
	verbose := f.BoolP("verbose", "v", false, "say what was read")
	files, err := parse(f, args, 1, 1, "one")
	if err != nil {
		return err
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
	return dump.Text(s.out, b)
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
