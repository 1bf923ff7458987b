package dwarf2btf

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
)

// memSection is a Section in memory, with its relocations already applied.
type memSection struct {
	name string
	raw  []byte // without relocations
	data []byte
}

func (s *memSection) Name() string           { return s.name }
func (s *memSection) Size() uint64           { return uint64(len(s.data)) }
func (s *memSection) Bytes() ([]byte, error) { return s.raw, nil }

func (s *memSection) Read(off, n uint64, buf []byte) ([]byte, error) {
	if off > s.Size() || n > s.Size()-off {
		return nil, fmt.Errorf("range %#x+%#x outside %s", off, n, s.name)
	}
	return s.data[off : off+n : off+n], nil
}

// elfSource reads an ELF file for tests. It knows RELA relocations of absolute
// 32 and 64 bit addresses, which is all that x86-64, arm64 and s390x have there.
func elfSource(tb testing.TB, path string) *Source {
	tb.Helper()
	f, err := elf.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	src := &Source{Name: path, Machine: f.Machine, AddrSize: 8, Relocatable: f.Type == elf.ET_REL, Order: binary.LittleEndian}
	if f.Data == elf.ELFDATA2MSB {
		src.Order = binary.BigEndian
	}
	if f.Class == elf.ELFCLASS32 {
		src.AddrSize = 4
	}
	next := uint64(0x10000)
	for _, s := range f.Sections {
		e := ELFSection{Name: s.Name, Type: s.Type, Flags: s.Flags, Addr: s.Addr, Size: s.Size}
		if src.Relocatable && s.Flags&elf.SHF_ALLOC != 0 {
			e.Addr = next
			next += (s.Size + 0xfff) &^ 0xfff
			next += 0x1000
		}
		src.Sections = append(src.Sections, e)
	}
	syms, err := f.Symbols()
	if err != nil {
		tb.Fatal(err)
	}
	addrs := make([]uint64, len(syms)+1)
	var symbols SymbolList
	for i, s := range syms {
		y := Symbol{Name: []byte(s.Name), Addr: s.Value, Value: s.Value, Size: s.Size, Type: elf.ST_TYPE(s.Info), Bind: elf.ST_BIND(s.Info), Section: int(s.Section)}
		if s.Section >= elf.SHN_LORESERVE {
			y.Section = -1
		} else if src.Relocatable && src.Sections[s.Section].Flags&elf.SHF_ALLOC != 0 {
			y.Addr += src.Sections[s.Section].Addr
		}
		addrs[i+1] = y.Addr
		if s.Section != elf.SHN_UNDEF && y.Type != elf.STT_SECTION && y.Type != elf.STT_FILE {
			symbols = append(symbols, y)
		}
	}
	src.Symbols = symbols
	for i, s := range f.Sections {
		if !strings.HasPrefix(s.Name, ".debug_") || s.Type == elf.SHT_NOBITS {
			continue
		}
		raw, err := s.Data()
		if err != nil {
			tb.Fatal(err)
		}
		sec := &memSection{name: s.Name, raw: raw, data: raw}
		for _, r := range f.Sections {
			if src.Relocatable && int(r.Info) == i && (r.Type == elf.SHT_RELA || r.Type == elf.SHT_REL) {
				sec.data = slices.Clone(raw)
				rel, err := r.Data()
				if err != nil {
					tb.Fatal(err)
				}
				applyRelocations(src, f, r.Type, rel, sec.data, addrs)
			}
		}
		switch s.Name {
		case ".debug_info":
			src.Info = append(src.Info, sec)
		case ".debug_types":
			src.Types = append(src.Types, sec)
		case ".debug_abbrev":
			src.Abbrev = append(src.Abbrev, sec)
		case ".debug_str":
			src.Str = sec
		case ".debug_line_str":
			src.LineStr = sec
		case ".debug_str_offsets":
			src.StrOffsets = sec
		case ".debug_addr":
			src.Addr = sec
		case ".debug_loc":
			src.Loc = sec
		case ".debug_loclists":
			src.Loclists = sec
		case ".debug_ranges":
			src.Ranges = sec
		case ".debug_rnglists":
			src.Rnglists = sec
		case ".debug_line":
			src.Line = sec
		}
	}
	return src
}

func applyRelocations(src *Source, f *elf.File, typ elf.SectionType, rel, data []byte, addrs []uint64) {
	order := src.Order
	size := map[bool]int{true: 24, false: 12}[f.Class == elf.ELFCLASS64]
	if typ == elf.SHT_REL {
		size -= size / 3
	}
	for ; len(rel) >= size; rel = rel[size:] {
		var off, sym, kind, addend uint64
		if f.Class == elf.ELFCLASS64 {
			info := order.Uint64(rel[8:])
			off, sym, kind = order.Uint64(rel), info>>32, info&0xffffffff
			addend = order.Uint64(rel[16:])
		} else {
			info := uint64(order.Uint32(rel[4:]))
			off, sym, kind = uint64(order.Uint32(rel)), info>>8, info&0xff
			if typ == elf.SHT_RELA {
				addend = uint64(order.Uint32(rel[8:]))
			}
		}
		wide := false
		switch f.Machine {
		case elf.EM_X86_64:
			wide = elf.R_X86_64(kind) == elf.R_X86_64_64
		case elf.EM_AARCH64:
			wide = elf.R_AARCH64(kind) == elf.R_AARCH64_ABS64
		case elf.EM_S390:
			wide = elf.R_390(kind) == elf.R_390_64
		case elf.EM_PPC64:
			wide = elf.R_PPC64(kind) == elf.R_PPC64_ADDR64
		}
		if wide {
			order.PutUint64(data[off:], addrs[sym]+addend)
			continue
		}
		if typ == elf.SHT_REL {
			addend = uint64(order.Uint32(data[off:]))
		}
		order.PutUint32(data[off:], uint32(addrs[sym]+addend))
	}
}

// convertAll converts everything and gives each unit to f.
func convertAll(tb testing.TB, src *Source, opts Options, f func(*Unit)) *Converter {
	tb.Helper()
	c, err := New(src, opts)
	if err != nil {
		tb.Fatal(err)
	}
	w := c.NewWorker()
	for i := range c.Len() {
		u, err := w.Convert(i)
		if err != nil {
			tb.Fatal(err)
		}
		if u != nil {
			f(u)
		}
	}
	return c
}

// checkUnit makes sure that every reference is in range and that the kernel's
// checks of single types hold.
func checkUnit(u *Unit) error {
	t := u.Table
	for id := t.Start; id < t.End(); id++ {
		typ := t.At(id)
		var bad error
		fail := func(format string, args ...any) {
			bad = fmt.Errorf("[%d] %s '%s': %s", id, typ.Kind, t.Name(typ.Name), fmt.Sprintf(format, args...))
		}
		if uint64(typ.First)+uint64(typ.Len) > uint64(len(t.Members)) {
			fail("members %d+%d of %d", typ.First, typ.Len, len(t.Members))
			return bad
		}
		ms := t.MembersOf(typ)
		t.Refs(typ, func(ref *btf.ID) {
			if *ref >= t.End() {
				fail("refers to %d", *ref)
			}
		})
		named := typ.Name != 0
		switch typ.Kind {
		case btf.Ptr, btf.Const, btf.Volatile, btf.Restrict, btf.Array, btf.FuncProto:
			if named {
				fail("has a name")
			}
		case btf.Typedef, btf.Fwd, btf.DeclTag, btf.TypeTag:
			if !named {
				fail("has no name")
			}
		}
		switch typ.Kind {
		case btf.Array:
			if typ.Ref == 0 || typ.Extra == 0 {
				fail("element %d index %d", typ.Ref, typ.Extra)
			}
		case btf.Float:
			if !floatSize(uint64(typ.Size)) {
				fail("size %d", typ.Size)
			}
		case btf.Struct, btf.Union:
			fields := btf.HasBitfields(ms)
			last := uint32(0)
			for _, m := range ms {
				if m.Type == 0 || m.Off < last || (uint64(m.Off)+7)/8 > uint64(typ.Size) || typ.Kind == btf.Union && m.Off != 0 || fields && m.Off > maxBitWithFields || m.Bits > 255 {
					fail("member '%s' type %d at %d", t.Name(m.Name), m.Type, m.Off)
				}
				last = m.Off
			}
		case btf.Enum, btf.Enum64:
			for _, m := range ms {
				if m.Name == 0 {
					fail("enumerator without name")
				}
			}
		case btf.FuncProto:
			for i, m := range ms {
				if m.Type == 0 && (m.Name != 0 || i != len(ms)-1) {
					fail("parameter %d has no type", i)
				}
			}
		}
		if k := typ.Kind; k == btf.Struct || k == btf.Union || k == btf.Enum || k == btf.Enum64 || k == btf.Typedef || k == btf.Fwd {
			if named && !validIdentifier(t.Strings.Bytes(typ.Name)) {
				fail("invalid name")
			}
		}
		if bad != nil {
			return bad
		}
	}
	for _, f := range u.Functions {
		if f.Proto < t.Start || f.Proto >= t.End() || t.At(f.Proto).Kind != btf.FuncProto {
			return fmt.Errorf("function '%s': prototype %d", t.Name(f.Name), f.Proto)
		}
	}
	for _, v := range u.Variables {
		if v.Type == 0 || v.Type >= t.End() {
			return fmt.Errorf("variable '%s': type %d", t.Name(v.Name), v.Type)
		}
	}
	return nil
}
