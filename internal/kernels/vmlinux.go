package kernels

import (
	"debug/elf"
	"encoding/binary"
	"fmt"

	"mkbtf/btf"
	"mkbtf/internal/elfhdr"
	"mkbtf/internal/object"
)

// VMLinux makes an ELF file with nothing in it but a kernel's BTF, which stands in
// for the vmlinux of a build tree: kbuild, libbpf, pahole and resolve_btfids look for
// .BTF only, and external modules need nothing else of vmlinux. Debian's headers have
// had such a file since 6.12. .rodata gets the kernel's banner if the release is
// known, so that the file tells what it belongs to.
func VMLinux(d *object.BTFData) ([]byte, error) {
	blob, err := btf.Parse(d.BTF, nil)
	if err != nil {
		return nil, err
	}
	h := &elfhdr.Header{Class: elf.ELFCLASS64, Order: blob.Order, Type: elf.ET_EXEC, Machine: d.Machine}
	switch d.Machine {
	case elf.EM_386, elf.EM_ARM, elf.EM_PPC, elf.EM_MIPS:
		h.Class = elf.ELFCLASS32 // 64-bit mips says no more than that either: nobody looks
	}
	b := make([]byte, h.Len())
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS], b[elf.EI_DATA], b[elf.EI_VERSION] = byte(h.Class), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	if blob.Order == btf.Order(binary.BigEndian) {
		b[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	h.Order.PutUint16(b[16:], uint16(h.Type))
	h.Order.PutUint16(b[18:], uint16(h.Machine))
	h.Order.PutUint32(b[20:], uint32(elf.EV_CURRENT))
	h.Order.PutUint16(b[h.Len()-12:], uint16(h.Len())) // e_ehsize

	list := []elfhdr.Section{{}}
	names := []byte{0}
	add := func(name string, s elfhdr.Section, data []byte) {
		for uint64(len(b))%s.Align != 0 {
			b = append(b, 0)
		}
		s.NameOff, s.Off, s.Size = uint32(len(names)), uint64(len(b)), uint64(len(data))
		names = append(append(names, name...), 0)
		if name == ".shstrtab" {
			data, s.Size = names, uint64(len(names))
		}
		b = append(b, data...)
		list = append(list, s)
	}
	if d.Release != "" {
		banner := fmt.Sprintf("Linux version %s (only its BTF)\n\x00", d.Release)
		add(".rodata", elfhdr.Section{Type: elf.SHT_PROGBITS, Flags: elf.SHF_ALLOC, Align: 1}, []byte(banner))
	}
	add(".BTF", elfhdr.Section{Type: elf.SHT_PROGBITS, Flags: elf.SHF_ALLOC, Align: 4}, d.BTF)
	add(".shstrtab", elfhdr.Section{Type: elf.SHT_STRTAB, Align: 1}, nil)
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	h.ShOff, h.ShNum, h.ShStrNdx = uint64(len(b)), len(list), len(list)-1
	h.Put(b)
	for i := range list {
		b = h.AppendSection(b, &list[i])
	}
	return b, nil
}
