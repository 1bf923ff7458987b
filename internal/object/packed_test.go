package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"mkbtf/internal/compress"
	"mkbtf/internal/elfhdr/elftest"
)

// TestLoadPacked reads boot images and compressed files; package bootimg tests every
// wrapping.
func TestLoadPacked(t *testing.T) {
	raw := smallBTF(t, binary.LittleEndian)
	rawBE := smallBTF(t, binary.BigEndian)
	pack := func(b []byte) []byte {
		b, err := compress.Pack(compress.Zstd, b)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	banner := []byte("Linux version 6.12.1-test (a@b)\n\x00")
	vmlinux := elftest.File{Type: elf.ET_EXEC, Machine: elf.EM_X86_64, Sections: []elftest.Section{{Name: ".rodata", Data: banner}, {Name: ".BTF", Data: raw}}}
	without := elftest.File{Type: elf.ET_EXEC, Sections: []elftest.Section{{Name: ".rodata", Data: banner}}}
	module := elftest.File{Machine: elf.EM_S390, Order: binary.BigEndian, Sections: []elftest.Section{{Name: ".BTF", Data: rawBE}}}
	wrapped := elftest.File{Type: elf.ET_EXEC, Machine: elf.EM_PPC, Sections: []elftest.Section{{Name: ".kernel:vmlinux.strip", Data: pack(vmlinux.Bytes())}}}
	image := append(append(make([]byte, 64), banner...), raw...)
	copy(image[56:], "ARM\x64")
	noBTF := image[:64+len(banner)]
	noHeaders := vmlinux.Bytes()
	binary.LittleEndian.PutUint64(noHeaders[40:], 0)
	binary.LittleEndian.PutUint32(noHeaders[60:], 0)
	tests := []struct {
		name string
		data []byte
		want BTFData
		err  error
		msg  string
	}{
		{"Image", image, BTFData{BTF: raw, Machine: elf.EM_AARCH64, Release: "6.12.1-test", From: "found at 0x61 by its header"}, nil, ""},
		{"packed Image", pack(image), BTFData{BTF: raw, Machine: elf.EM_AARCH64, Release: "6.12.1-test", From: "zstd, found at 0x61 by its header"}, nil, ""},
		{"packed vmlinux", pack(vmlinux.Bytes()), BTFData{BTF: raw, Machine: elf.EM_X86_64, Release: "6.12.1-test", From: "zstd, section .BTF"}, nil, ""},
		{"vmlinux in ELF", wrapped.Bytes(), BTFData{BTF: raw, Machine: elf.EM_X86_64, Release: "6.12.1-test", From: "ELF, zstd, section .BTF"}, nil, ""},
		{"vmlinux without section headers", noHeaders, BTFData{BTF: raw, Machine: elf.EM_X86_64, Release: "6.12.1-test", From: "found at 0x61 by its header"}, nil, ""},
		{"module", pack(module.Bytes()), BTFData{BTF: rawBE, Machine: elf.EM_S390, From: "zstd, section .BTF"}, nil, ""},
		{"raw", pack(raw), BTFData{BTF: raw, From: "zstd, raw BTF"}, nil, ""},
		{"Image without BTF", noBTF, BTFData{}, ErrNoBTF, "the kernel 6.12.1-test was built without CONFIG_DEBUG_INFO_BTF: no BTF in it"},
		{"packed Image without BTF", pack(noBTF), BTFData{}, ErrNoBTF, "the kernel 6.12.1-test in it (zstd) was built without CONFIG_DEBUG_INFO_BTF: no BTF in it"},
		{"vmlinux without BTF", without.Bytes(), BTFData{}, ErrNoBTF, "the kernel 6.12.1-test was built without CONFIG_DEBUG_INFO_BTF: no BTF in it"},
		{"packed text", pack([]byte("text")), BTFData{}, ErrFormat, "zstd: not ELF, raw BTF or a boot image"},
		{"cut", pack(image)[:40], BTFData{}, nil, "zstd: truncated: unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, tt.data, 0o666); err != nil {
				t.Fatal(err)
			}
			got, err := LoadBTF(path)
			if tt.msg != "" {
				if err == nil || !errors.Is(err, tt.err) && tt.err != nil || err.Error() != path+": "+tt.msg {
					t.Errorf("error %v, want %s", err, tt.msg)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.BTF, tt.want.BTF) || got.Machine != tt.want.Machine || got.Release != tt.want.Release || got.From != tt.want.From {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestOpenPacked opens compressed modules as the plain ones.
func TestOpenPacked(t *testing.T) {
	module := elftest.File{Sections: []elftest.Section{{Name: ".modinfo", Data: []byte("vermagic=6.12.1-x86 SMP\x00")}}}
	plain := module.Bytes()
	for _, m := range []compress.Method{compress.None, compress.Gzip, compress.XZ, compress.Zstd} {
		t.Run(m.String(), func(t *testing.T) {
			data, err := compress.Pack(m, plain)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "x.ko")
			if err := os.WriteFile(path, data, 0o666); err != nil {
				t.Fatal(err)
			}
			f, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.Packed != m || !bytes.Equal(f.Bytes(), plain) || f.Release() != "6.12.1-x86" || (f.Disk() == nil) != (m != compress.None) {
				t.Errorf("packed %s, %d bytes, release %q, disk %v", f.Packed, len(f.Bytes()), f.Release(), f.Disk())
			}
			if m == compress.None {
				return
			}
			for _, n := range []int{len(data) / 2, len(data) - 1} {
				if _, err := OpenBytes("cut", data[:n]); err == nil {
					t.Errorf("no error for %d of %d bytes", n, len(data))
				}
			}
		})
	}
}
