package bootimg

import (
	"bytes"
	"debug/elf"
	"encoding/binary"

	"mkbtf/internal/elfhdr"
)

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

// hasAt reports whether data holds want at an offset.
func hasAt(data []byte, off int, want string) bool {
	return len(data) >= off+len(want) && string(data[off:off+len(want)]) == want
}

func isRawBTF(data []byte) bool {
	return hasAt(data, 0, "\x9f\xeb\x01") || hasAt(data, 0, "\xeb\x9f\x01")
}

// isModule reports whether data is a relocatable ELF file, which holds no kernel.
func isModule(data []byte) bool {
	h, err := elfhdr.ParseHeader(data)
	return err == nil && h.Type == elf.ET_REL
}

// flatImage tells for which machine data is a kernel as it lies in memory, by the
// magic of its header (Documentation/arch/arm64/booting.rst, arch/riscv/boot-image-header.rst,
// arch/loongarch/kernel/head.S); EM_NONE if it has none of them.
func flatImage(data []byte) elf.Machine {
	switch {
	case hasAt(data, 56, "ARM\x64"):
		return elf.EM_AARCH64
	case hasAt(data, 56, "RSC\x05") || hasAt(data, 48, "RISCV\x00\x00\x00"):
		return elf.EM_RISCV
	case hasAt(data, 56, "\xcd\x23\x82\x81"):
		return elf.EM_LOONGARCH
	}
	return elf.EM_NONE
}

// isKernel reports whether something that was unpacked on trial is worth a look.
func isKernel(data []byte) bool {
	return elfhdr.IsELF(data) || flatImage(data) != elf.EM_NONE || Release(data) != ""
}

const unknownImage = "image"

// wrapper is what to call an image whose header does not say where the kernel is,
// and the machine that it is for if the header says that.
func wrapper(data []byte) (name string, m elf.Machine) {
	switch {
	case elfhdr.IsELF(data):
		return "ELF", elf.EM_NONE // powerpc, mips; the machine of the kernel itself counts
	case hasAt(data, 0x24, "\x18\x28\x6f\x01"), hasAt(data, 0x24, "\x01\x6f\x28\x18"):
		return "zImage", elf.EM_ARM // arch/arm/boot/compressed/head.S
	case hasAt(data, 0x10008, "S390EP"):
		return "s390 bzImage", elf.EM_S390 // arch/s390/boot/head.S
	case hasAt(data, headerMagic, "HdrS"):
		return "bzImage", elf.EM_NONE
	case hasAt(data, 0, "ANDROID!"):
		return "Android boot image", elf.EM_NONE
	case hasAt(data, 0, "\xd0\x0d\xfe\xed"):
		return "FIT image", elf.EM_NONE
	}
	return unknownImage, elf.EM_NONE
}

// Release finds the kernel release in the banner that every kernel holds, "Linux
// version 6.12.117-amd64 (...", "" if there is none. Packed kernels have none.
func Release(image []byte) string {
	const banner, longest = "Linux version ", 64 // __NEW_UTS_LEN
	for {
		i := bytes.Index(image, []byte(banner))
		if i < 0 {
			return ""
		}
		image = image[i+len(banner):]
		release, _, ok := bytes.Cut(image[:min(len(image), longest+1)], []byte(" "))
		// A format string of the same text has a '%' there.
		if ok && len(release) > 0 && release[0] >= '0' && release[0] <= '9' && !bytes.ContainsAny(release, "%\x00\n") {
			return string(release)
		}
	}
}
