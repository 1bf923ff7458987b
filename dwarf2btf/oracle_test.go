package dwarf2btf

import (
	"debug/dwarf"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
)

// TestStandardLibrary holds the layout of every struct and union of the fixtures
// against debug/dwarf, which decodes attributes on its own.
func TestStandardLibrary(t *testing.T) {
	files, err := filepath.Glob("../testdata/obj/*/*.ko")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, file := range files {
		variant := filepath.Base(filepath.Dir(file))
		switch {
		case strings.Contains(variant, "typeunits"), strings.Contains(variant, "zlib-gnu"), strings.Contains(variant, "nodebug"),
			strings.Contains(variant, "split"), strings.Contains(variant, "-g1"), filepath.Base(file) == "tags.ko":
			continue // debug/dwarf, or the reader of these tests, does not know them
		case strings.Contains(variant, "riscv64"):
			continue // relocations that elfSource does not know
		case strings.Contains(variant, "mixed"):
			continue // C++ is left out here
		}
		t.Run(variant+"/"+filepath.Base(file), func(t *testing.T) {
			want := map[string]bool{}
			f, err := elf.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			d, err := f.DWARF()
			if err != nil {
				t.Skip("debug/elf:", err)
			}
			r := d.Reader()
			for {
				e, err := r.Next()
				if err != nil {
					t.Skip("debug/dwarf:", err)
				}
				if e == nil {
					break
				}
				if e.Tag != dwarf.TagStructType && e.Tag != dwarf.TagUnionType {
					continue
				}
				typ, err := d.Type(e.Offset)
				if err != nil {
					continue // it does not know atomic types
				}
				if s, ok := typ.(*dwarf.StructType); ok && !s.Incomplete {
					want[layoutOf(s, f.ByteOrder.String() == "BigEndian")] = true
				}
			}
			got := map[string]bool{}
			convertAll(t, elfSource(t, file), DefaultOptions(), func(u *Unit) {
				for i := range u.Table.Types {
					typ := &u.Table.Types[i]
					if !typ.Kind.IsComposite() {
						continue
					}
					s := fmt.Sprintf("%s %s %d", strings.ToLower(typ.Kind.String()), u.Table.Name(typ.Name), typ.Size)
					for _, m := range u.Table.MembersOf(typ) {
						s += fmt.Sprintf("; %d:%d %s", m.Off, m.Bits, u.Table.Name(m.Name))
					}
					got[s] = true
				}
			})
			for _, s := range missing(want, got) {
				// What does not fit beside bit-fields is left out.
				if !tooFarForBitFields(s) {
					t.Errorf("lacks %s", s)
				}
			}
			if len(want) == 0 {
				t.Error("debug/dwarf finds nothing")
			}
		})
	}
}

// layoutOf describes a struct with offsets in bits.
func layoutOf(s *dwarf.StructType, big bool) string {
	out := fmt.Sprintf("%s %s %d", s.Kind, s.StructName, s.ByteSize)
	for _, f := range s.Field {
		bit := f.ByteOffset * 8
		switch {
		case f.BitSize == 0:
		case f.DataBitOffset != 0:
			bit = f.DataBitOffset
		case f.ByteSize != 0 && big:
			bit += f.BitOffset
		case f.ByteSize != 0:
			bit += f.ByteSize*8 - f.BitOffset - f.BitSize
		}
		out += fmt.Sprintf("; %d:%d %s", bit, f.BitSize, f.Name)
	}
	return out
}

// tooFarForBitFields reports whether a described member lies beyond what BTF can
// express.
func tooFarForBitFields(layout string) bool {
	for part := range strings.SplitSeq(layout, "; ") {
		var bit, size int
		if n, _ := fmt.Sscanf(part, "%d:%d", &bit, &size); n == 2 && bit > maxBitWithFields {
			return true
		}
	}
	return false
}

// TestNoAllocations makes sure that converting does not allocate for each type:
// what a warm worker allocates does not grow with the file.
func TestNoAllocations(t *testing.T) {
	c, err := New(elfSource(t, "../testdata/obj/x86_64-gcc-dwarf5/types.ko"), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	w := c.NewWorker()
	types := 0
	all := func() {
		types = 0
		for i := range c.Len() {
			u, err := w.Convert(i)
			if err != nil {
				t.Fatal(err)
			}
			types += len(u.Table.Types)
		}
	}
	all()
	const perUnit = 8
	if n := testing.AllocsPerRun(10, all); n > float64(perUnit*c.Len()) || types < 100 {
		t.Errorf("%v allocations for %d units of %d types", n, c.Len(), types)
	}
}

var sinkTypes []btf.Type

// BenchmarkConvert converts a fixture, and the file that MKBTF_BENCH_FILE names
// (a vmlinux or a large module with DWARF).
func BenchmarkConvert(b *testing.B) {
	for name, file := range benchFiles() {
		b.Run(name, func(b *testing.B) {
			c, err := New(elfSource(b, file), DefaultOptions())
			if err != nil {
				b.Fatal(err)
			}
			bytes := uint64(0)
			for i := range c.Len() {
				bytes += c.Size(i)
			}
			b.SetBytes(int64(bytes))
			b.ReportAllocs()
			for b.Loop() {
				w := c.NewWorker()
				for i := range c.Len() {
					u, err := w.Convert(i)
					if err != nil {
						b.Fatal(err)
					}
					if u != nil {
						sinkTypes = u.Table.Types
					}
				}
			}
		})
	}
}

func benchFiles() map[string]string {
	files := map[string]string{"types.ko": "../testdata/obj/x86_64-gcc-dwarf5/types.ko"}
	if f := os.Getenv("MKBTF_BENCH_FILE"); f != "" {
		files[filepath.Base(f)] = f
	}
	return files
}
