package bootimg

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/compress"
	"mkbtf/internal/elfhdr/elftest"
)

const banner = "Linux version 6.12.1-test (a@b) (gcc) #1 SMP\n\x00"

// smallBTF is BTF with one structure of a given name.
func smallBTF(t testing.TB, order btf.Order, name string) []byte {
	t.Helper()
	tab := btf.NewTable(1, nil)
	i := tab.Add(btf.Type{Kind: btf.Int, Name: tab.Strings.InternString("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	tab.AddWith(btf.Type{Kind: btf.Struct, Name: tab.Strings.InternString(name), Size: 4}, []btf.Member{{Name: tab.Strings.InternString("x"), Type: i}})
	raw, err := btf.Encode(tab, order, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// noise does not compress and holds no magic.
func noise(n int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + r.IntN(20))
	}
	return b
}

// kernelELF is a vmlinux, kernelFlat the same as it lies in memory.
func kernelELF(t testing.TB) []byte {
	return (&elftest.File{Type: elf.ET_EXEC, Machine: elf.EM_X86_64, Sections: []elftest.Section{
		{Name: ".text", Data: noise(70_000)},
		{Name: ".rodata", Data: []byte(banner)},
		{Name: ".BTF", Data: smallBTF(t, binary.LittleEndian, "task_struct")},
	}}).Bytes()
}

func kernelFlat(t testing.TB, order btf.Order) []byte {
	return slicesOf(noise(5_000), []byte(banner), noise(60_001), smallBTF(t, order, "task_struct"), noise(3_000))
}

func slicesOf(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func bzImage(payload []byte) []byte {
	b := make([]byte, 3*512, 3*512+0x140+len(payload))
	copy(b, "MZ")
	b[setupSects] = 2
	copy(b[bootFlag:], "\x55\xaa")
	copy(b[headerMagic:], "HdrS")
	le.PutUint16(b[bootVersion:], 0x20f)
	le.PutUint32(b[payloadOffset:], 0x140)
	le.PutUint32(b[payloadLength:], uint32(len(payload)))
	return slicesOf(b, make([]byte, 0x140), payload, noise(500))
}

func zboot(payload []byte, method string) []byte {
	b := make([]byte, 0x1000)
	copy(b, "MZ\x00\x00zimg")
	le.PutUint32(b[zbootOffset:], 0x1000)
	le.PutUint32(b[zbootSize:], uint32(len(payload)))
	copy(b[zbootEnd:], method)
	return slicesOf(b, payload, noise(100))
}

func uki(linux []byte) []byte {
	b := make([]byte, 0x400)
	copy(b, "MZ")
	le.PutUint32(b[peOffset:], 0x80)
	copy(b[0x80:], "PE\x00\x00")
	le.PutUint16(b[0x86:], 2)
	le.PutUint16(b[0x94:], 0xf0)
	s := b[0x80+peHeader+0xf0:]
	copy(s, ".cmdline")
	s = s[peSectionLen:]
	copy(s, ".linux")
	padded := elftest.Pad(bytes.Clone(linux), 512)
	le.PutUint32(s[8:], uint32(len(linux)))
	le.PutUint32(s[16:], uint32(len(padded)))
	le.PutUint32(s[20:], uint32(len(b)))
	return slicesOf(b, padded)
}

func uImage(kind byte, body []byte) []byte {
	b := make([]byte, uimageHeader)
	copy(b, uimageMagic)
	be.PutUint32(b[uimageSize:], uint32(len(body)))
	be.PutUint32(b[uimageCRC:], crc32.ChecksumIEEE(body))
	b[uimageType] = kind
	return slicesOf(b, body)
}

func multi(images ...[]byte) []byte {
	var sizes, data []byte
	for _, i := range images {
		sizes = be.AppendUint32(sizes, uint32(len(i)))
		data = append(data, elftest.Pad(bytes.Clone(i), 4)...)
	}
	return slicesOf(sizes, make([]byte, 4), data)
}

func withMagic(b []byte, off int, magic string) []byte {
	b = bytes.Clone(b)
	copy(b[off:], magic)
	return b
}

// run packs with a tool of the system, as the kernel's build does (scripts/Makefile.lib).
func run(t testing.TB, data []byte, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(args[0])
	if err != nil {
		t.Skipf("%s is not installed", args[0])
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return out
}

// sized appends the size as cmd_..._with_size does.
func sized(packed, plain []byte) []byte {
	return le.AppendUint32(bytes.Clone(packed), uint32(len(plain)))
}

var packings = []struct {
	method compress.Method
	args   []string
}{
	{compress.Gzip, []string{"gzip", "-n", "-9"}},
	{compress.Bzip2, []string{"bzip2", "-9"}},
	{compress.LZMA, []string{"xz", "--format=lzma", "-6"}},
	{compress.XZ, []string{"xz", "--check=crc32", "--x86", "--lzma2=dict=32MiB"}},
	{compress.LZO, []string{"lzop", "-9"}},
	{compress.LZ4, []string{"lz4", "-l", "-9", "-c"}},
	{compress.Zstd, []string{"zstd", "-19"}},
}

// TestPackings wraps a kernel in every header and every packing.
func TestPackings(t *testing.T) {
	vmlinux, flat, flatBE := kernelELF(t), kernelFlat(t, binary.LittleEndian), kernelFlat(t, binary.BigEndian)
	arm64 := withMagic(flat, 56, "ARM\x64")
	for _, p := range packings {
		t.Run(p.method.String(), func(t *testing.T) {
			pack := func(b []byte) []byte { return run(t, b, p.args...) }
			m := p.method.String()
			bz := sized(pack(vmlinux), vmlinux)
			if p.method == compress.Gzip {
				bz = pack(vmlinux) // gzip ends with the size itself
			}
			check(t, "bzImage", bzImage(bz), vmlinux, "bzImage, "+m, elf.EM_NONE)
			check(t, "UKI", uki(bzImage(bz)), vmlinux, "UKI, bzImage, "+m, elf.EM_NONE)
			check(t, "zboot", zboot(sized(pack(arm64), arm64), m), arm64, "EFI zboot, "+m, elf.EM_AARCH64)
			check(t, "UKI of zboot", uki(zboot(pack(arm64), m)), arm64, "UKI, EFI zboot, "+m, elf.EM_AARCH64)
			check(t, "packed Image", pack(arm64), arm64, m, elf.EM_AARCH64)
			check(t, "packed Image and device tree", slicesOf(pack(arm64), []byte("\xd0\x0d\xfe\xed"), noise(100)), arm64, m, elf.EM_AARCH64)
			check(t, "packed vmlinux", pack(vmlinux), vmlinux, m, elf.EM_NONE)
			check(t, "uImage", uImage(2, pack(flat)), flat, "uImage, "+m, elf.EM_NONE)
			check(t, "uImage of several", uImage(uimageMulti, multi(pack(flat), noise(77))), flat, "uImage, "+m, elf.EM_NONE)
			zImage := withMagic(slicesOf(noise(7_001), sized(pack(flat), flat), noise(2_000)), 0x24, "\x18\x28\x6f\x01")
			check(t, "zImage", zImage, flat, "zImage, "+m, elf.EM_ARM)
			s390 := withMagic(slicesOf(noise(0x11000), sized(pack(flatBE), flatBE), noise(3)), 0x10008, "S390EP")
			check(t, "s390", s390, flatBE, "s390 bzImage, "+m, elf.EM_S390)
			wrapped := (&elftest.File{Class: elf.ELFCLASS32, Order: binary.BigEndian, Type: elf.ET_EXEC, Machine: elf.EM_PPC, Sections: []elftest.Section{
				{Name: ".text", Data: noise(5_000)}, {Name: ".kernel:vmlinux.strip", Data: pack(vmlinux)}, {Name: ".data", Data: noise(50)},
			}}).Bytes()
			check(t, "powerpc zImage", wrapped, vmlinux, "ELF, "+m, elf.EM_NONE)
			android := withMagic(slicesOf(noise(0x800), pack(arm64), noise(0x900)), 0, "ANDROID!")
			check(t, "Android", android, arm64, "Android boot image, "+m, elf.EM_AARCH64)
			raw := smallBTF(t, binary.LittleEndian, "x")
			check(t, "raw BTF", pack(raw), raw, m, elf.EM_NONE)
		})
	}
}

func check(t *testing.T, name string, image, want []byte, how string, machine elf.Machine) {
	t.Helper()
	img, err := Unpack(image)
	switch {
	case err != nil:
		t.Errorf("%s: %v", name, err)
	case !bytes.Equal(img.Data, want) && !(len(img.Data) > len(want) && bytes.HasPrefix(img.Data, want)):
		t.Errorf("%s: %d bytes, want %d", name, len(img.Data), len(want))
	case img.How != how || img.Machine != machine:
		t.Errorf("%s: %q, %s; want %q, %s", name, img.How, img.Machine, how, machine)
	}
}

func TestNotPacked(t *testing.T) {
	vmlinux, flat := kernelELF(t), kernelFlat(t, binary.LittleEndian)
	old := withMagic(withMagic(bzImage(run(t, vmlinux, "gzip", "-9")), bootVersion, "\x07\x02"), payloadOffset, "\xff\xff\xff\xff")
	tests := []struct {
		name        string
		image, want []byte
		how         string
		machine     elf.Machine
	}{
		{"vmlinux", vmlinux, vmlinux, "", elf.EM_NONE},
		{"vmlinux.bin", flat, flat, "", elf.EM_NONE},
		{"arm64 Image", withMagic(flat, 56, "ARM\x64"), withMagic(flat, 56, "ARM\x64"), "", elf.EM_AARCH64},
		{"riscv Image", withMagic(flat, 56, "RSC\x05"), withMagic(flat, 56, "RSC\x05"), "", elf.EM_RISCV},
		{"old riscv Image", withMagic(flat, 48, "RISCV\x00\x00\x00"), withMagic(flat, 48, "RISCV\x00\x00\x00"), "", elf.EM_RISCV},
		{"loongarch Image", withMagic(flat, 56, "\xcd\x23\x82\x81"), withMagic(flat, 56, "\xcd\x23\x82\x81"), "", elf.EM_LOONGARCH},
		{"Image in UKI", uki(withMagic(flat, 56, "ARM\x64")), withMagic(flat, 56, "ARM\x64"), "UKI", elf.EM_AARCH64},
		{"uImage", uImage(2, flat), flat, "uImage", elf.EM_NONE},
		{"bzImage of an old protocol", old, vmlinux, "bzImage, gzip", elf.EM_NONE},
		{"bzImage not packed", bzImage(sized(vmlinux, vmlinux)), sized(vmlinux, vmlinux), "bzImage, not packed", elf.EM_NONE},
	}
	for _, tt := range tests {
		check(t, tt.name, tt.image, tt.want, tt.how, tt.machine)
	}
}

// TestMkimage reads what U-Boot's own tool writes.
func TestMkimage(t *testing.T) {
	if _, err := exec.LookPath("mkimage"); err != nil {
		t.Skip("mkimage is not installed")
	}
	dir := t.TempDir()
	flat := kernelFlat(t, binary.LittleEndian)
	for name, data := range map[string][]byte{"Image": flat, "Image.gz": run(t, flat, "gzip", "-9"), "initrd": noise(333)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, kind, compression, data, how string }{
		{"plain", "kernel", "none", "Image", "uImage"},
		{"gzip", "kernel", "gzip", "Image.gz", "uImage, gzip"},
		{"several", "multi", "gzip", "Image.gz:initrd", "uImage, gzip"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command("mkimage", "-A", "arm64", "-O", "linux", "-T", tt.kind, "-C", tt.compression, "-n", "test", "-d", tt.data, "out")
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			image, err := os.ReadFile(filepath.Join(dir, "out"))
			if err != nil {
				t.Fatal(err)
			}
			check(t, tt.name, image, flat, tt.how, elf.EM_NONE)
		})
	}
}

// TestBroken has one thing wrong in each image.
func TestBroken(t *testing.T) {
	vmlinux := kernelELF(t)
	packed := sized(run(t, vmlinux, "zstd"), vmlinux)
	good := bzImage(packed)
	uimage := uImage(2, packed)
	wrongSize := bytes.Clone(packed)
	wrongSize[len(wrongSize)-3]++
	wrongByte := bytes.Clone(packed)
	wrongByte[len(wrongByte)/2] ^= 0xff
	nested := vmlinux
	for range deepest + 2 {
		nested = uImage(2, nested)
	}
	tests := []struct {
		name string
		data []byte
		err  error
		msg  string
	}{
		{"nothing", nil, ErrUnknown, "no kernel image"},
		{"text", []byte("#!/bin/sh\n"), ErrUnknown, "no kernel image"},
		{"MZ only", []byte("MZ"), ErrUnknown, "no kernel image"},
		{"text in gzip", run(t, []byte("text"), "gzip"), ErrUnknown, "gzip at 0x0: no kernel in it"},
		{"cut bzImage", good[:len(good)-1000], ErrTruncated, "bzImage at 0x740: the kernel in it ends at "},
		{"bzImage with another size", bzImage(wrongSize), ErrMalformed, "bzImage at 0x740: zstd: unpacks to "},
		{"bzImage with a wrong byte", bzImage(wrongByte), compress.ErrCorrupt, "bzImage at 0x740: zstd: frame at 0x0: corrupt"},
		{"bzImage without a kernel", bzImage(noise(100)), ErrUnknown, "bzImage, not packed at 0x0: no kernel in it"},
		{"cut zboot", zboot(packed, "zstd")[:0x1200], ErrTruncated, "EFI zboot at 0x1000: the kernel in it ends at "},
		{"cut UKI", uki(good)[:0x500], ErrTruncated, "UKI at 0x1b0: section .linux ends at "},
		{"cut uImage", uimage[:len(uimage)-1], ErrTruncated, "uImage at 0xc: its data ends at "},
		{"uImage with a wrong byte", withMagic(uimage, 100, "wrong"), ErrMalformed, "uImage at 0x18: the checksum is not that of the data"},
		{"empty uImage of several", uImage(uimageMulti, nil), ErrUnknown, "uImage at 0x0: no kernel in it"},
		{"uImage with a large first image", uImage(uimageMulti, be.AppendUint32(nil, 5000)), ErrMalformed, "uImage at 0x40: the first of its images would have 5000 bytes of 4"},
		{"images inside each other", nested, ErrMalformed, "more than 6 images inside each other"},
		{"zImage without a kernel", withMagic(noise(5000), 0x24, "\x18\x28\x6f\x01"), ErrMalformed, "zImage at 0x0: no packed kernel in it"},
		{"zImage with a wrong byte", withMagic(slicesOf(noise(5000), wrongByte), 0x24, "\x18\x28\x6f\x01"), compress.ErrCorrupt, "zImage at 0x1388: zstd: frame"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			img, err := Unpack(tt.data)
			if err == nil {
				t.Fatalf("no error, but %q, %d bytes", img.How, len(img.Data))
			}
			if !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.msg) {
				t.Errorf("error %q, want %q and %v", err, tt.msg, tt.err)
			}
		})
	}
}

func TestFindBTF(t *testing.T) {
	task, other := smallBTF(t, binary.LittleEndian, "task_struct"), smallBTF(t, binary.LittleEndian, "other")
	taskBE := smallBTF(t, binary.BigEndian, "task_struct")
	cut := task[:len(task)-1]
	wrongRef := bytes.Clone(task)
	le.PutUint32(wrongRef[24+16+12+4:], 99)
	tests := []struct {
		name  string
		image []byte
		want  []byte
		off   int
		err   error
	}{
		{"one", slicesOf(noise(333), task, noise(100)), task, 333, nil},
		{"at the very end", slicesOf(noise(3), task), task, 3, nil},
		{"big endian", slicesOf(noise(333), taskBE, noise(100)), taskBE, 333, nil},
		{"that of a BPF program beside", slicesOf(other, noise(50), task), task, len(other) + 50, nil},
		{"headers that are none", slicesOf([]byte("\x9f\xeb\x01\x00\x18\x00\x00\x00"), make([]byte, 100), task), task, 108, nil},
		{"none", noise(5000), nil, 0, ErrNoBTF},
		{"cut", cut, nil, 0, ErrNoBTF},
		{"not valid", slicesOf(wrongRef, noise(9)), nil, 0, ErrNoBTF},
		{"two kernels", slicesOf(task, taskBE), nil, 0, ErrAmbiguous},
		{"two programs", slicesOf(other, other), nil, 0, ErrAmbiguous},
		{"only headers", bytes.Repeat(wrongRef, 100), nil, 0, ErrAmbiguous},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, off, err := FindBTF(tt.image)
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if !bytes.Equal(got, tt.want) || off != tt.off {
				t.Errorf("%d bytes at %d, want %d at %d", len(got), off, len(tt.want), tt.off)
			}
		})
	}
}

func TestRelease(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"xLinux version 6.12.117+deb12-amd64 (debian", "6.12.117+deb12-amd64"},
		{"Linux version %s (\x00Linux version 7.2 x", "7.2"},
		{"Linux version 6." + strings.Repeat("1", 70) + " ", ""},
		{"Linux version 6.1", ""},
	} {
		if got := Release([]byte(tt.in)); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	flat := slicesOf(noise(200), []byte(banner), smallBTF(f, binary.LittleEndian, "task_struct"))
	packed, err := compress.Pack(compress.Zstd, flat)
	if err != nil {
		f.Fatal(err)
	}
	for _, image := range [][]byte{
		flat, packed, bzImage(sized(packed, flat)), zboot(packed, "zstd")[:0x1000+len(packed)], uki(packed), uImage(2, packed),
		uImage(uimageMulti, multi(packed, flat)), withMagic(slicesOf(noise(100), packed), 0x24, "\x18\x28\x6f\x01"), withMagic(flat, 56, "ARM\x64"),
	} {
		f.Add(image)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := Unpack(data)
		if err != nil {
			if img != nil {
				t.Error("an image beside an error")
			}
			return
		}
		if raw, off, err := FindBTF(img.Data); err == nil && !bytes.Equal(img.Data[off:off+len(raw)], raw) {
			t.Error("BTF is not where it is said to be")
		}
	})
}
