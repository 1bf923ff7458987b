package encode

import (
	"cmp"
	"debug/elf"
	"math"
	"slices"

	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/dwarf2btf"
)

// addVariables adds a VAR for each variable and a DATASEC for each section that
// has one. Entries of a DATASEC are sorted by offset and do not overlap, which is
// what the kernel demands (btf_datasec_check_meta): of two variables in one place
// (clang merges small ones, and discarded ones stay at offset 0) the first stays,
// a global one before a static one.
func addVariables(res *dedup.Result, vars []variable, src *dwarf2btf.Source, note func(string, ...any)) error {
	bySection := map[int][]variable{}
	for _, v := range vars {
		if i := sectionOf(src, v.Addr); i > 0 {
			bySection[i] = append(bySection[i], v)
		} else {
			note("variable %s: address %#x lies in no section", res.Table().Name(v.Name), v.Addr)
		}
	}
	for i := range src.Sections {
		vs := bySection[i]
		if len(vs) == 0 {
			continue
		}
		s := &src.Sections[i]
		t := res.Table()
		var entries []btf.Member
		end := uint64(0)
		kept, left := arrange(vs, s.Addr)
		for _, v := range left {
			note("variable %s: left out, %d bytes at offset %#x of %s are taken by another one or too large", t.Name(v.Name), v.Size, v.Addr-s.Addr, s.Name)
		}
		for _, v := range kept {
			typ, err := res.ID(v.unit, v.ref)
			if err != nil {
				return err
			}
			if typ == 0 {
				continue // void
			}
			linkage := uint32(btf.LinkStatic)
			if v.External {
				linkage = btf.LinkGlobal
			}
			id := t.Add(btf.Type{Kind: btf.Var, Name: v.Name, Ref: typ, Extra: linkage})
			addTags(t, id, v.Tags)
			off := v.Addr - s.Addr
			entries = append(entries, btf.Member{Type: id, Off: uint32(off), Bits: v.Size})
			end = off + uint64(v.Size)
		}
		if len(entries) > 0 {
			t.AddWith(btf.Type{Kind: btf.DataSec, Name: t.Strings.InternString(s.Name), Size: uint32(end)}, entries)
		}
	}
	return nil
}

// arrange sorts the variables of a section that begins at start, and tells those that
// can stand in one DATASEC from those that are left out.
func arrange(vs []variable, start uint64) (kept, left []variable) {
	slices.SortStableFunc(vs, func(a, b variable) int {
		if c := cmp.Compare(a.Addr, b.Addr); c != 0 || a.External == b.External {
			return c
		}
		if a.External {
			return -1
		}
		return 1
	})
	end := uint64(0)
	for _, v := range vs {
		off := v.Addr - start
		if off < end || off+uint64(v.Size) > math.MaxUint32 || v.Size == 0 {
			left = append(left, v)
			continue
		}
		kept = append(kept, v)
		end = off + uint64(v.Size)
	}
	return kept, left
}

// sectionOf is the index of the section that holds an address, 0 if none does.
func sectionOf(src *dwarf2btf.Source, addr uint64) int {
	for i := range src.Sections {
		s := &src.Sections[i]
		if s.Flags&elf.SHF_ALLOC != 0 && (s.Type == elf.SHT_PROGBITS || s.Type == elf.SHT_NOBITS) && addr >= s.Addr && addr-s.Addr < s.Size {
			return i
		}
	}
	return 0
}

// addTags adds the DECL_TAGs of a function or a variable.
func addTags(t *btf.Table, id btf.ID, tags []dwarf2btf.Tag) {
	for _, tag := range tags {
		t.Add(btf.Type{Kind: btf.DeclTag, Name: tag.Text, Ref: id, Extra: uint32(tag.Component)})
	}
}
