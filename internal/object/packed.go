package object

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"

	"mkbtf/internal/bootimg"
)

// loadPacked finds the BTF in a boot image or in a compressed file.
func loadPacked(name string, data []byte) (*BTFData, error) {
	img, err := bootimg.Unpack(data)
	switch {
	case errors.Is(err, bootimg.ErrUnknown):
		return nil, formatError(name, data)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d, err := kernelBTF(name, img)
	if err != nil {
		return nil, err
	}
	if img.How != "" {
		d.From = img.How + ", " + d.From
	}
	return d, nil
}

// kernelBTF finds the BTF in an unpacked kernel or module.
func kernelBTF(name string, img *bootimg.Image) (*BTFData, error) {
	switch Sniff(img.Data) {
	case FormatBTF:
		return &BTFData{BTF: bytes.Clone(img.Data), Machine: img.Machine, From: FormatBTF.String()}, nil
	case FormatELF:
		f, err := OpenBytes(name, img.Data)
		if err != nil {
			return nil, err
		}
		if len(f.Sections) > 0 {
			d, err := f.BTF()
			if _, stripped := f.Section(".BTF"); errors.Is(err, ErrNoBTF) && !f.Relocatable() && !stripped {
				return nil, noBTF(name, img)
			}
			return d, err
		}
		if img.Machine == elf.EM_NONE {
			img.Machine = f.Machine
		}
	}
	raw, off, err := bootimg.FindBTF(img.Data)
	switch {
	case errors.Is(err, bootimg.ErrNoBTF):
		return nil, noBTF(name, img)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &BTFData{
		BTF: bytes.Clone(raw), Machine: img.Machine, Release: bootimg.Release(img.Data),
		From: fmt.Sprintf("found at %#x by its header", off),
	}, nil
}

// noBTF says of a kernel that it was built without BTF.
func noBTF(name string, img *bootimg.Image) error {
	what := "the kernel"
	if release := bootimg.Release(img.Data); release != "" {
		what += " " + release
	}
	if img.How != "" {
		what += " in it (" + img.How + ")"
	}
	return fmt.Errorf("%s: %s %w", name, what, ErrBuiltWithout)
}
