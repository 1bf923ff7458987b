package object

import (
	"bytes"
	"debug/elf"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/dwarf2btf"
)

// linkTargets are the compilers and linkers whose result relocation is held
// against: each machine, class, byte order, with REL and with RELA.
var linkTargets = []struct {
	name     string
	compiler string
	flags    string
	linker   string
}{
	{"x86_64 gcc", "gcc", "", "ld"},
	{"x86_64 clang", "clang", "--target=x86_64-linux-gnu", "ld.lld"},
	{"i386 gcc", "i686-linux-gnu-gcc", "", "i686-linux-gnu-ld"},
	{"i386 clang", "clang", "--target=i386-linux-gnu", "ld.lld"},
	{"arm gcc", "arm-linux-gnueabihf-gcc", "", "arm-linux-gnueabihf-ld"},
	{"arm clang", "clang", "--target=arm-linux-gnueabihf", "ld.lld"},
	{"aarch64 gcc", "aarch64-linux-gnu-gcc", "", "aarch64-linux-gnu-ld"},
	{"aarch64 clang", "clang", "--target=aarch64-linux-gnu", "ld.lld"},
	{"riscv64 gcc", "riscv64-linux-gnu-gcc", "-mno-relax", "riscv64-linux-gnu-ld"},
	{"riscv64 gcc relax", "riscv64-linux-gnu-gcc", "", "riscv64-linux-gnu-ld --no-relax"},
	{"riscv64 clang", "clang", "--target=riscv64-linux-gnu -mno-relax", "ld.lld"},
	{"riscv64 clang relax", "clang", "--target=riscv64-linux-gnu -mrelax", "ld.lld"},
	{"riscv32 clang", "clang", "--target=riscv32-linux-gnu -mrelax", "ld.lld"},
	{"s390x gcc", "s390x-linux-gnu-gcc", "", "s390x-linux-gnu-ld"},
	{"powerpc clang", "clang", "--target=powerpc-linux-gnu", "ld.lld"},
	{"powerpc64 clang", "clang", "--target=powerpc64-linux-gnu -mabi=elfv2", "ld.lld"},
	{"powerpc64le gcc", "powerpc64le-linux-gnu-gcc", "", "powerpc64le-linux-gnu-ld"},
	{"powerpc64le clang", "clang", "--target=powerpc64le-linux-gnu", "ld.lld"},
	{"mips clang", "clang", "--target=mips-linux-gnu", "ld.lld"},
	{"mipsel clang", "clang", "--target=mipsel-linux-gnu", "ld.lld"},
	{"mips64 clang", "clang", "--target=mips64-linux-gnuabi64", "ld.lld"},
	{"mips64el clang", "clang", "--target=mips64el-linux-gnuabi64", "ld.lld"},
	{"sparcv9 clang", "clang", "--target=sparcv9-linux-gnu -fintegrated-as", "ld.lld"},
}

// TestRelocationsAsLinked compiles an object, has a real linker place its
// sections at the addresses that this package makes up, and compares the debug
// sections, whole and in pieces that cut fields.
func TestRelocationsAsLinked(t *testing.T) {
	for _, target := range linkTargets {
		for _, dwarf := range []string{"-gdwarf-4", "-gdwarf-5"} {
			t.Run(target.name+" "+dwarf, func(t *testing.T) {
				if testing.Short() && dwarf == "-gdwarf-4" {
					t.Skip("short")
				}
				t.Parallel()
				dir := t.TempDir()
				writeFile(t, dir, "a.c", source)
				args := append(strings.Fields(target.flags), dwarf, "-O2", "-ffreestanding", "-fno-pic", "-fno-asynchronous-unwind-tables", "-c", "a.c", "-o", "a.o")
				run(t, dir, target.compiler, args...)
				f := open(t, filepath.Join(dir, "a.o"))
				src, err := f.Source()
				if err != nil {
					t.Fatal(err)
				}
				if !src.Relocatable {
					t.Fatal("not relocatable")
				}
				writeFile(t, dir, "a.ld", linkerScript(src))
				// Without SHF_MERGE linkers leave the strings where they are.
				run(t, dir, "llvm-objcopy-14", "--set-section-flags", ".debug_str=debug", "--set-section-flags", ".debug_line_str=debug", "a.o", "b.o")
				linker := strings.Fields(target.linker)
				run(t, dir, linker[0], append(linker[1:], "--unresolved-symbols=ignore-all", "-e", "0", "-T", "a.ld", "b.o", "-o", "a.out")...)
				linked, err := elf.Open(filepath.Join(dir, "a.out"))
				if err != nil {
					t.Fatal(err)
				}
				defer linked.Close()
				compareSections(t, src, linked)
			})
		}
	}
}

// linkerScript places each section at its made-up address.
func linkerScript(src *dwarf2btf.Source) string {
	var b strings.Builder
	b.WriteString("SECTIONS {\n")
	for _, s := range src.Sections {
		if s.Flags&elf.SHF_ALLOC != 0 {
			fmt.Fprintf(&b, "%q %#x : { *(%s) }\n", s.Name, s.Addr, s.Name)
		}
	}
	// Whatever the linker adds must not get in between; nor does it copy this.
	b.WriteString(".got 0x8000000 : { *(.got) }\n.dynsym : { *(.dynsym) }\n/DISCARD/ : { *(.MIPS.abiflags) }\n}\n")
	return b.String()
}

func compareSections(t *testing.T, src *dwarf2btf.Source, linked *elf.File) {
	t.Helper()
	compared := 0
	all := append([]dwarf2btf.Section{src.Str, src.LineStr, src.StrOffsets, src.Addr, src.Loc, src.Loclists}, src.Info...)
	for _, s := range append(all, src.Abbrev...) {
		if s == nil {
			continue
		}
		compared++
		want, err := linked.Section(s.Name()).Data()
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Read(0, s.Size(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			i := 0
			for i < len(got) && i < len(want) && got[i] == want[i] {
				i++
			}
			t.Errorf("%s of %d bytes (linked: %d) differs from %#x on: % x, linked: % x", s.Name(), len(got), len(want), i,
				got[i:min(i+16, len(got))], want[i:min(i+16, len(want))])
			continue
		}
		r := rand.New(rand.NewPCG(1, 2))
		var buf []byte
		for range 300 {
			off := r.Uint64N(s.Size())
			n := r.Uint64N(min(s.Size()-off, 40) + 1)
			if buf, err = s.Read(off, n, buf); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(buf, want[off:off+n]) {
				t.Fatalf("%s: %d bytes at %#x: % x, want % x", s.Name(), n, off, buf, want[off:off+n])
			}
		}
	}
	if compared < 3 {
		t.Errorf("only %d debug sections", compared)
	}
}
