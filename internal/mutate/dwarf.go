package mutate

import (
	"bytes"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"mkbtf/internal/elfhdr"
)

// dwarfKinds finds the places in .debug_info and .debug_abbrev.
func (s *Subject) dwarfKinds(h *elfhdr.Header, sections []elfhdr.Section, names elfhdr.Names) (kinds []kind) {
	for i := range sections {
		sh := &sections[i]
		if sh.Flags&elf.SHF_COMPRESSED != 0 || sh.Type == elf.SHT_NOBITS || sh.Off+sh.Size > uint64(len(s.data)) {
			continue
		}
		switch names.At(sh.NameOff) {
		case ".debug_info":
			kinds = append(kinds, s.infoKinds(sh)...)
		case ".debug_abbrev":
			kinds = append(kinds, s.abbrevKinds(sh)...)
		}
	}
	return kinds
}

// infoKinds is damage to unit headers and to references between DIEs.
func (s *Subject) infoKinds(sh *elfhdr.Section) []kind {
	var headers []field
	data := s.data[sh.Off : sh.Off+sh.Size]
	for off := uint64(0); off+12 < uint64(len(data)); {
		at := sh.Off + off
		length := uint64(s.order.Uint32(data[off:]))
		if length == 0xffffffff {
			length = s.order.Uint64(data[off+4:]) + 8
			headers = append(headers, field{"64-bit unit_length", at + 4, 8}, field{"version", at + 12, 2})
		}
		headers = append(headers, field{"unit_length", at, 4}, field{"version", at + 4, 2}, field{"unit_type", at + 6, 1}, field{"address_size", at + 7, 1},
			field{"debug_abbrev_offset", at + 8, 4}, field{"debug_abbrev_offset before version 5", at + 6, 4}, field{"address_size before version 5", at + 10, 1})
		off += length + 4
	}
	kinds := s.fields("unit header", headers)
	dies, refs := s.references(sh)
	if len(refs) == 0 {
		return kinds
	}
	return append(kinds, kind{"reference", func(r *rand.Rand, b []byte) ([]byte, string) {
		ref := refs[r.IntN(len(refs))]
		switch r.IntN(4) {
		case 0: // to itself
			return b, s.set(b, ref.field, uint64(ref.die-ref.unit))
		case 1: // to another DIE
			return b, s.set(b, ref.field, uint64(dies[r.IntN(len(dies))]-ref.unit))
		case 2: // to what an other one refers to, a circle if that refers back
			from := refs[r.IntN(len(refs))]
			return b, s.set(b, from.field, uint64(ref.die-from.unit))
		}
		return b, s.set(b, ref.field, number(r, uint64(ref.die-ref.unit)))
	}})
}

// reference is a DW_FORM_ref4 of a DIE.
type reference struct {
	field
	die, unit dwarf.Offset
}

// references finds DIEs, and where they refer to others of their unit: package dwarf says
// where to, and not where that stands, but a number of 32 bits gives itself away.
func (s *Subject) references(sh *elfhdr.Section) (dies []dwarf.Offset, refs []reference) {
	f, err := elf.NewFile(bytes.NewReader(s.data))
	if err != nil {
		return nil, nil
	}
	d, err := f.DWARF()
	if err != nil {
		return nil, nil
	}
	data := s.data[sh.Off : sh.Off+sh.Size]
	var last *dwarf.Entry
	unit := dwarf.Offset(0)
	visit := func(e *dwarf.Entry, end dwarf.Offset) {
		for _, f := range e.Field {
			to, ok := f.Val.(dwarf.Offset)
			if !ok || f.Class != dwarf.ClassReference || int(end) > len(data) {
				continue
			}
			var want [4]byte
			s.order.PutUint32(want[:], uint32(to-unit))
			if i := bytes.Index(data[e.Offset:end], want[:]); i >= 0 {
				at := sh.Off + uint64(e.Offset) + uint64(i)
				refs = append(refs, reference{field{fmt.Sprintf("%s of DIE %#x", f.Attr, e.Offset), at, 4}, e.Offset, unit})
			}
		}
	}
	for r := d.Reader(); ; {
		e, err := r.Next()
		if err != nil || e == nil {
			return dies, refs
		}
		if last != nil && e.Offset > last.Offset {
			visit(last, e.Offset)
		}
		if last = e; e.Tag != 0 {
			dies = append(dies, e.Offset)
		}
		if e.Tag == dwarf.TagCompileUnit || e.Tag == dwarf.TagPartialUnit || e.Tag == dwarf.TagTypeUnit {
			// The header of a unit lies directly before its first DIE.
			for unit = e.Offset - 11; unit > 0 && e.Offset-unit < 40 && !s.isHeader(data, unit, e.Offset); unit-- {
			}
		}
	}
}

// isHeader reports whether a unit header could begin at off.
func (s *Subject) isHeader(data []byte, off, die dwarf.Offset) bool {
	length, version := uint64(s.order.Uint32(data[off:])), s.order.Uint16(data[off+4:])
	return version >= 2 && version <= 5 && uint64(off)+4+length <= uint64(len(data)) && uint64(off)+4+length > uint64(die)
}

// abbrevKinds is damage to abbreviations.
func (s *Subject) abbrevKinds(sh *elfhdr.Section) []kind {
	data := s.data[sh.Off : sh.Off+sh.Size]
	var codes, tags, children, attrs, forms []field // all of one byte
	pos := 0
	uleb := func() (uint64, field) {
		at := pos
		v, n := binary.Uvarint(data[pos:])
		pos += max(n, 1)
		return v, field{"", sh.Off + uint64(at), 1}
	}
	for pos < len(data) {
		code, f := uleb()
		if code == 0 {
			continue
		}
		codes = append(codes, f)
		_, f = uleb()
		tags = append(tags, f)
		children = append(children, field{"", sh.Off + uint64(pos), 1})
		pos++
		for pos < len(data) {
			at, a := uleb()
			form, f := uleb()
			attrs, forms = append(attrs, a), append(forms, f)
			if form == 0x21 { // DW_FORM_implicit_const
				uleb()
			}
			if at == 0 && form == 0 {
				break
			}
		}
	}
	var kinds []kind
	for _, c := range []struct {
		name string
		list []field
		most uint32
	}{{"abbreviation code", codes, 128}, {"DW_TAG", tags, 0x4c}, {"DW_CHILDREN", children, 3}, {"DW_AT", attrs, 0x80}, {"DW_FORM", forms, 0x2d}} {
		if len(c.list) == 0 {
			continue
		}
		kinds = append(kinds, kind{c.name, func(r *rand.Rand, b []byte) ([]byte, string) {
			f := c.list[r.IntN(len(c.list))]
			v := uint64(r.Uint32N(c.most))
			if r.IntN(3) == 0 {
				v, _ = s.get(b, c.list[r.IntN(len(c.list))])
			}
			return b, s.set(b, f, v)
		}})
	}
	return kinds
}
