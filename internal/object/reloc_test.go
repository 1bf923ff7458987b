package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
	"mkbtf/internal/elfhdr"
	"mkbtf/internal/elfhdr/elftest"
)

// rel is a relocation of a hand-made object; typ goes into r_info as it stands.
type rel struct {
	off    uint64
	sym    uint32
	typ    uint32
	addend int64
}

// relObject describes an object with .text, .debug_info and its relocations. The
// symbols are: 1 .text+0x20, 2 .debug_info+8, 3 absolute 0x1234, 4 undefined,
// 5 common.
type relObject struct {
	class   elf.Class
	order   btf.Order
	typ     elf.Type
	machine elf.Machine
	rel     bool // SHT_REL
	data    []byte
	rels    []rel
}

// The numbers that symbols of a relObject stand for.
const (
	symText = 1
	symInfo = 2
	symAbs  = 3
	symNone = 4
	symComm = 5

	textValue = firstAddress + 0x20
)

func (r relObject) bytes() []byte {
	f := elftest.File{Class: r.class, Order: r.order, Type: r.typ, Machine: r.machine}
	h := f.Header()
	var table []byte
	for _, x := range r.rels {
		info := uint64(x.sym)<<8 | uint64(x.typ)
		if h.Is64() {
			info = uint64(x.sym)<<32 | uint64(x.typ)
			if r.machine == elf.EM_MIPS && h.Order == btf.Order(binary.LittleEndian) {
				info = uint64(x.sym) | uint64(x.typ>>24)<<32 | uint64(x.typ>>16&0xff)<<40 | uint64(x.typ>>8&0xff)<<48 | uint64(x.typ&0xff)<<56
			}
		}
		words := []uint64{x.off, info, uint64(x.addend)}
		if r.rel {
			words = words[:2]
		}
		for _, w := range words {
			if h.Is64() {
				table = h.Order.AppendUint64(table, w)
			} else {
				table = h.Order.AppendUint32(table, uint32(w))
			}
		}
	}
	relType, entSize := elf.SHT_RELA, uint64(12)
	if r.rel {
		relType, entSize = elf.SHT_REL, 8
	}
	symSize := uint64(16)
	if h.Is64() {
		entSize, symSize = 2*entSize, 24
	}
	f.Sections = []elftest.Section{
		{Name: ".text", Flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, Data: make([]byte, 64), Align: 16},
		{Name: ".debug_info", Data: r.data},
		{Name: ".rela.debug_info", Type: relType, Data: table, Link: 4, Info: 2, EntSize: entSize, Align: 8},
		{
			Name: ".symtab", Type: elf.SHT_SYMTAB, Link: 5, EntSize: symSize, Align: 8, Data: f.Symtab(
				elftest.Symbol{Value: 0x20, Section: 1},
				elftest.Symbol{Value: 8, Section: 2},
				elftest.Symbol{Value: 0x1234, Section: elf.SHN_ABS},
				elftest.Symbol{Value: 0x77},
				elftest.Symbol{Value: 0x88, Section: elf.SHN_COMMON},
			),
		},
		{Name: ".strtab", Type: elf.SHT_STRTAB, Data: []byte{0}},
	}
	return f.Bytes()
}

func (r relObject) info(t *testing.T) dwarf2btf.Section {
	t.Helper()
	f, err := OpenBytes("test.o", r.bytes())
	if err != nil {
		t.Fatal(err)
	}
	src, err := f.Source()
	if err != nil {
		t.Fatal(err)
	}
	return src.Info[0]
}

func le32(v ...uint32) (b []byte) {
	for _, v := range v {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func le64(v ...uint64) (b []byte) {
	for _, v := range v {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

func be64(v ...uint64) (b []byte) {
	for _, v := range v {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return b
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestRelocations checks what each operation does; what the types of the machines
// with a linker at hand do is the matter of TestRelocationsAsLinked.
func TestRelocations(t *testing.T) {
	const (
		x32, x64 = uint32(elf.R_X86_64_32), uint32(elf.R_X86_64_64)
		larch    = elf.EM_LOONGARCH
		riscv    = elf.EM_RISCV
	)
	l := func(r elf.R_LARCH) uint32 { return uint32(r) }
	v := func(r elf.R_RISCV) uint32 { return uint32(r) }
	tests := []struct {
		name string
		obj  relObject
		want []byte
	}{
		{
			"symbols of each kind", relObject{machine: elf.EM_X86_64, data: make([]byte, 48), rels: []rel{
				{0, symText, x64, 1},
				{8, symInfo, x64, 2},
				{16, symAbs, x64, -4},
				{24, symNone, x64, 5},
				{32, symComm, x64, 6},
				{40, 0, x64, 7},
			}}, le64(textValue+1, 10, 0x1230, 5, 6, 7),
		},
		{
			"RELA ignores the field, 32 bits are cut", relObject{machine: elf.EM_X86_64, data: bytes.Repeat([]byte{0xee}, 16), rels: []rel{
				{4, symText, x32, -0x10030},
				{8, symText, x32, 1 << 32},
			}}, le32(0xeeeeeeee, 0xfffffff0, textValue, 0xeeeeeeee),
		},
		{
			"REL adds the field", relObject{class: elf.ELFCLASS32, machine: elf.EM_386, rel: true, data: le32(5, 0xffffffff, 3), rels: []rel{
				{0, symText, uint32(elf.R_386_32), 0},
				{4, symInfo, uint32(elf.R_386_32), 0},
				{8, symText, uint32(elf.R_386_NONE), 0},
			}}, le32(textValue+5, 7, 3),
		},
		{
			"linked files are not relocated", relObject{class: elf.ELFCLASS32, typ: elf.ET_EXEC, machine: elf.EM_386, rel: true, data: le32(5, 6), rels: []rel{
				{0, symText, uint32(elf.R_386_32), 0},
			}}, le32(5, 6),
		},
		{
			"unsorted", relObject{machine: elf.EM_X86_64, data: make([]byte, 16), rels: []rel{
				{12, symInfo, x32, 3},
				{4, symInfo, x32, 1},
				{8, symInfo, x32, 2},
				{0, symInfo, x32, 0},
			}}, le32(8, 9, 10, 11),
		},
		{
			"RISC-V pairs", relObject{machine: riscv, data: join(le32(0, 0xff), []byte{0xc1, 0, 0, 0xff}), rels: []rel{
				{0, symText, v(elf.R_RISCV_ADD32), 0x10},
				{0, symAbs, v(elf.R_RISCV_SUB32), 0},
				{4, symText, v(elf.R_RISCV_SET16), 0},
				{4, symInfo, v(elf.R_RISCV_SUB16), 0},
				{8, symInfo, v(elf.R_RISCV_SET6), 0},
				{8, symNone, v(elf.R_RISCV_SUB6), 10},
				{9, symText, v(elf.R_RISCV_RELAX), 0},
				{10, symText, v(elf.R_RISCV_SET8), 0},
				{11, symInfo, v(elf.R_RISCV_SUB8), 0},
			}}, join(le32(0x10030-0x1234, 0x18), []byte{0xfe, 0, 0x20, 0xf7}),
		},
		{
			"RISC-V ULEB128", relObject{machine: riscv, data: []byte{0x80, 0x80, 0, 0xff, 0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0xff}, rels: []rel{
				{0, symText, riscvSetULEB128, 0x101},
				{0, symText, riscvSubULEB128, 0},
				{5, symText, riscvSetULEB128, -0x10020},
				{5, symText, riscvSubULEB128, 0x7fffffff - 0x10020},
			}}, []byte{0x81, 0x82, 0, 0xff, 0xff, 0x81, 0x80, 0x80, 0x80, 0xf8, 0xff, 0x7f, 0xff},
		},
		{
			"LoongArch", relObject{machine: larch, data: join(le64(1), []byte{1, 0, 0, 0x85, 0x80, 0, 0x41, 9, 9}), rels: []rel{
				{0, symText, l(elf.R_LARCH_ADD64), 0},
				{0, symAbs, l(elf.R_LARCH_SUB64), 0},
				{8, symText, l(elf.R_LARCH_ADD24), 0},
				{8, symInfo, l(elf.R_LARCH_SUB24), 0},
				{11, symText, l(elf.R_LARCH_ADD_ULEB128), 0x100},
				{11, symText, l(elf.R_LARCH_SUB_ULEB128), 0},
				{14, symInfo, l(elf.R_LARCH_ADD6), 0},
				{14, symNone, l(elf.R_LARCH_SUB6), 3},
				{15, symText, l(elf.R_LARCH_ADD8), 0},
				{16, symText, l(elf.R_LARCH_SUB8), 0},
			}}, join(le64(1+textValue-0x1234), []byte{0x19, 0, 1, 0x85, 0x82, 0, 0x46, 0x29, 0xe9}),
		},
		{
			"LoongArch words", relObject{machine: larch, data: make([]byte, 12), rels: []rel{
				{0, symText, l(elf.R_LARCH_64), 0},
				{8, symInfo, l(elf.R_LARCH_32), 1},
			}}, join(le64(textValue), le32(9)),
		},
		{
			"MIPS n64 big endian", relObject{order: binary.BigEndian, machine: elf.EM_MIPS, data: make([]byte, 24), rels: []rel{
				{0, symText, uint32(elf.R_MIPS_64), 1},
				{8, symNone, uint32(elf.R_MIPS_32) | uint32(elf.R_MIPS_64)<<8, -2},
				{16, symNone, uint32(elf.R_MIPS_32), 0x55},
			}}, be64(textValue+1, 0xfffffffffffffffe, 0x55<<32),
		},
		{
			"MIPS n64 little endian", relObject{machine: elf.EM_MIPS, data: make([]byte, 24), rels: []rel{
				{0, symText, uint32(elf.R_MIPS_64), 1},
				{8, symNone, uint32(elf.R_MIPS_32) | uint32(elf.R_MIPS_64)<<8, 0x80000000},
				{16, symText, uint32(elf.R_MIPS_32), 0},
			}}, le64(textValue+1, 0xffffffff80000000, textValue),
		},
		{
			"sparc64 keeps to the low byte of the type", relObject{order: binary.BigEndian, machine: elf.EM_SPARCV9, data: make([]byte, 8), rels: []rel{
				{0, symText, uint32(elf.R_SPARC_UA64) | 0x7700, 0},
			}}, be64(textValue),
		},
		{
			"a relocation at the last byte", relObject{machine: elf.EM_X86_64, data: make([]byte, 5), rels: []rel{
				{4, symInfo, uint32(elf.R_X86_64_8), 0},
			}}, []byte{0, 0, 0, 0, 8},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.obj.info(t)
			got, err := s.Read(0, s.Size(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, tt.want) {
				t.Errorf("got  % x\nwant % x", got, tt.want)
			}
			for off := range s.Size() {
				for n := range s.Size() - off + 1 {
					piece, err := s.Read(off, n, nil)
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(piece, tt.want[off:off+n]) {
						t.Fatalf("%d bytes at %d: % x, want % x", n, off, piece, tt.want[off:off+n])
					}
				}
			}
			raw, err := s.Bytes()
			if err != nil || !bytes.Equal(raw, tt.obj.data) {
				t.Errorf("Bytes returns % x, %v, want % x", raw, err, tt.obj.data)
			}
		})
	}
}

// TestWrongRelocations has one thing wrong in each object.
func TestWrongRelocations(t *testing.T) {
	const x32, x64 = uint32(elf.R_X86_64_32), uint32(elf.R_X86_64_64)
	tests := []struct {
		name string
		obj  relObject
		want string
	}{
		{"offset behind the section", relObject{rels: []rel{{0, 1, x32, 0}, {16, 1, x32, 0}}}, ".debug_info+0x10: a relocation of .rela.debug_info lies outside"},
		{"unsorted and behind the section", relObject{rels: []rel{{1 << 40, 1, x32, 0}, {0, 1, x32, 0}}}, ".debug_info+0x10000000000: a relocation"},
		{"field ends behind the section", relObject{rels: []rel{{9, 1, x64, 0}}}, ".debug_info+0x9: the field of a relocation"},
		{"symbol", relObject{rels: []rel{{4, 6, x32, 0}}}, ".debug_info+0x4: a relocation of .rela.debug_info names symbol 6 of 6"},
		{"type", relObject{rels: []rel{{4, 1, uint32(elf.R_X86_64_PC32), 0}}}, ".debug_info+0x4: relocation type R_X86_64_PC32 (2)"},
		{"machine", relObject{machine: elf.EM_VAX, rels: []rel{{4, 1, 1, 0}}}, "the relocations of EM_VAX are not known"},
		{"three types", relObject{machine: elf.EM_MIPS, rels: []rel{{0, 1, 2 | 5<<8 | 18<<16, 0}}}, ".debug_info+0x0: relocation type"},
		{"special symbol", relObject{machine: elf.EM_MIPS, rels: []rel{{0, 1, 2 | 18<<8 | 1<<24, 0}}}, ".debug_info+0x0: relocation type"},
		{"endless ULEB128", relObject{machine: elf.EM_RISCV, data: bytes.Repeat([]byte{0x80}, 16), rels: []rel{{3, 1, riscvSetULEB128, 0}}}, ".debug_info+0x3: the field"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.obj.machine == 0 {
				tt.obj.machine = elf.EM_X86_64
			}
			if tt.obj.data == nil {
				tt.obj.data = make([]byte, 16)
			}
			s := tt.obj.info(t)
			_, err := s.Read(0, s.Size(), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// TestCompactRelocations: not applying relocations that are there would give wrong
// types without a word.
func TestCompactRelocations(t *testing.T) {
	b := relObject{machine: elf.EM_X86_64, data: make([]byte, 16), rels: []rel{{0, 1, 1, 0}}}.bytes()
	h, err := elfhdr.ParseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(b[h.ShOff+3*64+4:], uint32(shtCREL))
	f, err := OpenBytes("test.o", b)
	if err != nil {
		t.Fatal(err)
	}
	src, err := f.Source()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Info[0].Read(0, 16, nil); err == nil || !strings.Contains(err.Error(), "SHT_CREL") {
		t.Errorf("error %v", err)
	}
}

func TestReadOutOfRange(t *testing.T) {
	s := relObject{machine: elf.EM_X86_64, data: make([]byte, 16)}.info(t)
	for _, r := range [][2]uint64{{0, 17}, {16, 1}, {17, 0}, {1 << 63, 1 << 63}, {8, ^uint64(0)}} {
		if _, err := s.Read(r[0], r[1], nil); err == nil {
			t.Errorf("%d bytes at %d: no error", r[1], r[0])
		}
	}
}

// TestReadDoesNotAllocate is about the loop over units: with a buffer that is
// large enough nothing is allocated.
func TestReadDoesNotAllocate(t *testing.T) {
	obj := relObject{machine: elf.EM_X86_64, data: make([]byte, 4000)}
	for i := range uint64(500) {
		obj.rels = append(obj.rels, rel{8 * i, symText, uint32(elf.R_X86_64_64), int64(i)})
	}
	s := obj.info(t)
	buf := make([]byte, 0, 4000)
	if n := testing.AllocsPerRun(10, func() {
		if _, err := s.Read(80, 3200, buf); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
