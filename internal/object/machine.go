package object

import (
	"debug/elf"
	"fmt"
)

// operation says what a relocation does to its field.
type operation uint8

const (
	opNone    operation = iota + 1 // nothing
	opSet                          // field = S + A
	opAdd                          // field += S + A
	opSub                          // field -= S + A
	opSet6                         // the same three for the low six bits of a byte
	opAdd6                         //
	opSub6                         //
	opSetULEB                      // and for a ULEB128 number, which keeps its length
	opAddULEB                      //
	opSubULEB                      //
	opThree                        // 64-bit MIPS with several types in one
)

// field is what a relocation type does and to how many bytes; for ULEB128 the
// content of the section tells how many.
type field struct {
	op   operation
	size uint8
}

// machine lists the relocation types that compilers and assemblers put into debug
// sections of an architecture. Offsets into thread-local storage are accepted
// among them; what they point to has no address.
type machine struct {
	set32, set64 uint32 // the types that matter, for the fast paths; noType if there is none
	fields       map[uint32]field
	name         func(typ uint32) string
	threeInOne   bool // r_info of the 64-bit ABI holds three types, the first in the low byte
}

// field returns what a relocation type does; op 0 if it is unknown.
func (m *machine) field(typ uint32) field {
	switch typ {
	case m.set32:
		return field{opSet, 4}
	case m.set64:
		return field{opSet, 8}
	}
	f := m.fields[typ]
	if f.op == 0 && m.threeInOne && typ > 0xff {
		for typ > 0xff {
			typ >>= 8
		}
		if last := m.fields[typ]; last.op == opSet {
			return field{opThree, last.size}
		}
	}
	return f
}

// noType is not a relocation type of any machine.
const noType = ^uint32(0)

// named gives the names of the relocation types of a machine.
func named[T interface {
	~int
	fmt.Stringer
}](typ uint32) string {
	return T(typ).String()
}

// Numbers that debug/elf lacks (RISC-V ELF psABI, SPARC psABI).
const (
	riscvSetULEB128  = 60
	riscvSubULEB128  = 61
	sparcTLSDTPOff32 = 78
	sparcTLSDTPOff64 = 79
)

// machines are the relocation types by e_machine.
var machines = map[elf.Machine]*machine{
	elf.EM_X86_64: {
		uint32(elf.R_X86_64_32), uint32(elf.R_X86_64_64), map[uint32]field{
			uint32(elf.R_X86_64_NONE):     {opNone, 0},
			uint32(elf.R_X86_64_32S):      {opSet, 4},
			uint32(elf.R_X86_64_16):       {opSet, 2},
			uint32(elf.R_X86_64_8):        {opSet, 1},
			uint32(elf.R_X86_64_DTPOFF32): {opSet, 4},
			uint32(elf.R_X86_64_DTPOFF64): {opSet, 8},
		}, named[elf.R_X86_64], false,
	},
	elf.EM_386: {
		uint32(elf.R_386_32), noType, map[uint32]field{
			uint32(elf.R_386_NONE):       {opNone, 0},
			uint32(elf.R_386_16):         {opSet, 2},
			uint32(elf.R_386_8):          {opSet, 1},
			uint32(elf.R_386_TLS_LDO_32): {opSet, 4},
		}, named[elf.R_386], false,
	},
	elf.EM_ARM: {
		uint32(elf.R_ARM_ABS32), noType, map[uint32]field{
			uint32(elf.R_ARM_NONE):      {opNone, 0},
			uint32(elf.R_ARM_ABS32_NOI): {opSet, 4},
			uint32(elf.R_ARM_ABS16):     {opSet, 2},
			uint32(elf.R_ARM_ABS8):      {opSet, 1},
			uint32(elf.R_ARM_TLS_LDO32): {opSet, 4},
		}, named[elf.R_ARM], false,
	},
	elf.EM_AARCH64: {
		uint32(elf.R_AARCH64_ABS32), uint32(elf.R_AARCH64_ABS64), map[uint32]field{
			uint32(elf.R_AARCH64_NONE):         {opNone, 0},
			uint32(elf.R_AARCH64_NULL):         {opNone, 0},
			uint32(elf.R_AARCH64_P32_ABS32):    {opSet, 4},
			uint32(elf.R_AARCH64_P32_ABS16):    {opSet, 2},
			uint32(elf.R_AARCH64_ABS16):        {opSet, 2},
			uint32(elf.R_AARCH64_TLS_DTPREL64): {opSet, 8},
		}, named[elf.R_AARCH64], false,
	},
	elf.EM_RISCV: {
		uint32(elf.R_RISCV_32), uint32(elf.R_RISCV_64), map[uint32]field{
			uint32(elf.R_RISCV_NONE):         {opNone, 0},
			uint32(elf.R_RISCV_RELAX):        {opNone, 0},
			uint32(elf.R_RISCV_TLS_DTPREL32): {opSet, 4},
			uint32(elf.R_RISCV_TLS_DTPREL64): {opSet, 8},
			uint32(elf.R_RISCV_ADD8):         {opAdd, 1},
			uint32(elf.R_RISCV_ADD16):        {opAdd, 2},
			uint32(elf.R_RISCV_ADD32):        {opAdd, 4},
			uint32(elf.R_RISCV_ADD64):        {opAdd, 8},
			uint32(elf.R_RISCV_SUB8):         {opSub, 1},
			uint32(elf.R_RISCV_SUB16):        {opSub, 2},
			uint32(elf.R_RISCV_SUB32):        {opSub, 4},
			uint32(elf.R_RISCV_SUB64):        {opSub, 8},
			uint32(elf.R_RISCV_SET6):         {opSet6, 1},
			uint32(elf.R_RISCV_SUB6):         {opSub6, 1},
			uint32(elf.R_RISCV_SET8):         {opSet, 1},
			uint32(elf.R_RISCV_SET16):        {opSet, 2},
			uint32(elf.R_RISCV_SET32):        {opSet, 4},
			riscvSetULEB128:                  {opSetULEB, 0},
			riscvSubULEB128:                  {opSubULEB, 0},
		}, named[elf.R_RISCV], false,
	},
	elf.EM_S390: {
		uint32(elf.R_390_32), uint32(elf.R_390_64), map[uint32]field{
			uint32(elf.R_390_NONE):      {opNone, 0},
			uint32(elf.R_390_16):        {opSet, 2},
			uint32(elf.R_390_8):         {opSet, 1},
			uint32(elf.R_390_TLS_LDO32): {opSet, 4},
			uint32(elf.R_390_TLS_LDO64): {opSet, 8},
		}, named[elf.R_390], false,
	},
	elf.EM_PPC: {
		uint32(elf.R_PPC_ADDR32), noType, map[uint32]field{
			uint32(elf.R_PPC_NONE):     {opNone, 0},
			uint32(elf.R_PPC_ADDR16):   {opSet, 2},
			uint32(elf.R_PPC_UADDR32):  {opSet, 4},
			uint32(elf.R_PPC_UADDR16):  {opSet, 2},
			uint32(elf.R_PPC_DTPREL32): {opSet, 4},
		}, named[elf.R_PPC], false,
	},
	elf.EM_PPC64: {
		uint32(elf.R_PPC64_ADDR32), uint32(elf.R_PPC64_ADDR64), map[uint32]field{
			uint32(elf.R_PPC64_NONE):     {opNone, 0},
			uint32(elf.R_PPC64_ADDR16):   {opSet, 2},
			uint32(elf.R_PPC64_UADDR16):  {opSet, 2},
			uint32(elf.R_PPC64_UADDR32):  {opSet, 4},
			uint32(elf.R_PPC64_UADDR64):  {opSet, 8},
			uint32(elf.R_PPC64_DTPREL64): {opSet, 8},
		}, named[elf.R_PPC64], false,
	},
	elf.EM_MIPS: {
		uint32(elf.R_MIPS_32), uint32(elf.R_MIPS_64), map[uint32]field{
			uint32(elf.R_MIPS_NONE):         {opNone, 0},
			uint32(elf.R_MIPS_TLS_DTPREL32): {opSet, 4},
			uint32(elf.R_MIPS_TLS_DTPREL64): {opSet, 8},
		}, named[elf.R_MIPS], true,
	},
	elf.EM_LOONGARCH: {
		uint32(elf.R_LARCH_32), uint32(elf.R_LARCH_64), map[uint32]field{
			uint32(elf.R_LARCH_NONE):         {opNone, 0},
			uint32(elf.R_LARCH_RELAX):        {opNone, 0},
			uint32(elf.R_LARCH_TLS_DTPREL32): {opSet, 4},
			uint32(elf.R_LARCH_TLS_DTPREL64): {opSet, 8},
			uint32(elf.R_LARCH_ADD8):         {opAdd, 1},
			uint32(elf.R_LARCH_ADD16):        {opAdd, 2},
			uint32(elf.R_LARCH_ADD24):        {opAdd, 3},
			uint32(elf.R_LARCH_ADD32):        {opAdd, 4},
			uint32(elf.R_LARCH_ADD64):        {opAdd, 8},
			uint32(elf.R_LARCH_SUB8):         {opSub, 1},
			uint32(elf.R_LARCH_SUB16):        {opSub, 2},
			uint32(elf.R_LARCH_SUB24):        {opSub, 3},
			uint32(elf.R_LARCH_SUB32):        {opSub, 4},
			uint32(elf.R_LARCH_SUB64):        {opSub, 8},
			uint32(elf.R_LARCH_ADD6):         {opAdd6, 1},
			uint32(elf.R_LARCH_SUB6):         {opSub6, 1},
			uint32(elf.R_LARCH_ADD_ULEB128):  {opAddULEB, 0},
			uint32(elf.R_LARCH_SUB_ULEB128):  {opSubULEB, 0},
		}, named[elf.R_LARCH], false,
	},
	elf.EM_SPARCV9: {
		uint32(elf.R_SPARC_32), uint32(elf.R_SPARC_64), map[uint32]field{
			uint32(elf.R_SPARC_NONE): {opNone, 0},
			uint32(elf.R_SPARC_8):    {opSet, 1},
			uint32(elf.R_SPARC_16):   {opSet, 2},
			uint32(elf.R_SPARC_UA16): {opSet, 2},
			uint32(elf.R_SPARC_UA32): {opSet, 4},
			uint32(elf.R_SPARC_UA64): {opSet, 8},
			sparcTLSDTPOff32:         {opSet, 4},
			sparcTLSDTPOff64:         {opSet, 8},
		}, named[elf.R_SPARC], false,
	},
}

func init() {
	for _, m := range machines {
		if m.set32 != noType {
			m.fields[m.set32] = field{opSet, 4}
		}
		if m.set64 != noType {
			m.fields[m.set64] = field{opSet, 8}
		}
	}
}
