package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"mkbtf/btf"
	"mkbtf/internal/elfhdr/elftest"
)

func compressZeros(t *testing.T, n int) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(make([]byte, n), nil)
}

// smallBTF is BTF with one int.
func smallBTF(t *testing.T, order btf.Order) []byte {
	t.Helper()
	tab := btf.NewTable(1, nil)
	tab.Add(btf.Type{Name: tab.Strings.Intern([]byte("int")), Kind: btf.Int, Size: 4, Extra: 32})
	b, err := btf.Encode(tab, order, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestLoadBTF(t *testing.T) {
	raw := smallBTF(t, binary.LittleEndian)
	rawBE := smallBTF(t, binary.BigEndian)
	module := elftest.File{Sections: []elftest.Section{
		{Name: ".modinfo", Data: []byte("license=GPL\x00vermagic=6.12.1-x86 SMP preempt\x00name=x\x00")},
		{Name: ".BTF", Data: raw},
		{Name: ".BTF.base", Data: rawBE},
	}}
	vmlinux := elftest.File{Type: elf.ET_EXEC, Order: binary.BigEndian, Sections: []elftest.Section{
		{Name: ".rodata", Data: []byte("\x00Linux version %s\x00Linux version 6.1.0-s390 (a@b) (gcc)\n\x00")},
		{Name: ".BTF", Data: rawBE},
	}}
	debug := elftest.File{Sections: []elftest.Section{{Name: ".BTF", Type: elf.SHT_NOBITS, Size: 100}}}
	plain := elftest.File{Sections: []elftest.Section{{Name: ".text", Data: raw}}}
	tests := []struct {
		name string
		data []byte
		want BTFData
		err  error
	}{
		{"raw", raw, BTFData{BTF: raw, From: "raw BTF"}, nil},
		{"raw, big endian", rawBE, BTFData{BTF: rawBE, From: "raw BTF"}, nil},
		{"module", module.Bytes(), BTFData{BTF: raw, Base: rawBE, Release: "6.12.1-x86", From: "sections .BTF and .BTF.base"}, nil},
		{"vmlinux", vmlinux.Bytes(), BTFData{BTF: rawBE, Release: "6.1.0-s390", From: "section .BTF"}, nil},
		{"debug file", debug.Bytes(), BTFData{}, ErrNoBTF},
		{"no BTF", plain.Bytes(), BTFData{}, ErrNoBTF},
		{"text", []byte("some text"), BTFData{}, ErrFormat},
		{"empty", nil, BTFData{}, ErrFormat},
		{"cut ELF", module.Bytes()[:100], BTFData{}, ErrTruncated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, tt.data, 0o666); err != nil {
				t.Fatal(err)
			}
			got, err := LoadBTF(path)
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			if !bytes.Equal(got.BTF, tt.want.BTF) || !bytes.Equal(got.Base, tt.want.Base) || got.Release != tt.want.Release || got.From != tt.want.From {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestLoadBTFFromPipe has no size and cannot be mapped.
func TestLoadBTFFromPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	raw := smallBTF(t, binary.LittleEndian)
	done := make(chan error)
	go func() { done <- os.WriteFile(path, raw, 0) }()
	got, err := LoadBTF(path)
	if err != nil || !bytes.Equal(got.BTF, raw) {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestLoadBTFOfKernel reads the BTF of the running kernel if it shows it.
func TestLoadBTFOfKernel(t *testing.T) {
	const path = "/sys/kernel/btf/vmlinux"
	if _, err := os.Stat(path); err != nil {
		t.Skip("this kernel does not show its BTF")
	}
	got, err := LoadBTF(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := got.Parse(nil); err != nil {
		t.Error(err)
	}
	out, err := exec.Command("uname", "-r").Output()
	if err == nil && got.Release != string(bytes.TrimSpace(out)) {
		t.Errorf("release %q, uname says %q", got.Release, out)
	}
}

func TestReleaseIn(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"Linux version ", ""},
		{"Linux version %s (%s)", ""},
		{"Linux version 6.12.117+deb12-amd64 (debian-kernel", "6.12.117+deb12-amd64"},
		{"xLinux version %sLinux version 7.2 b", "7.2"},
		{"Linux version 6.12.117", ""},
		{"Linux version 6." + string(bytes.Repeat([]byte{'1'}, 80)) + " ", ""},
	}
	for _, tt := range tests {
		if got := ReleaseIn([]byte(tt.in)); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestSniff(t *testing.T) {
	tests := []struct {
		data string
		want Format
	}{
		{"", FormatUnknown},
		{"\x7fEL", FormatUnknown},
		{"\x7fELF", FormatELF},
		{"\x9f\xeb\x01\x00", FormatBTF},
		{"\xeb\x9f\x01\x00", FormatBTF},
		{"\x1f\x8b\x08", FormatGzip},
		{"\xfd7zXZ\x00\x00", FormatXZ},
		{"\x28\xb5\x2f\xfd\x04", FormatZstd},
		{"MZ\xea\x07", FormatMZ},
		{"hello", FormatUnknown},
	}
	for _, tt := range tests {
		if got := Sniff([]byte(tt.data)); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.data, got, tt.want)
		}
	}
}
