package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"mkbtf/dwarf2btf"
	"mkbtf/internal/elfhdr/elftest"
)

// FuzzOpen opens anything and reads all there is: no panic, no hang, and a piece
// of a section is the same piece of the whole.
func FuzzOpen(f *testing.F) {
	f.Add(relObject{machine: elf.EM_X86_64, data: make([]byte, 64), rels: []rel{{0, symText, uint32(elf.R_X86_64_64), 1}, {3, symInfo, uint32(elf.R_X86_64_32), 1}}}.bytes(), []byte{})
	f.Add(relObject{class: elf.ELFCLASS32, machine: elf.EM_386, rel: true, data: make([]byte, 16), rels: []rel{{8, symText, uint32(elf.R_386_32), 0}, {0, symText, uint32(elf.R_386_32), 0}}}.bytes(), []byte{})
	f.Add(relObject{order: binary.BigEndian, machine: elf.EM_MIPS, data: make([]byte, 16), rels: []rel{{8, symText, uint32(elf.R_MIPS_32) | uint32(elf.R_MIPS_64)<<8, 0}}}.bytes(), []byte{})
	f.Add(relObject{machine: elf.EM_RISCV, data: bytes.Repeat([]byte{0x80, 0x80, 0}, 9), rels: []rel{{3, symText, riscvSetULEB128, 0}, {3, symInfo, riscvSubULEB128, 0}, {9, symInfo, uint32(elf.R_RISCV_SUB32), 9}}}.bytes(), []byte{})
	compressed := elftest.File{Sections: []elftest.Section{
		{Name: ".debug_info", Flags: elf.SHF_COMPRESSED, Data: append(le64(uint64(elf.COMPRESS_ZLIB), 3, 1), "\x78\x9c\x4b\x4c\x4a\x06\x00\x02\x4d\x01\x27"...)},
		{Name: ".zdebug_str", Data: []byte("ZLIB\x00\x00\x00\x00\x00\x00\x00\x03\x78\x9c\x4b\x4c\x4a\x06\x00\x02\x4d\x01\x27")},
		{Name: ".BTF_ids", Flags: elf.SHF_ALLOC, Data: make([]byte, 8)},
		{Name: ".BTF", Data: []byte("\x9f\xeb\x01")},
	}}
	f.Add(compressed.Bytes(), []byte{})
	f.Fuzz(openAny)
}

func openAny(t *testing.T, data, mutations []byte) {
	data = bytes.Clone(data)
	elftest.Mutate(data, mutations)
	if o, err := OpenBytes("fuzz", data); err == nil {
		for i := range o.Sections {
			o.Data(i)
		}
		o.Signature()
		o.BTF()
		if src, err := o.Source(); err == nil {
			readAll(t, src)
		}
	}
	LoadBTFBytes("fuzz", data)
}

// TestMutatedHeaders does what FuzzOpen does for a few thousand plausible changes
// of headers and of the relocations.
func TestMutatedHeaders(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	kinds := []elf.Machine{elf.EM_X86_64, elf.EM_386, elf.EM_MIPS, elf.EM_RISCV, elf.EM_LOONGARCH, elf.EM_SPARCV9}
	for range 20000 {
		obj := relObject{machine: kinds[r.IntN(len(kinds))], data: make([]byte, r.IntN(100)), rel: r.IntN(4) == 0}
		if r.IntN(2) == 0 {
			obj.class = elf.ELFCLASS32
		}
		if r.IntN(2) == 0 {
			obj.order = binary.BigEndian
		}
		for range r.IntN(6) {
			obj.rels = append(obj.rels, rel{uint64(r.IntN(len(obj.data) + 1)), uint32(r.IntN(6)), uint32(r.IntN(64)), r.Int64()})
		}
		data := obj.bytes()
		var mutations []byte
		for range r.IntN(4) {
			mutations = append(mutations, byte(r.IntN(8)), byte(r.IntN(9)))
			mutations = binary.LittleEndian.AppendUint16(mutations, uint16(r.IntN([]int{12, 64, len(data), 65536}[r.IntN(4)])))
		}
		if openAny(t, data, mutations); t.Failed() {
			t.Fatalf("%+v, mutations % x", obj, mutations)
		}
	}
}

func readAll(t *testing.T, src *dwarf2btf.Source) {
	all := append([]dwarf2btf.Section{src.Str, src.LineStr, src.StrOffsets, src.Addr, src.Loc, src.Loclists}, src.Info...)
	all = append(append(all, src.Types...), src.Abbrev...)
	for _, s := range all {
		if s == nil {
			continue
		}
		want, err := s.Read(0, s.Size(), nil)
		if err != nil {
			continue
		}
		n := uint64(len(want))
		if b, err := s.Bytes(); err != nil || uint64(len(b)) != n {
			t.Errorf("%s: Bytes gives %d, %v, Read %d", s.Name(), len(b), err, n)
		}
		if got, err := s.Read(n/2, n-n/2, nil); err != nil || len(got) != len(want[n/2:]) {
			t.Errorf("%s: the second half has %d bytes, %v", s.Name(), len(got), err)
		}
	}
}
