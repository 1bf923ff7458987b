package elftest

import (
	"debug/elf"
	"encoding/binary"

	"mkbtf/btf"
)

// Layouts are the classes and byte orders that an ELF file can have.
var Layouts = []struct {
	Name  string
	Class elf.Class
	Order btf.Order
}{
	{"32LE", elf.ELFCLASS32, binary.LittleEndian},
	{"32BE", elf.ELFCLASS32, binary.BigEndian},
	{"64LE", elf.ELFCLASS64, binary.LittleEndian},
	{"64BE", elf.ELFCLASS64, binary.BigEndian},
}
