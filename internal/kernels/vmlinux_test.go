package kernels

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/object"
)

func TestVMLinux(t *testing.T) {
	le := kernelBTF(t, want)
	tab := btf.NewTable(1, nil)
	tab.Add(btf.Type{Kind: btf.Struct, Name: tab.Strings.InternString("task_struct"), Size: 8})
	be, err := btf.Encode(tab, binary.BigEndian, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		data  object.BTFData
		class elf.Class
		order elf.Data
	}{
		{"x86_64", object.BTFData{BTF: le, Release: want, Machine: elf.EM_X86_64}, elf.ELFCLASS64, elf.ELFDATA2LSB},
		{"arm", object.BTFData{BTF: le, Release: want, Machine: elf.EM_ARM}, elf.ELFCLASS32, elf.ELFDATA2LSB},
		{"s390", object.BTFData{BTF: be, Release: want, Machine: elf.EM_S390}, elf.ELFCLASS64, elf.ELFDATA2MSB},
		{"unknown", object.BTFData{BTF: le}, elf.ELFCLASS64, elf.ELFDATA2LSB},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file, err := VMLinux(&tt.data)
			if err != nil {
				t.Fatal(err)
			}
			f, err := elf.NewFile(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			if f.Class != tt.class || f.Data != tt.order || f.Machine != tt.data.Machine || f.Type != elf.ET_EXEC {
				t.Errorf("header %+v", f.FileHeader)
			}
			got, err := object.LoadBTFBytes("vmlinux", file)
			if err != nil || !bytes.Equal(got.BTF, tt.data.BTF) || got.Release != tt.data.Release || got.Machine != tt.data.Machine {
				t.Errorf("read back: %+v, %v", got, err)
			}
			path := filepath.Join(t.TempDir(), "vmlinux")
			if err := os.WriteFile(path, file, 0o666); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("readelf", "-hSW", path).CombinedOutput(); err == nil && bytes.Contains(out, []byte("Warning")) {
				t.Errorf("readelf says:\n%s", out)
			}
			bpftool, err := exec.LookPath("bpftool")
			if err != nil {
				t.Skip("bpftool is not installed")
			}
			if out, err := exec.Command(bpftool, "btf", "dump", "file", path).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("STRUCT 'task_struct'")) {
				t.Errorf("bpftool: %v: %s", err, out)
			}
		})
	}
	if _, err := VMLinux(&object.BTFData{BTF: []byte("x")}); err == nil {
		t.Error("no error for what is not BTF")
	}
}
