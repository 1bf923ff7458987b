package elfhdr_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"mkbtf/internal/elfhdr"
	"mkbtf/internal/elfhdr/elftest"
)

// FuzzHeader reads anything as ELF and as a signed module: section headers that are
// written again are the same, and a signature lies inside the file.
func FuzzHeader(f *testing.F) {
	for _, path := range []string{"../../testdata/obj/x86_64-gcc-nodebug/types.ko", "../../testdata/obj/i386-gcc-dwarf5/exotic.ko", "../../testdata/obj/s390x-gcc-dwarf5/exotic.ko"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, []byte{1, 3, 5, 0})
		signed := append(bytes.Clone(data), "pkcs7\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x05~Module signature appended~\n"...)
		f.Add(signed, []byte{})
	}
	o := elftest.File{Order: binary.BigEndian, Sections: []elftest.Section{{Name: ".x", Data: []byte("x")}}}
	f.Add(o.Bytes(), []byte{0, 4, 255, 255})
	f.Fuzz(func(t *testing.T, data, mutations []byte) {
		data = bytes.Clone(data)
		elftest.Mutate(data, mutations)
		if sig, signed, err := elfhdr.FindSignature(data); signed && err == nil && (sig.Off+sig.Len != uint64(len(data)) || sig.Off > uint64(len(data))) {
			t.Errorf("signature %+v in %d bytes", sig, len(data))
		}
		h, err := elfhdr.ParseHeader(data)
		if err != nil {
			if h != nil {
				t.Error("a header beside an error")
			}
			return
		}
		list := h.ParseSections(data)
		var table []byte
		for i := range list {
			table = h.AppendSection(table, &list[i])
		}
		for i := range list {
			n := h.SectionLen()
			if !bytes.Equal(table[i*n:(i+1)*n], data[h.ShOff+uint64(i*n):][:n]) {
				t.Errorf("section header %d is not the same again", i)
			}
			if b, err := list[i].Contents(data, "x"); err == nil && uint64(len(b)) > uint64(len(data)) {
				t.Errorf("section %d has %d bytes of %d", i, len(b), len(data))
			}
		}
		names, err := h.ParseNames(data, list)
		if err != nil {
			return
		}
		for i := range list {
			_ = names.At(list[i].NameOff)
		}
		h.ParseSegments(data)
	})
}
