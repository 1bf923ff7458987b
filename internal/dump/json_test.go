package dump

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"mkbtf/btf"
)

type jsonDump struct {
	Types []map[string]any `json:"types"`
}

func parseJSON(t testing.TB, text []byte) jsonDump {
	t.Helper()
	var d jsonDump
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

func inJSON(t testing.TB, b *btf.Blob, ids ...btf.ID) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := JSON(&out, b, ids...); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func runningKernel(t testing.TB) *btf.Blob {
	t.Helper()
	raw, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Skip(err)
	}
	b, err := btf.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestJSONGolden(t *testing.T) {
	const golden = "testdata/every-kind.json"
	b, err := btf.Parse(everyKind(t, binary.LittleEndian), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := inJSON(t, b)
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
}

// TestJSONLikeBpftool compares with bpftool, which has one error that is not repeated:
// it writes the values of an unsigned ENUM as if they were negative 64 bit numbers.
func TestJSONLikeBpftool(t *testing.T) {
	raw := everyKind(t, binary.LittleEndian)
	path := filepath.Join(t.TempDir(), "raw.btf")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	small, err := btf.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("every kind", func(t *testing.T) { likeBpftool(t, small, path) })
	t.Run("running kernel", func(t *testing.T) { likeBpftool(t, runningKernel(t), "/sys/kernel/btf/vmlinux") })
}

func likeBpftool(t *testing.T, b *btf.Blob, path string) {
	got, want := parseJSON(t, inJSON(t, b)), parseJSON(t, bpftool(t, "-j", "btf", "dump", "file", path))
	if len(got.Types) != len(want.Types) {
		t.Fatalf("%d types, bpftool prints %d", len(got.Types), len(want.Types))
	}
	for i, w := range want.Types {
		if values, ok := w["values"].([]any); ok && w["kind"] == "ENUM" && w["encoding"] == "UNSIGNED" {
			mine := got.Types[i]["values"].([]any)
			for j := range values {
				v := values[j].(map[string]any)
				if n := mine[j].(map[string]any)["val"].(json.Number); len(n) == len("4294967295") && n > "2147483647" {
					v["val"] = n
				}
			}
		}
		if !reflect.DeepEqual(got.Types[i], w) {
			t.Fatalf("type %d is\n%v\nbpftool prints\n%v", i+1, got.Types[i], w)
		}
	}
}

func TestJSONQuotes(t *testing.T) {
	b := build(t, nil, func(b builder) {
		b.named(btf.TypeTag, "a\"\\\n\x7f\xc3\xa9\xff", btf.Type{})
	})
	if got, want := parseJSON(t, inJSON(t, b)).Types[0]["name"], "a\"\\\n\x7f\u00e9\ufffd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJSONWriteError(t *testing.T) {
	if err := JSON(fullDisk{}, build(t, nil, func(b builder) { b.signed("int", 4) })); err == nil {
		t.Error("no error from a writer that fails")
	}
}

// TestSelect selects by name and by kind and name.
func TestSelect(t *testing.T) {
	b := build(t, nil, func(b builder) {
		i := b.signed("int", 4)                                            // 1
		far := b.structure("far", 4, b.at(0, "i", i))                      // 2
		near := b.structure("near", 4, b.at(0, "i", i))                    // 3
		b.structure("x", 16, b.at(0, "n", near), b.at(8, "f", b.ptr(far))) // 5, its pointer 4
		b.typedef("x", near)                                               // 6
		b.named(btf.Fwd, "u", btf.Type{Flag: true})                        // 7
	})
	for _, c := range []struct {
		names []string
		want  []btf.ID
	}{
		{[]string{"struct x"}, []btf.ID{1, 3, 4, 5}},
		{[]string{"x"}, []btf.ID{1, 3, 4, 5, 6}},
		{[]string{"typedef x"}, []btf.ID{1, 3, 6}},
		{[]string{"union u", "int"}, []btf.ID{1, 7}},
	} {
		got, err := Select(b, c.names)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: got %v, %v, want %v", c.names, got, err, c.want)
		}
	}
	text := inJSON(t, b, 3)
	if d := parseJSON(t, text); len(d.Types) != 1 || d.Types[0]["name"] != "near" {
		t.Errorf("got %s", text)
	}
}
