package dwarf2btf

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/dwarftest"
)

// function is one subprogram for TestSelect.
type function struct {
	lowPC  int
	params []*dwarftest.DIE
}

// TestSelect gives functions of the name f, and their symbols, and what is
// decided about them.
func TestSelect(t *testing.T) {
	i := intDIE()
	ptr := die(tagPointerType, nil)
	cptr := die(tagConstType, attrs{typ(ptr)})
	big := die(tagStructureType, attrs{name("three_words"), size(24)})
	// param is a parameter in a register; -1: it has no location.
	param := func(n string, of *dwarftest.DIE, reg int) *dwarftest.DIE {
		a := attrs{name(n), typ(of)}
		if reg >= 0 {
			a = append(a, expr(atLocation, byte(0x50+reg)))
		}
		return die(tagFormalParameter, a)
	}
	type symbol struct {
		name string
		addr uint64
	}
	plain := []symbol{{"f", 0x1000}}
	const rdi, rsi, rdx, rbx = 5, 4, 1, 3
	tests := []struct {
		name    string
		fns     []function
		symbols []symbol
		reason  Reason
		lowPC   uint64 // of the chosen one
	}{
		{"plain", []function{{0x1000, []*dwarftest.DIE{param("a", i, rdi), param("b", ptr, rsi)}}}, plain, Selected, 0x1000},
		{"no parameters", []function{{0x1000, nil}}, plain, Selected, 0x1000},
		{"unexpected register", []function{{0x1000, []*dwarftest.DIE{param("a", i, rdi), param("b", i, rbx)}}}, plain, SkipWrongRegister, 0x1000},
		{"a struct hides registers", []function{{0x1000, []*dwarftest.DIE{param("s", big, -1), param("b", i, rbx)}}}, plain, Selected, 0x1000},
		{"memory takes no register", []function{{0x1000, []*dwarftest.DIE{param("s", big, -1), param("b", i, rdi)}}}, plain, Selected, 0x1000},
		{"lost parameter without a copy", []function{{0x1000, []*dwarftest.DIE{param("a", i, -1)}}}, plain, Selected, 0x1000},
		{"lost parameter in a copy", []function{{0x1000, []*dwarftest.DIE{param("a", i, -1)}}}, []symbol{{"f.isra.0", 0x1000}}, SkipOptimized, 0x1000},
		{"complete copy", []function{{0x1000, []*dwarftest.DIE{param("a", i, rdi)}}}, []symbol{{"f.constprop.0", 0x1000}}, SkipCopy, 0x1000},
		{"complete copy beside the function", []function{{0x2000, []*dwarftest.DIE{param("a", i, rdi)}}, {0x1000, []*dwarftest.DIE{param("a", i, rdi)}}}, []symbol{{"f", 0x1000}, {"f.constprop.0", 0x2000}}, Selected, 0x1000},
		{"lossy copy beside the function", []function{{0x2000, []*dwarftest.DIE{param("a", i, -1)}}, {0x1000, []*dwarftest.DIE{param("a", i, rdi)}}}, []symbol{{"f", 0x1000}, {"f.constprop.0", 0x2000}}, Selected, 0x1000},
		{"part with a register of its own", []function{{0x2000, []*dwarftest.DIE{param("b", i, rbx)}}, {0x1000, []*dwarftest.DIE{param("a", i, rdi), param("b", i, rsi)}}}, []symbol{{"f", 0x1000}, {"f.part.0", 0x2000}}, Selected, 0x1000},
		{"cold part", []function{{0x1000, nil}}, []symbol{{"f", 0x1000}, {"f.cold", 0x2000}}, Selected, 0x1000},
		{"two places", []function{{0x1000, nil}, {0x2000, nil}}, []symbol{{"f", 0x1000}, {"f", 0x2000}}, SkipAmbiguous, 0x1000},
		{"one place, two symbols", []function{{0x1000, nil}}, []symbol{{"f", 0x1000}, {"f", 0x1000}}, Selected, 0x1000},
		{"other prototype, inlined everywhere", []function{{0, []*dwarftest.DIE{param("a", i, -1)}}, {0x1000, nil}}, plain, Selected, 0x1000},
		{"other prototype, overridden", []function{{0x2000, []*dwarftest.DIE{param("a", i, rdi)}}, {0x1000, nil}}, plain, Selected, 0x1000},
		{"other prototype for the same code", []function{{0x1000, nil}, {0x1000, []*dwarftest.DIE{param("a", i, rdi)}}}, plain, SkipInconsistent, 0x1000},
		{"prototype that differs in const", []function{{0x1000, []*dwarftest.DIE{param("a", ptr, rdi)}}, {0x1000, []*dwarftest.DIE{param("b", cptr, rdi)}}}, plain, Selected, 0x1000},
		{"static in a whole program", []function{{0x1000, nil}}, []symbol{{"f.llvm.123", 0x1000}}, Selected, 0x1000},
		{"chosen by address", []function{{0x3000, nil}, {0x1000, nil}}, plain, Selected, 0x1000},
		{"folded into another function", []function{{0, []*dwarftest.DIE{param("a", i, -1)}}}, []symbol{{"f", 0x40ff}}, Selected, 0},
		{"folded, with two prototypes", []function{{0, []*dwarftest.DIE{param("a", i, -1)}}, {0, nil}}, []symbol{{"f", 0x4010}}, SkipInconsistent, 0},
		{"code without debug information", []function{{0, nil}, {0x3000, nil}}, plain, SkipUnknown, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dies := []*dwarftest.DIE{i, ptr, cptr, big, die(tagSubprogram, attrs{name("other"), {At: atLowPC, Form: formAddr, Value: 0x4000}})}
			for _, f := range tt.fns {
				a := attrs{name("f"), typ(i)}
				if f.lowPC != 0 {
					a = append(a, attr{At: atLowPC, Form: formAddr, Value: f.lowPC})
				}
				dies = append(dies, die(tagSubprogram, a, f.params...))
			}
			u := cUnit(5, dies...)
			u.Root.Attrs = append(u.Root.Attrs, attr{At: atLowPC, Form: formAddr, Value: 0x4000}, attr{At: atHighPC, Form: formData2, Value: 0x100})
			src := builtSource((&dwarftest.Builder{Order: binary.LittleEndian, Units: []*dwarftest.Unit{u}}).Build(), binary.LittleEndian)
			var symbols SymbolList
			for _, s := range append(tt.symbols, symbol{"other", 0x4000}) {
				symbols = append(symbols, Symbol{Name: []byte(s.name), Addr: s.addr, Type: elf.STT_FUNC})
			}
			src.Symbols = symbols
			var list []Candidate
			c := convertAll(t, src, DefaultOptions(), func(u *Unit) {
				if err := checkUnit(u); err != nil {
					t.Error(err)
				}
				list = u.AppendCandidates(list, 0)
			})
			got := SelectFunctions(c.Symbols(), list, SelectOptions{Consistent: true})
			if len(got) != 2 || !got[0].Written() {
				t.Fatalf("verdicts %+v, want two, the first of them good", got)
			}
			if v := got[1]; v.Reason != tt.reason || list[v.Chosen].LowPC != tt.lowPC {
				t.Errorf("%q at %#x, want %q at %#x", v.Reason, list[v.Chosen].LowPC, tt.reason, tt.lowPC)
			}
		})
	}
}

// TestSubprograms checks which DIEs become candidates.
func TestSubprograms(t *testing.T) {
	i := intDIE()
	inline := die(tagSubprogram, attrs{name("inlined"), typ(i)}, die(tagFormalParameter, attrs{name("p"), typ(i)}), die(tagFormalParameter, attrs{name("q"), typ(i)}))
	p, q := inline.Children[0], inline.Children[1]
	of := func(d *dwarftest.DIE) attr { return attr{At: atAbstractOrigin, Form: formRef4, Value: d} }
	lowPC := func(n int) attr { return attr{At: atLowPC, Form: formAddrx, Value: n} }
	dies := []*dwarftest.DIE{
		i, inline,
		die(tagSubprogram, attrs{of(inline), lowPC(0x10)}, die(tagFormalParameter, attrs{of(p)}), die(tagFormalParameter, attrs{of(q)}), die(tagFormalParameter, attrs{of(p)})),
		die(tagSubprogram, attrs{name("swapped"), typ(i)}, die(tagFormalParameter, attrs{of(q)}), die(tagFormalParameter, attrs{of(p)})),
		die(tagSubprogram, attrs{name("declared"), flag(atDeclaration)}),
		die(tagSubprogram, attrs{name("nameless_parameter")}, die(tagFormalParameter, attrs{typ(i)})),
		die(tagSubprogram, attrs{name("without_symbol")}),
		die(tagSubprogram, attrs{name("bad-name")}),
		die(tagSubprogram, attrs{name("varargs"), flag(atExternal), {At: atLinkageName, Form: formString, Value: "varargs_linkage"}}, die(tagFormalParameter, attrs{name("f"), typ(i)}), die(tagUnspecifiedParameters, nil)),
		die(tagSubprogram, attrs{name("behind_dots")}, die(tagUnspecifiedParameters, nil), die(tagFormalParameter, attrs{name("f"), typ(i)})),
		die(tagSubprogram, attrs{name("outer")}, die(tagFormalParameter, attrs{name("a"), typ(i)}),
			die(tagSubprogram, attrs{name("nested")}, die(tagFormalParameter, attrs{name("n"), typ(i)})), die(tagFormalParameter, attrs{name("b"), typ(i)})),
	}
	u := cUnit(5, dies...)
	u.Root.Attrs = append(u.Root.Attrs, attr{At: atAddrBase, Form: formSecOffset, Value: u.AddrBase()})
	src := builtSource((&dwarftest.Builder{Order: binary.LittleEndian, Units: []*dwarftest.Unit{u}}).Build(), binary.LittleEndian)
	var symbols SymbolList
	for _, n := range []string{"inlined", "swapped", "declared", "nameless_parameter", "bad-name", "varargs", "behind_dots", "outer", "nested"} {
		symbols = append(symbols, Symbol{Name: []byte(n), Type: elf.STT_FUNC})
	}
	src.Symbols = symbols
	got := map[string]bool{}
	opts := DefaultOptions()
	opts.Explain = true
	convertAll(t, src, opts, func(u *Unit) {
		set := map[string]bool{}
		renderUnit(u, set)
		for s := range set {
			if strings.HasPrefix(s, "FUNC") {
				got[s] = true
			}
		}
		for _, f := range u.Functions {
			switch n := u.Table.Name(f.Name); {
			case n == "swapped" && (f.Flags&FuncReordered == 0 || f.Why != "parameter 'q' was number 2 and is number 1"):
				t.Errorf("swapped: flags %#x, %q", f.Flags, f.Why)
			case n == "inlined" && f.Flags&FuncReordered != 0:
				t.Error("inlined: a repeated parameter counts as reordered")
			case n == "inlined" && f.LowPC != 0 && f.LowPC != 0x10:
				t.Errorf("inlined: address %#x", f.LowPC)
			case n == "varargs" && (f.Flags&FuncExternal == 0 || u.Table.Name(f.Linkage) != "varargs_linkage"):
				t.Errorf("varargs: flags %#x, linkage name %q", f.Flags, u.Table.Name(f.Linkage))
			}
		}
		if len(u.Functions) != 6 {
			t.Errorf("%d candidates, want 6", len(u.Functions))
		}
	})
	wantTypes(t, got,
		"FUNC inlined func(p int/4/0x1000020, q int/4/0x1000020) int/4/0x1000020",
		"FUNC swapped func(q int/4/0x1000020, p int/4/0x1000020) int/4/0x1000020",
		"FUNC varargs func(f int/4/0x1000020,  void) void",
		"FUNC outer func(a int/4/0x1000020, b int/4/0x1000020) void",
		"FUNC nested func(n int/4/0x1000020) void")
}

// TestVariables checks which variables are in which scope.
func TestVariables(t *testing.T) {
	i := intDIE()
	exactly := func(lo, hi byte) attr { return block1(atLocation, 3, lo, hi, 0, 0, 0, 0, 0, 0) }
	at := func(addr byte) attr { return exactly(0, addr) }
	decl := die(tagVariable, attrs{name("split"), typ(i), flag(atExternal), flag(atDeclaration)})
	empty := die(tagStructureType, attrs{name("empty"), size(0)})
	u := cUnit(5, i, decl, empty,
		die(tagVariable, attrs{name("percpu"), typ(i), flag(atExternal), at(0x11)}),
		die(tagVariable, attrs{name("data"), typ(i), at(0x21)}),
		die(tagVariable, attrs{{At: atSpecification, Form: formRef4, Value: decl}, at(0x12)}),
		die(tagVariable, attrs{name("indexed"), typ(i), expr(atLocation, 0xa1, 0)}),
		die(tagVariable, attrs{name("merged"), typ(i), expr(atLocation, 0xa1, 0, 0x23, 8)}),
		die(tagVariable, attrs{name("nowhere"), typ(i), at(0x70)}),
		die(tagVariable, attrs{name("__UNIQUE_ID_x"), typ(i), at(0x11)}),
		die(tagVariable, attrs{name("no$name"), typ(i), at(0x11)}),
		die(tagVariable, attrs{name("empty"), typ(empty), at(0x11)}),
		die(tagVariable, attrs{name("artificial"), typ(i), at(0x11), flag(atArtificial)}),
		die(tagVariable, attrs{name("discarded"), typ(i), at(0x10)}),
		die(tagVariable, attrs{name("first"), typ(i), at(0x10)}),
		die(tagVariable, attrs{name("unplaced"), typ(i)}),
		die(tagVariable, attrs{name("count"), typ(i), exactly(0x20, 0x12)}),
		die(tagVariable, attrs{name("renamed"), typ(i), exactly(0x30, 0x12)}),
		die(tagVariable, attrs{name("strange"), typ(i), exactly(0x40, 0x12)}),
		die(tagSubprogram, attrs{name("f")}, die(tagVariable, attrs{name("local_static"), typ(i), at(0x11)})),
		die(tagVariable, attrs{{At: atAddrBase, Form: formAddrx, Value: 0x1180}})) // fills .debug_addr
	b := dwarftest.Builder{Order: binary.LittleEndian, Units: []*dwarftest.Unit{u}}
	src := builtSource(b.Build(), binary.LittleEndian)
	src.Sections = []ELFSection{{}, {Name: perCPUSection, Type: elf.SHT_PROGBITS, Flags: elf.SHF_ALLOC, Addr: 0x1000, Size: 0x300}, {Name: ".data", Type: elf.SHT_NOBITS, Flags: elf.SHF_ALLOC, Addr: 0x2000, Size: 0x200}}
	symbols := SymbolList{{Name: []byte("first"), Addr: 0x1000, Type: elf.STT_OBJECT, Section: 1}}
	for _, s := range []struct {
		name string
		addr uint64
	}{{"percpu", 0x1100}, {"an_alias", 0x1100}, {"split.llvm.123", 0x1200}, {"count.1", 0x1220}, {"prefix_renamed", 0x1230}, {"$", 0x1240}} {
		symbols = append(symbols, Symbol{Name: []byte(s.name), Addr: s.addr, Type: elf.STT_OBJECT, Section: 1})
	}
	src.Symbols = symbols
	percpu := []string{
		"VAR percpu int/4/0x1000020 external true", "VAR split int/4/0x1000020 external true", "VAR indexed int/4/0x1000020 external false", "VAR merged int/4/0x1000020 external false", "VAR first int/4/0x1000020 external false",
		// these have the names of their symbols
		"VAR count.1 int/4/0x1000020 external false", "VAR prefix_renamed int/4/0x1000020 external false", "VAR strange int/4/0x1000020 external false",
	}
	for scope, want := range map[VariableScope][]string{
		NoVariables: nil, PerCPUVariables: percpu, AllVariables: append([]string{"VAR data int/4/0x1000020 external false"}, percpu...),
	} {
		opts := DefaultOptions()
		opts.Variables = scope
		got := map[string]bool{}
		convertAll(t, src, opts, func(u *Unit) {
			set := map[string]bool{}
			renderUnit(u, set)
			for s := range set {
				if strings.HasPrefix(s, "VAR") {
					got[s] = true
				}
			}
			for _, v := range u.Variables {
				if n := u.Table.Name(v.Name); n == "merged" && v.Addr != 0x1188 {
					t.Errorf("merged at %#x, want 0x1188", v.Addr)
				}
			}
		})
		wantTypes(t, got, want...)
	}
}

// TestPahole compares with the reference encoder, where it is installed, on every
// fixture that it can convert. Candidates for functions are a superset of what it
// writes.
func TestPahole(t *testing.T) {
	pahole, err := exec.LookPath("pahole")
	if err != nil {
		t.Skip("pahole is not installed")
	}
	files, err := filepath.Glob("../testdata/obj/*/*.ko")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	compared := 0
	for _, file := range files {
		variant := filepath.Base(filepath.Dir(file))
		if strings.Contains(variant, "typeunits") || strings.Contains(variant, "-lto") || strings.Contains(variant, "zlib-gnu") {
			continue // it loses types there; the last is for internal/object
		}
		out := filepath.Join(t.TempDir(), "btf")
		exec.Command(pahole, "-J", "--btf_gen_all", "--lang_exclude=rust,c++", "--btf_encode_detached="+out, file).Run() // it fails with status 0 as well
		raw, err := os.ReadFile(out)
		if err != nil {
			continue
		}
		t.Run(variant+"/"+filepath.Base(file), func(t *testing.T) {
			b, err := btf.Parse(raw, nil)
			if errors.Is(err, btf.ErrTruncated) || err != nil {
				t.Skip("pahole wrote no BTF:", err)
			}
			theirs := map[string]bool{}
			table := b.Table(nil)
			renderTypes(table, table.End(), theirs)
			ours := map[string]bool{}
			convertAll(t, elfSource(t, file), DefaultOptions(), func(u *Unit) {
				if err := checkUnit(u); err != nil {
					t.Errorf("unit %s: %v", u.Name, err)
				}
				renderTypes(u.Table, u.Table.End(), ours)
				renderUnit(u, ours)
			})
			for _, s := range missing(theirs, ours) {
				if !strings.HasPrefix(s, "decl_tag") {
					t.Errorf("lacks   %s", s)
				}
			}
			for _, s := range missing(ours, theirs) {
				if !strings.HasPrefix(s, "FUNC ") && !strings.HasPrefix(s, "VAR ") && !strings.HasPrefix(s, "decl_tag") && !strings.HasPrefix(s, "func(") {
					t.Errorf("besides %s", s)
				}
			}
			compared++
		})
	}
	if compared == 0 {
		t.Skip("this pahole converts none of the fixtures")
	}
}
