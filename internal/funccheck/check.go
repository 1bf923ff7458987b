package funccheck

import (
	"debug/elf"
	"fmt"
	"slices"
	"strings"

	"mkbtf/btf"
)

// Counts is how much was checked.
type Counts struct{ Functions, Copies, Variables int }

// Check checks the own FUNCs and DATASECs of a blob and returns what is not true.
func (f *File) Check(b *btf.Blob) (n Counts, wrong []error) {
	t := &btfTexts{own: b.Table(nil)}
	if b.Base != nil {
		t.base = b.Base.Table(nil)
	}
	for i := range t.own.Types {
		typ := &t.own.Types[i]
		var err error
		switch typ.Kind {
		case btf.Func:
			name := t.own.Name(typ.Name)
			n.Functions++
			tab, proto := t.at(typ.Ref)
			if base, _, copied := strings.Cut(name, "."); copied {
				n.Copies++
				err = f.checkCopy(name, base, tab, proto)
			} else {
				err = f.checkFunction(name, t.function(tab, proto))
			}
		case btf.DataSec:
			for _, m := range t.own.MembersOf(typ) {
				n.Variables++
				v := t.own.At(m.Type)
				at := place{t.own.Name(typ.Name), t.own.Name(v.Name), uint64(m.Off)}
				if size, ok := f.objects[at]; !ok {
					wrong = append(wrong, fmt.Errorf("variable %s: no such symbol at %s+%#x", at.name, at.section, at.off))
				} else if size != uint64(m.Bits) && !(size > uint64(m.Bits) && t.flexible(v.Ref)) {
					wrong = append(wrong, fmt.Errorf("variable %s: has %d bytes, its symbol %d", at.name, m.Bits, size))
				}
			}
		}
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	return n, wrong
}

// address returns the one address of the symbols of a name.
func (f *File) address(name string) (uint64, error) {
	switch list := f.Symbols[name]; len(list) {
	case 0:
		return 0, fmt.Errorf("function %s: no such symbol", name)
	case 1:
		return list[0], nil
	default:
		return 0, fmt.Errorf("function %s: symbols at %#x", name, list)
	}
}

// at returns the functions of a name at the address of a symbol.
func (f *File) at(symbol, name string) ([]Function, error) {
	addr, err := f.address(symbol)
	if err != nil {
		return nil, err
	}
	list := f.named(addr, name)
	for pc := addr + 1; len(list) == 0 && pc < addr+f.sizes[addr] && pc <= addr+mostNops; pc++ {
		list = f.named(pc, name)
	}
	if len(list) == 0 && symbol == name {
		list = f.folded(addr, name)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("function %s: no DWARF for the code at %#x", symbol, addr)
	}
	return list, nil
}

// mostNops is how much room for patches gcc leaves between a symbol and what the DWARF
// calls the code (riscv, loongarch).
const mostNops = 16

// named returns the functions of a name whose code the DWARF lets begin at an address.
func (f *File) named(addr uint64, name string) []Function {
	return slices.DeleteFunc(slices.Clone(f.Code[addr]), func(fn Function) bool { return fn.Name != name })
}

// folded returns the functions of a name that are described without an address by a
// unit whose code is at addr.
func (f *File) folded(addr uint64, name string) (list []Function) {
	for _, fn := range f.Folded[name] {
		if f.within(fn.unit, addr) {
			list = append(list, fn)
		}
	}
	return list
}

// within reports whether the ranges of a unit hold an address. In relocatable files for
// riscv they cannot be told: debug/elf does not know the pairs of relocations that make
// a length.
func (f *File) within(unit [][2]uint64, addr uint64) bool {
	return f.elf.Machine == elf.EM_RISCV && f.elf.Type == elf.ET_REL ||
		slices.ContainsFunc(unit, func(r [2]uint64) bool { return addr >= r[0] && addr < r[1] })
}

func (f *File) checkFunction(name, text string) error {
	list, err := f.at(name, name)
	if err != nil {
		return err
	}
	for _, fn := range list {
		if fn.Text == text {
			return nil
		}
	}
	return fmt.Errorf("function %s is %s, DIE %#x says %s", name, text, list[0].DIE, list[0].Text)
}

// checkCopy checks a copy that the optimizer made: its parameters have to be some of
// those that the source has.
func (f *File) checkCopy(symbol, name string, tab *btf.Table, proto *btf.Type) error {
	list, err := f.at(symbol, name)
	if err != nil {
		return err
	}
	for _, m := range tab.MembersOf(proto) {
		if p := tab.Name(m.Name); m.Type != 0 && !slices.Contains(list[0].Params, p) {
			return fmt.Errorf("function %s: takes %s, DIE %#x has no such parameter", symbol, p, list[0].DIE)
		}
	}
	return nil
}
