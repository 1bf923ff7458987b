package encode

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"runtime/metrics"
	"strings"
	"testing"

	"mkbtf/internal/dwarftest"
	"mkbtf/internal/elfhdr/elftest"
)

// DWARF constants that these tests need.
const (
	dwTagCompileUnit, dwTagStruct, dwTagMember, dwTagPointer, dwTagTypedef = 0x11, 0x13, 0x0d, 0x0f, 0x16
	dwTagBase, dwTagImported, dwTagSubprogram, dwTagParameter              = 0x24, 0x3d, 0x2e, 0x05
	dwName, dwByteSize, dwEncoding, dwType, dwLocation, dwImport           = 0x03, 0x0b, 0x3e, 0x49, 0x38, 0x18
	dwLanguage                                                             = 0x13
	fData1, fData4, fStrp, fRef4, fRefAddr, fUdata                         = 0x0b, 0x06, 0x0e, 0x13, 0x10, 0x0f
)

type (
	attr  = dwarftest.Attr
	attrs = []dwarftest.Attr
)

var die = dwarftest.New

func named(s string) attr       { return attr{At: dwName, Form: fStrp, Value: s} }
func ref(d *dwarftest.DIE) attr { return attr{At: dwType, Form: fRef4, Value: d} }
func bytesOf(n int) attr        { return attr{At: dwByteSize, Form: fUdata, Value: n} }
func at(n int) attr             { return attr{At: dwLocation, Form: fUdata, Value: n} }
func integer() *dwarftest.DIE {
	return die(dwTagBase, attrs{named("int"), bytesOf(4), {At: dwEncoding, Form: fData1, Value: 5}})
}

func unit(d ...*dwarftest.DIE) *dwarftest.Unit {
	return &dwarftest.Unit{Version: 5, Root: die(dwTagCompileUnit, attrs{{At: dwLanguage, Form: fData1, Value: 0x1d}, named("u.c")}, d...)}
}

// module wraps units in an ELF file.
func module(units ...*dwarftest.Unit) []byte {
	s := (&dwarftest.Builder{Order: binary.LittleEndian, Units: units}).Build()
	return wrap(map[string][]byte{".debug_info": s.Info, ".debug_abbrev": s.Abbrev, ".debug_str": s.Str})
}

func wrap(sections map[string][]byte, more ...elftest.Section) []byte {
	f := elftest.File{Machine: elf.EM_X86_64}
	for _, name := range []string{".debug_info", ".debug_abbrev", ".debug_str", ".debug_loclists", ".debug_rnglists", ".text"} {
		if data := sections[name]; data != nil {
			f.Sections = append(f.Sections, elftest.Section{Name: name, Data: data})
		}
	}
	f.Sections = append(f.Sections, more...)
	return f.Bytes()
}

func growthCases() map[string]func(n int) []byte {
	return map[string]func(n int) []byte{
		"structs of one name": func(n int) []byte {
			i := integer()
			d := []*dwarftest.DIE{i}
			for k := range n {
				d = append(d, die(dwTagStruct, attrs{named("s"), bytesOf(8 + k)}, die(dwTagMember, attrs{named("m"), ref(i), at(k)})))
			}
			return module(unit(d...))
		},
		"units with a struct of one name each": func(n int) []byte {
			var us []*dwarftest.Unit
			for k := range n {
				i := integer()
				s := die(dwTagStruct, attrs{named("s"), bytesOf(8 + k)}, die(dwTagMember, attrs{named("m"), ref(i), at(k)}))
				p := die(dwTagPointer, attrs{ref(s)})
				us = append(us, unit(i, s, p, die(dwTagStruct, attrs{named("t"), bytesOf(8)}, die(dwTagMember, attrs{named("p"), ref(p), at(0)}))))
			}
			return module(us...)
		},
		"typedefs of typedefs": func(n int) []byte {
			d := []*dwarftest.DIE{integer()}
			for k := range n {
				d = append(d, die(dwTagTypedef, attrs{named(fmt.Sprint("t", k)), ref(d[k])}))
			}
			return module(unit(d...))
		},
		"pointers to pointers": func(n int) []byte {
			d := []*dwarftest.DIE{integer()}
			for k := range n {
				d = append(d, die(dwTagPointer, attrs{ref(d[k])}))
			}
			return module(unit(d...))
		},
		"structs in structs": func(n int) []byte {
			d := []*dwarftest.DIE{integer()}
			for k := range n {
				d = append(d, die(dwTagStruct, attrs{bytesOf(4)}, die(dwTagMember, attrs{named("m"), ref(d[k]), at(0)})))
			}
			return module(unit(d...))
		},
		"members, backwards": func(n int) []byte {
			i := integer()
			s := die(dwTagStruct, attrs{named("s"), bytesOf(4 * n)})
			for k := range n {
				s.Add(die(dwTagMember, attrs{named(fmt.Sprint("m", k)), ref(i), at(4 * (n - k - 1))}))
			}
			return module(unit(i, s))
		},
		"abbreviation tables that overlap": func(n int) []byte {
			var abbrev, info []byte
			var starts []int
			for k := range 10 * n {
				starts = append(starts, len(abbrev))
				abbrev = dwarftest.AppendULEB(abbrev, uint64(k+1))
				abbrev = append(abbrev, dwTagPointer, 0, 0, 0)
			}
			abbrev = append(abbrev, 0)
			le := binary.LittleEndian
			for k := range n {
				info = le.AppendUint32(info, 8+1)
				info = le.AppendUint16(info, 5)
				info = append(info, 1, 8)
				info = le.AppendUint32(info, uint32(starts[k]))
				info = append(info, 0)
			}
			return wrap(map[string][]byte{".debug_info": info, ".debug_abbrev": abbrev})
		},
		"names that overlap": func(n int) []byte {
			str := append(bytes.Repeat([]byte("a"), 50*n), 0)
			i := integer()
			d := []*dwarftest.DIE{i}
			for range n {
				d = append(d, die(dwTagTypedef, attrs{{At: dwName, Form: fData4, Value: 0}, ref(i)}))
			}
			s := (&dwarftest.Builder{Order: binary.LittleEndian, Units: []*dwarftest.Unit{unit(d...)}}).Build()
			// Names are data4 for the builder: make strp of it, and offsets that all differ.
			s.Abbrev = bytes.ReplaceAll(s.Abbrev, []byte{dwTagTypedef, 0, dwName, fData4}, []byte{dwTagTypedef, 0, dwName, fStrp})
			for k := 1; k <= n; k++ {
				binary.LittleEndian.PutUint32(s.Info[d[k].Offset()+1:], uint32(k+10))
			}
			return wrap(map[string][]byte{".debug_info": s.Info, ".debug_abbrev": s.Abbrev, ".debug_str": append(s.Str, str...)})
		},
		"units that import each other": func(n int) []byte {
			var us []*dwarftest.Unit
			for range n {
				us = append(us, unit(integer()))
			}
			for k, u := range us {
				u.Root.Add(die(dwTagImported, attrs{{At: dwImport, Form: fRefAddr, Value: us[(k+1)%n].Root}}))
			}
			return module(us...)
		},
		"relocation sections": func(n int) []byte {
			s := (&dwarftest.Builder{Order: binary.LittleEndian, Units: []*dwarftest.Unit{unit(integer())}}).Build()
			more := []elftest.Section{
				{Name: ".strtab", Type: elf.SHT_STRTAB, Data: []byte{0}},
				{Name: ".symtab", Type: elf.SHT_SYMTAB, Data: make([]byte, 24*10*n), Link: 4, EntSize: 24},
			}
			for range n {
				more = append(more, elftest.Section{Name: ".rela.debug_info", Type: elf.SHT_RELA, Data: make([]byte, 24), Link: 5, Info: 1, EntSize: 24})
			}
			return wrap(map[string][]byte{".debug_info": s.Info, ".debug_abbrev": s.Abbrev, ".debug_str": s.Str}, more...)
		},
		"functions of one name": func(n int) []byte {
			i := integer()
			d := []*dwarftest.DIE{i}
			for range n {
				d = append(d, die(dwTagSubprogram, attrs{named("f"), ref(i)}, die(dwTagParameter, attrs{named("p"), ref(i)})))
			}
			return module(unit(d...))
		},
		"parameters": func(n int) []byte {
			i := integer()
			f := die(dwTagSubprogram, attrs{named("f"), ref(i)})
			for k := range n {
				f.Add(die(dwTagParameter, attrs{named(fmt.Sprint("p", k)), ref(i)}))
			}
			return module(unit(i, f))
		},
		"one long name": func(n int) []byte {
			i := integer()
			return module(unit(i, die(dwTagStruct, attrs{named(strings.Repeat("x", 100*n)), bytesOf(4)}, die(dwTagMember, attrs{named("m"), ref(i), at(0)}))))
		},
	}
}

// TestGrowth encodes files that are made to take more time or memory than they are
// worth. What is asserted is memory; time shows by the test not ending.
func TestGrowth(t *testing.T) {
	const n = 10000
	e, err := New(Options{Form: SelfContained, Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]string{"abbreviation tables that overlap": "overlap", "relocation sections": "more than 16 sections of relocations"}
	for name, build := range growthCases() {
		t.Run(name, func(t *testing.T) {
			data := build(n)
			before := allocated()
			_, err := e.Bytes("x.ko", data, false)
			if got, most := allocated()-before, uint64(64<<20+100*len(data)); got > most {
				t.Errorf("%d bytes allocated for a file of %d", got, len(data))
			}
			switch want := refused[name]; {
			case want == "" && err != nil:
				t.Error(err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

// allocated is how many bytes were allocated since the program began.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
