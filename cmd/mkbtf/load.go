package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"mkbtf/btf"
	"mkbtf/internal/fileerr"
	"mkbtf/internal/object"
)

// loadBTF reads the BTF of a file, "-" being standard input, over its own base, else
// over base, which may be nil.
func loadBTF(path string, base *btf.Blob, s streams) (*btf.Blob, error) {
	data, err := readBTF(path, s)
	if err != nil {
		return nil, fileerr.In(path, err)
	}
	b, err := data.Parse(base)
	switch {
	case err == nil:
		return b, nil
	case base == nil && data.Base == nil && errors.Is(err, btf.ErrNeedsBase):
		return nil, fileerr.In(path, fmt.Errorf("%w: if it is a module's BTF, give the BTF of its kernel with --base", err))
	case data.Base == nil && base != nil && errors.Is(err, btf.ErrNeedsBase):
		return nil, fileerr.In(path, fmt.Errorf("%w: is the base the very kernel that it was made for?", err))
	}
	return nil, fileerr.In(path, err)
}

// liveBase is the base of a file of sysfs that holds the BTF of a loaded module: that of
// the running kernel. Other files have none that goes without saying: "".
func liveBase(path string) string {
	if filepath.Dir(path) == filepath.Dir(runningBTF) && filepath.Base(path) != filepath.Base(runningBTF) {
		return runningBTF
	}
	return ""
}

// loadBase reads a kernel's BTF.
func loadBase(path string, s streams) (*btf.Blob, error) {
	_, b, err := readKernel(path, s)
	return b, err
}

// readKernel reads a kernel's BTF and parses it.
func readKernel(path string, s streams) (*object.BTFData, *btf.Blob, error) {
	data, err := readBTF(path, s)
	if err != nil {
		return nil, nil, fileerr.In(path, err)
	}
	b, err := data.ParseKernel()
	if err != nil {
		return nil, nil, fileerr.In(path, err)
	}
	return data, b, nil
}

func readBTF(path string, s streams) (*object.BTFData, error) {
	if path != "-" {
		return object.LoadBTF(path)
	}
	data, err := object.ReadLimited(s.in, "-", object.LargestPipe)
	if err != nil {
		return nil, err
	}
	return object.LoadBTFBytes("-", data)
}
