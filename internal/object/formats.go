package object

import (
	"bytes"
	"fmt"

	"mkbtf/internal/elfhdr"
)

// Format is what a file is, judged by its first bytes.
type Format uint8

// The formats that can hold BTF, and the ways in which kernels and modules are
// packed.
const (
	FormatUnknown Format = iota
	FormatELF            // object, module, vmlinux
	FormatBTF            // raw BTF of either byte order
	FormatGzip           // .ko.gz
	FormatXZ             // .ko.xz
	FormatZstd           // .ko.zst
	FormatMZ             // boot image with a DOS/EFI header: x86 bzImage, arm64 and riscv64 Image, EFI zboot
)

func (f Format) String() string {
	switch f {
	case FormatELF:
		return "ELF"
	case FormatBTF:
		return "raw BTF"
	case FormatGzip:
		return "gzip"
	case FormatXZ:
		return "xz"
	case FormatZstd:
		return "zstd"
	case FormatMZ:
		return "boot image"
	}
	return "unknown"
}

// magics are the first bytes of each format.
var magics = []struct {
	magic  string
	format Format
}{
	{"\x9f\xeb\x01", FormatBTF},
	{"\xeb\x9f\x01", FormatBTF},
	{"\x1f\x8b", FormatGzip},
	{"\xfd7zXZ\x00", FormatXZ},
	{"\x28\xb5\x2f\xfd", FormatZstd},
	{"MZ", FormatMZ},
}

// Sniff tells what a file is from its first bytes.
func Sniff(data []byte) Format {
	if elfhdr.IsELF(data) {
		return FormatELF
	}
	for _, m := range magics {
		if bytes.HasPrefix(data, []byte(m.magic)) {
			return m.format
		}
	}
	return FormatUnknown
}

// formatError says that a file is of no format that can be read.
func formatError(name string, data []byte) error {
	if len(data) == 0 {
		return fmt.Errorf("%s: empty file: %w", name, ErrFormat)
	}
	if f := Sniff(data); f != FormatUnknown {
		return fmt.Errorf("%s: %s: %w", name, f, ErrFormat)
	}
	return fmt.Errorf("%s: starts with % x: %w", name, data[:min(len(data), 8)], ErrFormat)
}
