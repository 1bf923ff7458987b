package compress

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// sample is data in which filters for machine code find something to do; sampleOf is
// the same with zeros behind it.
func sample() []byte { return sampleOf(1 << 20) }

func sampleOf(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 0, size)
	words := [][]byte{
		{0xef, 0, 0x12, 0x34},                   // RISC-V JAL
		{0x97, 0x02, 1, 0, 0x83, 0xb2, 0x42, 0}, // RISC-V AUIPC and load
		{0x17, 0x31, 0, 0x98, 1, 2, 3, 4},       // looks like a filtered pair
		{0x10, 0, 0, 0x94}, {0xb0, 0, 0, 0xb0},  // arm64 BL, ADRP
		{0xe8, 1, 2, 0, 0}, bytes.Repeat([]byte{0}, 8), // x86 CALL, nothing
		[]byte("Linux version "),
	}
	for len(b) < 300_000 {
		b = append(b, words[r.IntN(len(words))]...)
	}
	return b[:cap(b)]
}

// packers are the commands that pack standard input as the kernel's build does.
var packers = []struct {
	name   string
	method Method
	args   []string
}{
	{"gzip", Gzip, []string{"gzip", "-n", "-9"}},
	{"bzip2", Bzip2, []string{"bzip2", "-9"}},
	{"lzma", LZMA, []string{"xz", "--format=lzma", "-6"}},
	{"xz", XZ, []string{"xz", "--check=crc32", "--lzma2=dict=1MiB"}},
	{"xz x86", XZ, []string{"xz", "--check=crc32", "--x86", "--lzma2=dict=128MiB"}},
	{"xz crc64", XZ, []string{"xz", "-0"}},
	{"xz arm64", XZ, []string{"xz", "--check=crc32", "--arm64", "--lzma2=dict=1MiB"}},
	{"xz arm64 at an address", XZ, []string{"xz", "--check=crc64", "--arm64=start=65536", "--lzma2=dict=1MiB"}},
	{"xz arm64 in blocks", XZ, []string{"xz", "--check=none", "--block-size=100000", "--arm64", "--lzma2=dict=1MiB"}},
	{"xz riscv", XZ, []string{"xz", "--check=crc32", "--riscv", "--lzma2=dict=1MiB"}},
	{"lzo", LZO, []string{"lzop", "-9"}},
	{"lz4", LZ4, []string{"lz4", "-l", "-9", "-c"}},
	{"zstd", Zstd, []string{"zstd", "-3"}},
	{"zstd 22", Zstd, []string{"zstd", "--ultra", "-22"}},
	{"zstd without checksum", Zstd, []string{"zstd", "--no-check", "-1"}},
}

// pack runs a packer of the system.
func pack(t testing.TB, data []byte, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(args[0])
	if err != nil {
		t.Skipf("%s is not installed", args[0])
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Stdin = bytes.NewReader(data)
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		if bytes.Contains(msg.Bytes(), []byte("unrecognized option")) {
			t.Skipf("this %s has no option for it: %s", args[0], msg.Bytes())
		}
		t.Fatalf("%q: %v: %s", args, err, msg.Bytes())
	}
	return out.Bytes()
}

func TestUnpack(t *testing.T) {
	for _, p := range packers {
		t.Run(p.name, func(t *testing.T) {
			want := sample()
			if p.method == LZ4 {
				want = sampleOf(9 << 20) // several blocks
			}
			packed := pack(t, want, p.args...)
			if got := Sniff(packed); got != p.method {
				t.Fatalf("sniffed as %s", got)
			}
			got, err := All(p.method, packed)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("All: %d bytes, %v", len(got), err)
			}
			if _, err := All(p.method, append(bytes.Clone(packed), 9, 9, 9, 9)); err == nil {
				t.Error("All takes no notice of garbage at the end")
			}
			for _, size := range []int{0, 1, len(want)} {
				got, err := First(p.method, append(bytes.Clone(packed), 0, 9, 0, 0, 1, 2, 3), size, 1<<30)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("First, with %d bytes expected: %d bytes, %v", size, len(got), err)
				}
			}
			if _, err := First(p.method, packed, 0, len(want)-1); !errors.Is(err, ErrTooLarge) {
				t.Errorf("with too low a limit: %v", err)
			}
			if got, err := First(p.method, packed, 0, len(want)); err != nil || len(got) != len(want) {
				t.Errorf("with just the right limit: %d bytes, %v", len(got), err)
			}
			if _, err := All(p.method, packed[:len(packed)/2]); err == nil {
				t.Error("All takes no notice of a missing half")
			}
		})
	}
}

// TestSeveralStreams reads files as parallel compressors write them.
func TestSeveralStreams(t *testing.T) {
	part := []byte("a part of a file")
	want := append(bytes.Clone(part), part...)
	for _, p := range packers {
		if p.method == LZMA || strings.HasPrefix(p.name, "xz arm64") || p.name == "xz riscv" {
			continue // those can have one only
		}
		t.Run(p.name, func(t *testing.T) {
			packed := pack(t, part, p.args...)
			got, err := All(p.method, append(bytes.Clone(packed), packed...))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestTruncated(t *testing.T) {
	for _, p := range packers {
		t.Run(p.name, func(t *testing.T) {
			packed := pack(t, sample()[:100_000], p.args...)
			for n := range min(len(packed), 64) {
				if _, err := All(p.method, packed[:n]); err == nil && !(p.method == LZ4 && n == 4) {
					t.Errorf("no error for the first %d of %d bytes", n, len(packed))
				}
			}
		})
	}
}

// TestBomb unpacks more than it allows.
func TestBomb(t *testing.T) {
	zeros := make([]byte, 16<<20)
	for _, p := range packers {
		t.Run(p.name, func(t *testing.T) {
			packed := pack(t, zeros, p.args...)
			_, err := First(p.method, packed, 1<<40, 8<<20)
			if !errors.Is(err, ErrTooLarge) {
				t.Errorf("error %v, want ErrTooLarge", err)
			}
		})
	}
}

// TestPack has the system's own tools unpack what Pack writes, and looks at what
// the kernel asks for.
func TestPack(t *testing.T) {
	want := sample()
	for _, tt := range []struct {
		method Method
		unpack []string
		header []byte
	}{
		{Gzip, []string{"gzip", "-dc"}, []byte{0x1f, 0x8b, 8, 0}},
		{XZ, []string{"xz", "-dc"}, []byte("\xfd7zXZ\x00\x00\x01")}, // 1: CRC32
		{Zstd, []string{"zstd", "-dc"}, []byte{0x28, 0xb5, 0x2f, 0xfd}},
	} {
		t.Run(tt.method.String(), func(t *testing.T) {
			packed, err := Pack(tt.method, want)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(packed, tt.header) {
				t.Errorf("starts with % x", packed[:8])
			}
			if got := pack(t, packed, tt.unpack...); !bytes.Equal(got, want) {
				t.Errorf("%s gives %d bytes, want %d", tt.unpack[0], len(got), len(want))
			}
			if got, err := All(tt.method, packed); err != nil || !bytes.Equal(got, want) {
				t.Errorf("All gives %d bytes, %v", len(got), err)
			}
			if again, _ := Pack(tt.method, want); !bytes.Equal(again, packed) {
				t.Error("packed again it differs")
			}
		})
	}
	if got, err := Pack(None, want); err != nil || !bytes.Equal(got, want) {
		t.Errorf("None: %v", err)
	}
	if _, err := Pack(LZ4, want); err == nil {
		t.Error("LZ4: no error")
	}
}

// TestXZBlocks has xz itself say that there is one block of a kind that XZ Embedded
// takes.
func TestXZBlocks(t *testing.T) {
	packed, err := Pack(XZ, sample())
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/x.xz"
	if err := os.WriteFile(path, packed, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("xz is not installed")
	}
	out, err := exec.Command("xz", "--robot", "-lvv", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var blocks [][]byte
	for line := range bytes.Lines(out) {
		if bytes.HasPrefix(line, []byte("block\t")) {
			blocks = append(blocks, line)
		}
	}
	if len(blocks) != 1 || !bytes.Contains(blocks[0], []byte("\tCRC32\t")) || !bytes.Contains(blocks[0], []byte("--lzma2=dict=1MiB")) {
		t.Errorf("blocks: %q", blocks)
	}
}

func TestCandidates(t *testing.T) {
	image := bytes.Repeat([]byte{0x90}, 1000)
	copy(image[100:], "\x28\xb5\x2f\xfd")
	copy(image[200:], "\x1f\x8b\x08\x00")
	copy(image[300:], "\x1f\x8b\x08\xff") // reserved flags
	copy(image[400:], "BZh91AY&SY")
	copy(image[500:], "BZh")
	copy(image[600:], "\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff")
	copy(image[700:], "\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\x7f")
	type hit struct {
		m   Method
		off int
	}
	var got []hit
	Candidates(image, func(m Method, off int) bool { got = append(got, hit{m, off}); return true })
	want := []hit{{Zstd, 100}, {Bzip2, 400}, {Gzip, 200}, {LZMA, 600}}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	n := 0
	Candidates(image, func(Method, int) bool { n++; return false })
	if n != 1 {
		t.Errorf("called %d times after false", n)
	}
}

func FuzzUnpack(f *testing.F) {
	plain := sample()[:300]
	for _, p := range packers {
		path, err := exec.LookPath(p.args[0])
		if err != nil || strings.HasSuffix(strings.Join(p.args, " "), "8MiB") || p.method == LZMA {
			continue // large dictionaries make the fuzzer slow
		}
		cmd := exec.Command(path, p.args[1:]...)
		cmd.Stdin = bytes.NewReader(plain)
		if out, err := cmd.Output(); err == nil {
			f.Add(out)
		}
	}
	f.Add([]byte("\x5d\x00\x00\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x33\x1b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 100 << 10
		tries := 0
		Candidates(data, func(m Method, off int) bool {
			out, err := First(m, data[off:], 0, limit)
			switch {
			case len(out) > limit:
				t.Errorf("%s: %d bytes", m, len(out))
			case err != nil && out != nil:
				t.Errorf("%s: bytes beside the error %v", m, err)
			case errors.Is(err, io.EOF):
				t.Errorf("%s: plain EOF", m)
			}
			unpack(m, data[off:], job{all: true, limit: limit})
			tries++
			return tries < 4
		})
	})
}

func BenchmarkUnpack(b *testing.B) {
	plain := sample()
	for _, p := range packers {
		b.Run(p.name, func(b *testing.B) {
			packed := pack(b, plain, p.args...)
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				if _, err := All(p.method, packed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		name  string
		want  Method
		plain string
	}{
		{"a/x.ko", None, "a/x.ko"},
		{"x.ko.xz", XZ, "x.ko"},
		{"x.ko.zst", Zstd, "x.ko"},
		{"x.ko.gz", Gzip, "x.ko"},
		{"out", LZMA, "out"},
	} {
		if got, plain := ForName(tt.name, LZMA), PlainName(tt.name); got != tt.want || plain != tt.plain {
			t.Errorf("%s: %s, %s", tt.name, got, plain)
		}
	}
}
