package encode

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// TestNothingToWrite checks that a module of which the base has every type, and that
// has no functions, gets no .BTF: a header alone would break readers.
func TestNothingToWrite(t *testing.T) {
	data, err := os.ReadFile("../../testdata/obj/x86_64-gcc-dwarf5-linked/types.elf")
	if err != nil {
		t.Fatal(err)
	}
	// Without a symbol table no function has an address.
	const headerLen, typeOff = 64, 4
	table := binary.LittleEndian.Uint64(data[40:])
	for i := range uint64(binary.LittleEndian.Uint16(data[60:])) {
		if typ := data[table+i*headerLen+typeOff:]; binary.LittleEndian.Uint32(typ) == uint32(elf.SHT_SYMTAB) {
			binary.LittleEndian.PutUint32(typ, uint32(elf.SHT_PROGBITS))
		}
	}
	dir := t.TempDir()
	module, base := filepath.Join(dir, "module.elf"), filepath.Join(dir, "base.btf")
	if err := os.WriteFile(module, data, 0o600); err != nil {
		t.Fatal(err)
	}
	alone, err := New(Options{Form: SelfContained, Detached: true})
	if err != nil {
		t.Fatal(err)
	}
	all, err := alone.Open(module, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(base, all.BTF, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, form := range []Form{Split, Distilled} {
		e, err := New(Options{Form: form, Base: base})
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Open(module, false)
		if err != nil {
			t.Fatal(err)
		}
		if out.BTF != nil || out.Base != nil {
			t.Errorf("%s: %d bytes over a base of %d", form, len(out.BTF), len(out.Base))
		}
	}
}
