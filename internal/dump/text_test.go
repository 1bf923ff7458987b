package dump

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"mkbtf/btf"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// everyKind returns BTF with a type of every kind and of every flag.
func everyKind(t testing.TB, order btf.Order) []byte {
	t.Helper()
	tab := btf.NewTable(1, nil)
	s := tab.Strings.InternString
	i := tab.Add(btf.Type{Kind: btf.Int, Name: s("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	tab.Add(btf.Type{Kind: btf.Int, Name: s("unsigned int"), Size: 4, Extra: btf.IntData(0, 0, 32)})
	tab.Add(btf.Type{Kind: btf.Int, Name: s("_Bool"), Size: 1, Extra: btf.IntData(btf.IntBool, 0, 8)})
	tab.Add(btf.Type{Kind: btf.Int, Name: s("char"), Size: 1, Extra: btf.IntData(btf.IntChar, 0, 8)})
	st := tab.AddWith(btf.Type{Kind: btf.Struct, Name: s("s"), Size: 8}, []btf.Member{
		{Name: s("a"), Type: i, Bits: 3}, {Name: s("b"), Type: i, Off: 3, Bits: 5}, {Type: i, Off: 32},
	})
	tab.AddWith(btf.Type{Kind: btf.Struct, Name: s("none")}, nil)
	tab.AddWith(btf.Type{Kind: btf.Union, Size: 4}, []btf.Member{{Name: s("a"), Type: i}})
	p := tab.Add(btf.Type{Kind: btf.Ptr, Ref: st})
	tab.Add(btf.Type{Kind: btf.Ptr})
	tab.Add(btf.Type{Kind: btf.Array, Ref: i, Extra: uint32(i), Size: 7})
	tab.AddWith(btf.Type{Kind: btf.Enum, Name: s("e"), Size: 4, Flag: true}, []btf.Member{{Name: s("X"), Off: 0xffffffff}})
	tab.AddWith(btf.Type{Kind: btf.Enum, Size: 4}, []btf.Member{{Name: s("Y"), Off: 0xffffffff}})
	tab.AddWith(btf.Type{Kind: btf.Enum64, Name: s("e64"), Size: 8}, []btf.Member{{Name: s("Z"), Off: 1, Bits: 0x80000000}})
	tab.AddWith(btf.Type{Kind: btf.Enum64, Name: s("s64"), Size: 8, Flag: true}, []btf.Member{{Name: s("Z"), Off: 1, Bits: 0x80000000}})
	tab.Add(btf.Type{Kind: btf.Fwd, Name: s("f")})
	tab.Add(btf.Type{Kind: btf.Fwd, Name: s("g"), Flag: true})
	td := tab.Add(btf.Type{Kind: btf.Typedef, Name: s("t"), Ref: p})
	for _, k := range []btf.Kind{btf.Volatile, btf.Const, btf.Restrict} {
		tab.Add(btf.Type{Kind: k, Ref: td})
	}
	fp := tab.AddWith(btf.Type{Kind: btf.FuncProto, Ref: i}, []btf.Member{{Name: s("x"), Type: p}, {}})
	for link := range uint32(3) {
		tab.Add(btf.Type{Kind: btf.Func, Name: s("fn"), Ref: fp, Extra: link})
	}
	var vars []btf.Member
	for link := range uint32(3) {
		v := tab.Add(btf.Type{Kind: btf.Var, Name: s("v"), Ref: i, Extra: link})
		vars = append(vars, btf.Member{Type: v, Off: 4 * link, Bits: 4})
	}
	tab.AddWith(btf.Type{Kind: btf.DataSec, Name: s(".data"), Size: 16}, vars)
	tab.Add(btf.Type{Kind: btf.Float, Name: s("double"), Size: 8})
	tab.Add(btf.Type{Kind: btf.DeclTag, Name: s("tag"), Ref: st, Extra: 1})
	tab.Add(btf.Type{Kind: btf.DeclTag, Name: s("tag"), Ref: td, Extra: 0xffffffff, Flag: true})
	tab.Add(btf.Type{Kind: btf.TypeTag, Name: s("user"), Ref: i, Flag: true})
	raw, err := btf.Encode(tab, order, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func text(t *testing.T, raw []byte, base *btf.Blob) []byte {
	t.Helper()
	b, err := btf.Parse(raw, base)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Text(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestTextGolden(t *testing.T) {
	const golden = "testdata/every-kind.txt"
	got := text(t, everyKind(t, binary.LittleEndian), nil)
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("differs from %s:\n%s", golden, got)
	}
	if big := text(t, everyKind(t, binary.BigEndian), nil); !bytes.Equal(big, want) {
		t.Errorf("big endian differs from %s:\n%s", golden, big)
	}
}

func TestTextEscapesControls(t *testing.T) {
	tab := btf.NewTable(1, nil)
	tab.Add(btf.Type{Kind: btf.TypeTag, Name: tab.Strings.InternString("a\n\x1b[1m\x7f\xc3\xa9")})
	raw, err := btf.Encode(tab, binary.LittleEndian, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(text(t, raw, nil)), "[1] TYPE_TAG 'a\\x0a\\x1b[1m\\x7f\xc3\xa9' type_id=0\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

type fullDisk struct{}

var errFull = errors.New("no space")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestTextWriteError(t *testing.T) {
	b, err := btf.Parse(everyKind(t, binary.LittleEndian), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := Text(fullDisk{}, b); !errors.Is(err, errFull) {
		t.Errorf("got %v, want the error of the writer", err)
	}
}

func bpftool(t *testing.T, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("bpftool")
	if err != nil {
		t.Skip("bpftool is not installed")
	}
	cmd := exec.Command(path, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("bpftool %v: %v: %s", args, err, stderr.Bytes())
	}
	return out
}

func same(t *testing.T, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			t.Fatalf("line %d is\n%s\nbpftool prints\n%s", i+1, g[i], w[i])
		}
	}
	t.Fatalf("%d lines, bpftool prints %d", len(g), len(w))
}

func TestTextLikeBpftool(t *testing.T) {
	for _, order := range []btf.Order{binary.LittleEndian, binary.BigEndian} {
		t.Run(order.String(), func(t *testing.T) {
			raw := everyKind(t, order)
			path := filepath.Join(t.TempDir(), "raw.btf")
			if err := os.WriteFile(path, raw, 0o644); err != nil {
				t.Fatal(err)
			}
			same(t, text(t, raw, nil), bpftool(t, "btf", "dump", "file", path))
		})
	}
}

func TestTextLikeBpftoolRunningKernel(t *testing.T) {
	const path = "/sys/kernel/btf/vmlinux"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Skip(err)
	}
	same(t, text(t, raw, nil), bpftool(t, "btf", "dump", "file", path))
}

func BenchmarkText(b *testing.B) {
	raw, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		b.Skip(err)
	}
	blob, err := btf.Parse(raw, nil)
	if err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := Text(&out, blob); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(out.Len()))
}
