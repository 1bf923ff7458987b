package golden

import (
	"debug/elf"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/diff"
)

// lost are names that gcc's DWARF tells less of than in version 5, besides unnamed
// types: DWARF 2 has no restrict, and gcc 12 shares one type unit between structs
// that lead to different ones of equal name, and loses a const in one.
var lost = map[string][]string{
	"x86_64-gcc-dwarf2/types":            {"sc_qualified", "sc_restrict"},
	"x86_64-gcc-dwarf4-typeunits/types":  {"sc_qualified"},
	"x86_64-gcc-dwarf5-typeunits/types":  {"sc_qualified"},
	"x86_64-gcc-dwarf4-typeunits/scopes": {"completed_in_b", "holder", "holder_list", "unit_b_entry"},
	"x86_64-gcc-dwarf5-typeunits/scopes": {"completed_in_b", "holder", "holder_list", "unit_b_entry"},
}

// TestEncodingsAgree compares, by meaning, what comes of the same sources in
// different encodings of DWARF by one compiler: versions 2 to 5, both formats,
// type units, partial units, compressed or not, relocatable or linked.
func TestEncodingsAgree(t *testing.T) {
	byName := map[string]object{}
	list := objects(t)
	for _, o := range list {
		byName[o.name()] = o
	}
	for _, o := range list {
		machine, encoding, _ := strings.Cut(o.variant, "-gcc-")
		compiler := "-gcc-"
		if encoding == "" {
			machine, encoding, _ = strings.Cut(o.variant, "-clang-")
			compiler = "-clang-"
		}
		reference, ok := byName[machine+compiler+"dwarf5/"+o.module]
		// link-time optimization changes which functions and parameters are left
		if !ok || reference.name() == o.name() || withoutTypes[o.variant] || strings.HasPrefix(encoding, "lto") {
			continue
		}
		t.Run(o.name(), func(t *testing.T) {
			want, err := encodeObject(reference)
			if err != nil {
				t.Fatal(err)
			}
			got, err := encodeObject(o)
			if err != nil {
				t.Fatal(err)
			}
			known, lossy := lost[o.name()]
			r := diff.Compare(got, want, diff.Options{})
			for i := range r.Entries {
				d := &r.Entries[i]
				switch {
				case strings.HasPrefix(d.Name, "DW_ATE_"): // what clang's DWARF 5 expressions compute with
				case lossy && (d.Name == "" || slices.Contains(known, d.Name)):
				default:
					t.Errorf("%s %s %s %s %v", d.Class, d.Kind, d.Name, d.Text, d.Details)
				}
			}
		})
	}
}

// TestPerCPUAgainstSymbols compares the DATASEC of per-CPU variables with the
// symbol table, which knows place and size of each.
func TestPerCPUAgainstSymbols(t *testing.T) {
	for _, o := range objects(t) {
		if o.module != "scopes" && o.module != "mixed" && o.module != "tags" {
			continue
		}
		t.Run(o.name(), func(t *testing.T) {
			type place struct{ off, size uint64 }
			want := map[place]string{}
			f, err := elf.Open(o.path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			symbols, err := f.Symbols()
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range symbols {
				if elf.ST_TYPE(s.Info) == elf.STT_OBJECT && int(s.Section) < len(f.Sections) && f.Sections[s.Section].Name == ".data..percpu" {
					name, _, _ := strings.Cut(s.Name, ".llvm.") // ThinLTO; kallsyms cuts it off
					want[place{s.Value - f.Sections[s.Section].Addr, s.Size}] = name
				}
			}
			blob, err := encodeObject(o)
			if err != nil {
				t.Fatal(err)
			}
			tab := blob.Table(nil)
			found := 0
			for id := tab.Start; id < tab.End(); id++ {
				typ := tab.At(id)
				if typ.Kind != btf.DataSec || tab.Name(typ.Name) != ".data..percpu" {
					continue
				}
				for _, m := range tab.MembersOf(typ) {
					found++
					at := place{uint64(m.Off), uint64(m.Bits)}
					if name := tab.Name(tab.At(m.Type).Name); want[at] != name {
						t.Errorf("%s at %d with %d bytes, the symbol table has %q there", name, at.off, at.size, want[at])
					}
				}
			}
			if found != len(want) || found == 0 {
				t.Errorf("%d variables, %d symbols", found, len(want))
			}
		})
	}
}
