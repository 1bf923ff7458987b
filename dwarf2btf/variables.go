package dwarf2btf

import (
	"bytes"
	"debug/elf"
	"math"

	"github.com/go-delve/delve/pkg/dwarf/op"

	"mkbtf/btf"
)

// rawVariable is a variable of the file whose address is in scope.
type rawVariable struct {
	off      uint32
	addr     uint64
	name     btf.Str
	ref      uint32
	external bool
}

// addressRange is [lo, hi).
type addressRange struct{ lo, hi uint64 }

func (r addressRange) holds(addr uint64) bool { return addr >= r.lo && addr < r.hi }

// perCPUSection is where the kernel keeps variables of which each CPU has a copy.
const perCPUSection = ".data..percpu"

func perCPURange(src *Source) addressRange {
	for _, s := range src.Sections {
		if s.Name == perCPUSection {
			return addressRange{s.Addr, s.Addr + s.Size}
		}
	}
	return addressRange{}
}

// section returns the index of the section that holds an address, 0 if none does.
func (c *Converter) section(addr uint64) int {
	for i, s := range c.src.Sections {
		if i > 0 && s.Flags&elf.SHF_ALLOC != 0 && s.Flags&elf.SHF_TLS == 0 && (s.Type == elf.SHT_PROGBITS || s.Type == elf.SHT_NOBITS) &&
			addr >= s.Addr && addr-s.Addr < s.Size {
			return i
		}
	}
	return 0
}

// variable looks at a variable of the file and returns its index in
// w.variables, -1 if it is none of those that become VAR: not defined here, made
// by the compiler, without a fixed address, or outside the sections in scope.
func (w *Worker) variable(a *abbrev, off uint32) int32 {
	if !a.has.has(slotLocation) || w.c.opts.Variables == NoVariables {
		return -1
	}
	if a.has.has(slotDeclaration) && w.val[slotDeclaration] != 0 && !a.has.has(slotSpecification) {
		return -1
	}
	if a.has.has(slotArtificial) && w.val[slotArtificial] != 0 {
		return -1
	}
	addr, ok := w.staticAddress(w.formAt(a, slotLocation), w.val[slotLocation])
	if !ok {
		return -1
	}
	if w.c.opts.Variables == PerCPUVariables {
		if !w.c.perCPU.holds(addr) {
			return -1
		}
	} else if w.c.section(addr) == 0 {
		return -1
	}
	v := rawVariable{off: off, addr: addr}
	w.variables = append(w.variables, v)
	n := len(w.variables) - 1
	if a.has.has(slotAnnotation) && w.c.opts.Features.DeclTags {
		chain := w.ref(w.formAt(a, slotAnnotation), w.val[slotAnnotation], off, a.tag)
		w.tags = append(w.tags, rawTag{target: uint32(n), component: -1, chain: chain, owner: onVariable})
	}
	return int32(n)
}

// staticAddress evaluates a location that is a fixed address: DW_OP_addr or
// DW_OP_addrx, perhaps with DW_OP_plus_uconst behind it (clang's merged globals).
func (w *Worker) staticAddress(form uint16, v uint64) (uint64, bool) {
	switch form {
	case formExprloc, formBlock1, formBlock2, formBlock4, formBlock:
	default:
		return 0, false
	}
	expr := w.bytes(v)
	if len(expr) == 0 {
		return 0, false
	}
	var addr uint64
	rest := expr[1:]
	switch op.Opcode(expr[0]) {
	case op.DW_OP_addr:
		n := int(w.cur.addrSize)
		if len(rest) < n {
			return 0, false
		}
		addr, _ = w.fixed(int(uint32(v))+1, n)
		rest = rest[n:]
	case opAddrx, opGNUAddrIndex:
		index, n := uleb128(rest)
		var err error
		if addr, err = w.addrx(index); n == 0 || err != nil {
			return 0, false
		}
		rest = rest[n:]
	default:
		return 0, false
	}
	if len(rest) == 0 {
		return addr, true
	}
	if op.Opcode(rest[0]) == op.DW_OP_plus_uconst {
		if add, n := uleb128(rest[1:]); n == len(rest)-1 {
			return addr + add, true
		}
	}
	return 0, false
}

// Operations that delve's op package does not name.
const (
	opAddrx         op.Opcode = 0xa1
	opEntryValue    op.Opcode = 0xa3
	opGNUEntryValue op.Opcode = 0xf3
	opGNUAddrIndex  op.Opcode = 0xfb
)

// readVariables reads names and types of the variables in scope, which may stand
// in the declarations that they complete.
func (w *Worker) readVariables() error {
	for i := range w.variables {
		v := &w.variables[i]
		off := v.off
		for range maxOrigins {
			a, err := w.dieAt(off)
			if err != nil {
				return err
			}
			v.external = v.external || a.has.has(slotExternal) && w.val[slotExternal] != 0
			if v.name == 0 && a.has.has(slotName) {
				v.name = btf.Str(w.name(a.nameForm, w.val[slotName]))
			}
			if v.ref == 0 {
				v.ref = w.typeRef(a, off)
			}
			next := w.origin(a, off)
			if w.err != nil {
				return w.err
			}
			if next == 0 {
				break
			}
			off = next
		}
	}
	return nil
}

// variablePrefixes begin the names of variables that are of no use to anybody.
var variablePrefixes = [][]byte{
	[]byte("__UNIQUE_ID"), []byte("__tpstrtab_"), []byte("__exitcall_"), []byte("__gendwarfksyms_ptr_"),
	[]byte("__func_stack_frame_non_standard_"),
}

// emitVariables fills Unit.Variables. Left out is what has no usable name, no
// type or no size, and what lies at the start of its section without a symbol of its
// name: variables in discarded sections have the address 0.
func (w *Worker) emitVariables() {
next:
	for i := range w.variables {
		v := &w.variables[i]
		if v.name == 0 || uint32(v.name)&badName != 0 {
			if v.name != 0 {
				w.note(v.off, tagVariable, w.nameText(v.name&^badName), "the kernel refuses the name; left out")
			}
			continue
		}
		name := w.result.Strings.Bytes(v.name)
		for _, p := range variablePrefixes {
			if bytes.HasPrefix(name, p) {
				continue next
			}
		}
		if v.ref == 0 {
			continue
		}
		id := w.resolve(v.ref)
		size := w.sizeOf(id)
		section := w.c.section(v.addr)
		if id == 0 || size == 0 || size > math.MaxUint32 || section == 0 {
			continue
		}
		symbol, ours := w.c.symbols.variableName(name, v.addr, section)
		if !ours && v.addr == w.c.src.Sections[section].Addr {
			continue
		}
		if symbol != "" && symbol != string(name) {
			w.note(v.off, tagVariable, string(name), "written as %s, the name of its symbol", symbol)
			v.name = w.result.Strings.InternString(symbol)
		}
		_, die := w.where(v.off)
		w.out.Variables = append(w.out.Variables, Variable{
			Name: v.name, Type: id, Addr: v.addr, Size: uint32(size), External: v.external, DIE: die,
			Tags: w.tagsOf(onVariable, uint32(i), -1, nil),
		})
	}
}
