package object

import (
	"bytes"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"mkbtf/dwarf2btf"
	"mkbtf/internal/elfhdr/elftest"
)

// compile makes a.o out of source and returns its path.
func compile(t *testing.T, compiler string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, dir, "a.c", source)
	run(t, dir, compiler, append(flags, "-c", "a.c", "-o", "a.o")...)
	return filepath.Join(dir, "a.o")
}

func sourceOf(t *testing.T, path string) *dwarf2btf.Source {
	t.Helper()
	src, err := open(t, path).Source()
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// whole returns a debug section with relocations applied.
func whole(t *testing.T, s dwarf2btf.Section) []byte {
	t.Helper()
	if s == nil {
		return nil
	}
	b, err := s.Read(0, s.Size(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSource holds sections, symbols and DWARF entries against debug/elf.
func TestSource(t *testing.T) {
	for _, tt := range []struct{ compiler, flags string }{
		{"gcc", "-O2 -ffunction-sections"},
		{"clang", "-O2"},
		{"i686-linux-gnu-gcc", "-O1"},
		{"s390x-linux-gnu-gcc", "-O2"},
		{"powerpc64le-linux-gnu-gcc", "-O2"},
	} {
		t.Run(tt.compiler, func(t *testing.T) {
			path := compile(t, tt.compiler, append(strings.Fields(tt.flags), "-g", "-fno-pic")...)
			src := sourceOf(t, path)
			want, err := elf.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			if src.Machine != want.Machine || src.Order.String() != want.ByteOrder.String() || src.AddrSize != 4*int(want.Class) {
				t.Errorf("%v %v %d, want %+v", src.Machine, src.Order, src.AddrSize, want.FileHeader)
			}
			ends := map[uint64]bool{}
			for i, s := range want.Sections {
				got := src.Sections[i]
				if i > 0 && (got.Name != s.Name || got.Type != s.Type || got.Flags != s.Flags || got.Size != s.Size) {
					t.Errorf("section %d: %+v, want %+v", i, got, s.SectionHeader)
				}
				loaded := s.Flags&elf.SHF_ALLOC != 0
				if loaded != (got.Addr >= firstAddress) || s.Addralign > 0 && got.Addr%s.Addralign != 0 || loaded && ends[got.Addr] {
					t.Errorf("section %d (%s) is at %#x", i, s.Name, got.Addr)
				}
				ends[got.Addr+got.Size] = true
			}
			compareSymbols(t, src, want)
			d, err := want.DWARF()
			if err != nil {
				t.Fatal(err)
			}
			ranges, err := open(t, path).DataOf(".debug_rnglists")
			if err != nil {
				t.Fatal(err)
			}
			compareEntries(t, src, ranges, d)
		})
	}
}

// allSymbols lists the symbols of a source.
func allSymbols(t *testing.T, src *dwarf2btf.Source) (list dwarf2btf.SymbolList) {
	t.Helper()
	if src.Symbols == nil {
		return nil
	}
	for y, err := range src.Symbols.All(func(*dwarf2btf.Symbol) bool { return true }) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, y)
	}
	if n := src.Symbols.Len(); n < len(list) {
		t.Fatalf("%d symbols of at most %d", len(list), n)
	}
	return list
}

func compareSymbols(t *testing.T, src *dwarf2btf.Source, want *elf.File) {
	t.Helper()
	symbols, err := want.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	i, list := 0, allSymbols(t, src)
	for _, w := range symbols {
		ids := int(w.Section) < len(want.Sections) && want.Sections[w.Section].Name == ".BTF_ids"
		if typ := elf.ST_TYPE(w.Info); w.Section == elf.SHN_UNDEF || typ != elf.STT_FUNC && typ != elf.STT_OBJECT && !ids {
			continue
		}
		if i >= len(list) {
			t.Fatalf("only %d symbols", i)
		}
		s := list[i]
		i++
		section, addr := int(w.Section), w.Value
		if w.Section >= elf.SHN_LORESERVE {
			section = -1
		} else {
			addr += src.Sections[section].Addr
		}
		got := fmt.Sprint(string(s.Name), s.Addr, s.Value, s.Size, s.Type, s.Bind, s.Section)
		if exp := fmt.Sprint(w.Name, addr, w.Value, w.Size, elf.ST_TYPE(w.Info), elf.ST_BIND(w.Info), section); got != exp {
			t.Errorf("symbol %s, want %s", got, exp)
		}
	}
	if i != len(list) || i == 0 {
		t.Errorf("%d symbols, want %d", len(list), i)
	}
}

// compareEntries walks the DWARF that debug/elf has relocated and our own.
func compareEntries(t *testing.T, src *dwarf2btf.Source, ranges []byte, want *dwarf.Data) {
	t.Helper()
	got, err := dwarf.New(whole(t, src.Abbrev[0]), nil, nil, whole(t, src.Info[0]), nil, nil, nil, whole(t, src.Str))
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]dwarf2btf.Section{".debug_line_str": src.LineStr, ".debug_str_offsets": src.StrOffsets, ".debug_addr": src.Addr} {
		if err := got.AddSection(name, whole(t, s)); s != nil && err != nil {
			t.Fatal(err)
		}
	}
	if err := got.AddSection(".debug_rnglists", ranges); err != nil {
		t.Fatal(err)
	}
	a, b := got.Reader(), want.Reader()
	n, moved := 0, false
	for ; ; n++ {
		x, err := a.Next()
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.Next()
		if err != nil {
			t.Fatal(err)
		}
		if x == nil || y == nil {
			if x != y {
				t.Errorf("one has fewer than the other, from entry %d on", n)
			}
			break
		}
		if x.Tag != y.Tag || len(x.Field) != len(y.Field) {
			t.Fatalf("entry at %#x: %v, want %v", x.Offset, x, y)
		}
		for i := range x.Field {
			switch f, w := x.Field[i], y.Field[i]; {
			case f.Class == dwarf.ClassAddress:
				// debug/elf leaves sections at 0.
				if by := f.Val.(uint64) - w.Val.(uint64); by != 0 && !slices.ContainsFunc(src.Sections, func(s dwarf2btf.ELFSection) bool { return s.Addr == by }) {
					t.Errorf("entry at %#x: address %#x, want %#x and that of a section", x.Offset, f.Val, w.Val)
				}
				moved = moved || f.Val != w.Val
			case f.Class == dwarf.ClassExprLoc:
			case !reflect.DeepEqual(f, w):
				t.Fatalf("entry at %#x: %v, want %v", x.Offset, f, w)
			}
		}
	}
	if n < 20 || !moved {
		t.Errorf("%d entries, some with addresses: %v", n, moved)
	}
}

// TestCompressed reads compressed debug sections of every kind.
func TestCompressed(t *testing.T) {
	for _, compiler := range []string{"gcc", "i686-linux-gnu-gcc", "s390x-linux-gnu-gcc"} {
		plain := compile(t, compiler, "-g", "-O2")
		want := sourceOf(t, plain)
		for _, how := range []string{"zlib", "zlib-gnu", "zlib-gabi", "zstd"} {
			t.Run(compiler+" "+how, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "b.o")
				tool := strings.TrimSuffix(compiler, "gcc") + "objcopy"
				if help := run(t, "", tool, "--help"); !strings.Contains(help, how) {
					t.Skipf("%s does not know %s", tool, how)
				}
				run(t, "", tool, "--compress-debug-sections="+how, plain, path)
				got := sourceOf(t, path)
				for _, s := range [][2]dwarf2btf.Section{{got.Info[0], want.Info[0]}, {got.Abbrev[0], want.Abbrev[0]}, {got.Str, want.Str}, {got.Loclists, want.Loclists}} {
					if s[0] == nil || s[0].Size() != s[1].Size() || !bytes.Equal(whole(t, s[0]), whole(t, s[1])) {
						t.Errorf("%s differs", s[1].Name())
					}
				}
			})
		}
	}
}

// TestStripped: of a separate debug file the code is gone, of a stripped file the
// debug sections.
func TestStripped(t *testing.T) {
	path := compile(t, "gcc", "-g", "-O2")
	want := sourceOf(t, path)
	debug, bare := path+".debug", path+".bare"
	run(t, "", "objcopy", "--only-keep-debug", path, debug)
	run(t, "", "objcopy", "--strip-debug", path, bare)
	got := sourceOf(t, debug)
	if !bytes.Equal(whole(t, got.Info[0]), whole(t, want.Info[0])) {
		t.Error("the debug file has another .debug_info")
	}
	if s := sourceOf(t, bare); s.Info != nil || s.Str != nil {
		t.Error("the stripped file has debug sections")
	}
	if s := sourceOf(t, bare); len(allSymbols(t, s)) == 0 {
		t.Error("the stripped file has no symbols")
	}
}

// TestTypeUnits: type units lie in sections of their own, all of one name.
func TestTypeUnits(t *testing.T) {
	for _, version := range []string{"4", "5"} {
		src := sourceOf(t, compile(t, "gcc", "-gdwarf-"+version, "-fdebug-types-section"))
		if n := len(src.Info) + len(src.Types); n < 2 || (len(src.Types) > 0) != (version == "4") {
			t.Errorf("DWARF %s: %d .debug_info, %d .debug_types", version, len(src.Info), len(src.Types))
		}
		for _, s := range append(src.Info, src.Types...) {
			if b := whole(t, s); len(b) == 0 || int(binary.LittleEndian.Uint32(b)) > len(b) {
				t.Errorf("DWARF %s: %s starts with % x", version, s.Name(), b[:min(len(b), 8)])
			}
		}
	}
}

// TestManySections has more sections than 16 bits can count, so that symbols need
// SHT_SYMTAB_SHNDX and the headers extended numbering.
func TestManySections(t *testing.T) {
	const n = 66000
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ".section .s%d,\"aw\"\n.byte 1,2\ns%d: .byte 3\n", i, i)
	}
	fmt.Fprintf(&b, ".section .debug_info,\"\",@progbits\n.quad s0, s%d+1, s%d\n", n/2, n-1)
	dir := t.TempDir()
	writeFile(t, dir, "a.s", b.String())
	run(t, dir, "as", "--64", "a.s", "-o", "a.o")
	src := sourceOf(t, filepath.Join(dir, "a.o"))
	if len(src.Sections) < n {
		t.Fatalf("%d sections", len(src.Sections))
	}
	addr := map[string]uint64{}
	for _, s := range src.Sections {
		addr[s.Name] = s.Addr
	}
	last := fmt.Sprint("s", n-1)
	want := le64(addr[".s0"]+2, addr[fmt.Sprint(".s", n/2)]+3, addr["."+last]+2)
	if got := whole(t, src.Info[0]); !bytes.Equal(got, want) {
		t.Errorf("got  % x\nwant % x", got, want)
	}
	for _, s := range allSymbols(t, src) {
		if string(s.Name) == last && (src.Sections[s.Section].Name != "."+last || s.Addr != addr["."+last]+2) {
			t.Errorf("%+v lies in %s", s, src.Sections[s.Section].Name)
		}
	}
}

// TestConcurrentReads is for the race detector.
func TestConcurrentReads(t *testing.T) {
	path := compile(t, "gcc", "-g", "-gz=zlib")
	src := sourceOf(t, path)
	want := whole(t, sourceOf(t, path).Info[0])
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for off := range src.Info[0].Size() / 16 {
				if b, err := src.Info[0].Read(off*16, 16, nil); err != nil || !bytes.Equal(b, want[off*16:off*16+16]) {
					t.Errorf("at %#x: % x, %v", off*16, b, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestTruncated cuts a file at every length.
func TestTruncated(t *testing.T) {
	obj := relObject{machine: elf.EM_X86_64, data: make([]byte, 64), rels: []rel{{0, symText, uint32(elf.R_X86_64_64), 0}}}.bytes()
	for n := range obj {
		if _, err := OpenBytes("cut.ko", obj[:n]); err == nil {
			t.Fatalf("%d of %d bytes: no error", n, len(obj))
		} else if n >= 64 && !errors.Is(err, ErrTruncated) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

// TestTruncatedSection has the section headers in place and a section cut short,
// which is what a download that was continued at the wrong place looks like.
func TestTruncatedSection(t *testing.T) {
	f := elftest.File{Sections: []elftest.Section{{Name: ".BTF", Data: []byte("btf"), Size: 5 << 20}}}
	o, err := OpenBytes("vmlinux", f.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.BTF()
	want := fmt.Sprintf("vmlinux: section .BTF ends at %d, the file at %d: truncated", 64+5<<20, len(f.Bytes()))
	if fmt.Sprint(err) != want || !errors.Is(err, ErrTruncated) {
		t.Errorf("error %q, want %q", err, want)
	}
}

// TestBombs: what claims to decompress to very much is refused.
func TestBombs(t *testing.T) {
	header := func(kind elf.CompressionType, size uint64) []byte {
		return le64(uint64(kind), size, 1)
	}
	zeros := compressZeros(t, 32<<20)
	tests := []struct {
		name     string
		sections int
		data     []byte
		want     string
	}{
		{"as it claims", 1, append(header(elf.COMPRESS_ZSTD, 32<<20), zeros...), ""},
		{"more than it claims", 1, append(header(elf.COMPRESS_ZSTD, 1000), zeros...), "cannot decompress"},
		{"less than it claims", 1, append(header(elf.COMPRESS_ZSTD, 33<<20), zeros...), "decompresses to"},
		{"too large", 1, append(header(elf.COMPRESS_ZSTD, 1<<40), zeros...), "too much"},
		{"too many", 3, append(header(elf.COMPRESS_ZSTD, 32<<20), zeros...), "too much"},
		{"garbage", 1, append(header(elf.COMPRESS_ZLIB, 100), "no zlib stream"...), "cannot decompress"},
		{"unknown method", 1, append(header(77, 100), "stream"...), "unknown way 77"},
		{"short header", 1, header(elf.COMPRESS_ZLIB, 100)[:20], "20 bytes, the header"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f elftest.File
			for range tt.sections {
				f.Sections = append(f.Sections, elftest.Section{Name: ".debug_info", Flags: elf.SHF_COMPRESSED, Data: tt.data})
			}
			o, err := OpenBytes("bomb.o", f.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			src, err := o.Source()
			for i := 0; err == nil && i < len(src.Info); i++ {
				_, err = src.Info[i].Read(0, min(8, src.Info[i].Size()), nil)
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestAddressSpace: sections too large to be given addresses are an error, not an
// overlap.
func TestAddressSpace(t *testing.T) {
	for _, class := range []elf.Class{elf.ELFCLASS32, elf.ELFCLASS64} {
		f := elftest.File{Class: class, Sections: []elftest.Section{
			{Name: ".a", Type: elf.SHT_NOBITS, Flags: elf.SHF_ALLOC, Size: 0xfff00000},
			{Name: ".b", Type: elf.SHT_NOBITS, Flags: elf.SHF_ALLOC, Size: 0xfff00000},
		}}
		if class == elf.ELFCLASS64 {
			f.Sections[1].Size = ^uint64(0) - 5
		}
		o, err := OpenBytes("huge.o", f.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Source(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%v: error %v", class, err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil || errors.Is(err, ErrNotELF) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := Open(writeFile(t, t.TempDir(), "x", "text")); !errors.Is(err, ErrNotELF) {
		t.Errorf("a text: %v", err)
	}
	if _, err := Open(writeFile(t, t.TempDir(), "x", "")); !errors.Is(err, ErrNotELF) {
		t.Errorf("an empty file: %v", err)
	}
}
