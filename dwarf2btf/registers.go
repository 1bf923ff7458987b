package dwarf2btf

import (
	"debug/elf"
	"fmt"

	"github.com/go-delve/delve/pkg/dwarf/regnum"
)

// registers is what the kernel's calling convention of a machine says about
// integer parameters, in DWARF register numbers.
type registers struct {
	args  []uint64 // in order
	pairs bool     // values of two words take two registers
	// even: values of two words begin at a register with an even ordinal.
	even bool
	// onStack: values of more than two words lie on the stack and take no register;
	// else a register points to them.
	onStack bool
	toName  func(uint64) string
}

// registersOf returns the convention of a machine, with no registers for one that
// is not known: then no parameter can be found in the wrong place.
func registersOf(m elf.Machine) registers {
	switch m {
	case elf.EM_X86_64: // System V psABI
		return registers{args: []uint64{5, 4, 1, 2, 8, 9}, pairs: true, onStack: true, toName: regnum.AMD64ToName}
	case elf.EM_386: // -mregparm=3: eax, edx, ecx
		return registers{args: []uint64{0, 2, 1}, pairs: true, onStack: true, toName: regnum.I386ToName}
	case elf.EM_AARCH64: // AAPCS64
		return registers{args: []uint64{0, 1, 2, 3, 4, 5, 6, 7}, pairs: true, toName: regnum.ARM64ToName}
	case elf.EM_ARM: // AAPCS
		return registers{args: []uint64{0, 1, 2, 3}, pairs: true, even: true, onStack: true}
	case elf.EM_RISCV: // a0 to a7
		return registers{args: []uint64{10, 11, 12, 13, 14, 15, 16, 17}, pairs: true, toName: regnum.RISCV64ToName}
	case elf.EM_S390: // ELF ABI s390x: what is larger than a register goes by reference
		return registers{args: []uint64{2, 3, 4, 5, 6}}
	case elf.EM_PPC64: // ELF V2
		return registers{args: []uint64{3, 4, 5, 6, 7, 8, 9, 10}, pairs: true, toName: regnum.PPC64LEToName}
	case elf.EM_LOONGARCH: // a0 to a7
		return registers{args: []uint64{4, 5, 6, 7, 8, 9, 10, 11}, pairs: true, toName: regnum.LOONG64ToName}
	}
	return registers{}
}

// name is the name of a register as a disassembler shows it, for messages.
func (r *registers) name(n uint64) string {
	if r.toName != nil {
		return r.toName(n)
	}
	return fmt.Sprintf("r%d", n)
}
