package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"

	"mkbtf/dwarf2btf"
	"mkbtf/internal/elfhdr/elftest"
)

// FuzzOpen opens anything and reads all there is: no panic, no hang, and a piece
// of a section is the same piece of the whole.
func FuzzOpen(f *testing.F) {
	f.Add(relObject{machine: elf.EM_X86_64, data: make([]byte, 64), rels: []rel{{0, symText, uint32(elf.R_X86_64_64), 1}, {3, symInfo, uint32(elf.R_X86_64_32), 1}}}.bytes())
	f.Add(relObject{class: elf.ELFCLASS32, machine: elf.EM_386, rel: true, data: make([]byte, 16), rels: []rel{{8, symText, uint32(elf.R_386_32), 0}, {0, symText, uint32(elf.R_386_32), 0}}}.bytes())
	f.Add(relObject{order: binary.BigEndian, machine: elf.EM_MIPS, data: make([]byte, 16), rels: []rel{{8, symText, uint32(elf.R_MIPS_32) | uint32(elf.R_MIPS_64)<<8, 0}}}.bytes())
	f.Add(relObject{machine: elf.EM_RISCV, data: bytes.Repeat([]byte{0x80, 0x80, 0}, 9), rels: []rel{{3, symText, riscvSetULEB128, 0}, {3, symInfo, riscvSubULEB128, 0}, {9, symInfo, uint32(elf.R_RISCV_SUB32), 9}}}.bytes())
	compressed := elftest.File{Sections: []elftest.Section{
		{Name: ".debug_info", Flags: elf.SHF_COMPRESSED, Data: append(le64(uint64(elf.COMPRESS_ZLIB), 3, 1), "\x78\x9c\x4b\x4c\x4a\x06\x00\x02\x4d\x01\x27"...)},
		{Name: ".zdebug_str", Data: []byte("ZLIB\x00\x00\x00\x00\x00\x00\x00\x03\x78\x9c\x4b\x4c\x4a\x06\x00\x02\x4d\x01\x27")},
		{Name: ".BTF_ids", Flags: elf.SHF_ALLOC, Data: make([]byte, 8)},
		{Name: ".BTF", Data: []byte("\x9f\xeb\x01")},
	}}
	f.Add(compressed.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
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
	})
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
