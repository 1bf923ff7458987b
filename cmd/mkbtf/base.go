package main

import (
	"fmt"
	"io"
	"os"

	"mkbtf/emit"
	"mkbtf/internal/fileerr"
	"mkbtf/internal/kernels"
	"mkbtf/internal/object"
)

func runBase(args []string, s streams) error {
	f := newFlags("base", s)
	release := f.StringP("kernel", "k", "", "the installed kernel of this `RELEASE`, such as $(uname -r)")
	out := f.StringP("output", "o", "", "write to `OUT`, - being standard output")
	asELF := f.Bool("elf", false, "write a small ELF file that can stand in for a build tree's vmlinux, not raw BTF")
	sysroot := f.String("sysroot", "", "look for RELEASE in the system below `DIR`")
	verbose := f.BoolP("verbose", "v", false, "say where the BTF was found and what was passed over")
	files, err := parse(f, args, 0, 1, "one at most")
	dir := os.Getenv("KERNELDIR")
	switch {
	case err != nil:
		return err
	case *out == "":
		return usageErrorf("base: no --output: see mkbtf help base")
	case len(files) == 1 && *release != "":
		return usageErrorf("base: both --kernel and a file: see mkbtf help base")
	case len(files) == 0 && *release == "" && dir == "":
		return usageErrorf("base: neither --kernel nor a file: see mkbtf help base")
	case len(files) == 1 && *sysroot != "":
		return usageErrorf("base: --sysroot is for --kernel: see mkbtf help base")
	}
	var data *object.BTFData
	if len(files) == 1 {
		data, err = fileBase(files[0], *verbose, s)
	} else {
		data, err = installedBase(kernels.Options{Release: *release, Sysroot: *sysroot, KernelDir: dir}, *verbose, s)
	}
	if err != nil {
		return err
	}
	content := data.BTF
	if *asELF {
		if content, err = kernels.VMLinux(data); err != nil {
			return err
		}
	}
	if *out == "-" {
		_, err := s.out.Write(content)
		return err
	}
	_, err = emit.ReplaceFile(*out, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	}, emit.ReplaceOptions{})
	if err != nil {
		return fileerr.In(*out, err)
	}
	return nil
}

// fileBase reads a kernel's BTF from a file.
func fileBase(path string, verbose bool, s streams) (*object.BTFData, error) {
	data, _, err := readKernel(path, s)
	if err != nil {
		return nil, err
	}
	if verbose {
		of := ""
		if data.Release != "" {
			of = " of kernel " + data.Release
		}
		fmt.Fprintf(s.err, "mkbtf: %s: BTF%s (%s), %d bytes\n", path, of, data.From, len(data.BTF))
	}
	return data, nil
}

// installedBase looks for the BTF of an installed kernel.
func installedBase(o kernels.Options, verbose bool, s streams) (*object.BTFData, error) {
	found, err := kernels.Find(o)
	if err != nil {
		return nil, err
	}
	if verbose {
		for _, t := range found.Tried {
			fmt.Fprintf(s.err, "mkbtf: passed over: %v\n", t.Err)
		}
		fmt.Fprintf(s.err, "mkbtf: %s\n", found)
	}
	return found.Data, nil
}
