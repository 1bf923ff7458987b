package dump_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/dump"
	"mkbtf/internal/dump/dumptest"
	"mkbtf/internal/dump/roundtrip"
	"mkbtf/internal/encode"
)

// crossCompilers compile for the machines of testdata/obj.
var crossCompilers = map[string]string{
	"x86_64": "gcc", "i386": "i686-linux-gnu-gcc", "aarch64": "aarch64-linux-gnu-gcc", "arm": "arm-linux-gnueabihf-gcc",
	"s390x": "s390x-linux-gnu-gcc", "powerpc64le": "powerpc64le-linux-gnu-gcc", "riscv64": "riscv64-linux-gnu-gcc",
}

// TestCRoundTrip makes a header from the BTF of each object of testdata, has the
// compiler for the object's machine check the sizes and offsets in it, and compares
// the BTF of what the compiler made of it with that of the object, bit by bit.
func TestCRoundTrip(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/obj/*-dwarf[45]/*.ko")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no objects: %v", err)
	}
	for _, path := range paths {
		variant := filepath.Base(filepath.Dir(path))
		machine, _, _ := strings.Cut(variant, "-")
		t.Run(variant+"/"+filepath.Base(path), func(t *testing.T) {
			gcc, ok := crossCompilers[machine]
			if !ok {
				t.Fatalf("which compiler compiles for %s?", machine)
			}
			cc := []string{gcc}
			if strings.Contains(variant, "clang") { // each has names of its own for arithmetic types
				cc = []string{"clang", "--target=" + machine + "-linux-gnu"}
			}
			name := cc[0]
			if cc[0] = dumptest.Compiler(name); cc[0] == "" {
				t.Skipf("%s is not installed", name)
			}
			want, err := encodeFile(path)
			if err != nil {
				t.Skip(err) // what cannot be encoded is listed in testdata/golden/refused.txtar
			}
			roundtrip.Check(t, want, cc, encodeFile)
		})
	}
}

func encodeFile(path string) (*btf.Blob, error) {
	e, err := encode.New(encode.Options{Form: encode.SelfContained})
	if err != nil {
		return nil, err
	}
	out, err := e.Open(path, true)
	if err != nil {
		return nil, err
	}
	return btf.Parse(out.BTF, nil)
}

// TestCOtherMachines has compilers for all machines with pointers of the same size check the
// headers of objects: BPF programs for one machine are compiled on another.
func TestCOtherMachines(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/obj/*-gcc-dwarf5/*.ko")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no objects: %v", err)
	}
	for _, path := range paths {
		variant := filepath.Base(filepath.Dir(path))
		pointer := 8
		if machine, _, _ := strings.Cut(variant, "-"); machine == "i386" || machine == "arm" {
			pointer = 4
		} else if filepath.Base(path) != "shapes.ko" {
			continue // what is special in the others is in those of 32 bits too
		}
		t.Run(variant+"/"+filepath.Base(path), func(t *testing.T) {
			b, err := encodeFile(path)
			if err != nil {
				t.Skip(err) // what cannot be encoded is listed in testdata/golden/refused.txtar
			}
			var header bytes.Buffer
			if err := dump.C(&header, b, dump.COptions{Asserts: true}); err != nil {
				t.Fatal(err)
			}
			for _, cc := range dumptest.Compilers(t, pointer) { // -w: the sources' enums are too large for their bit-fields
				if err := dumptest.Check(append(cc, "-w"), header.Bytes()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
