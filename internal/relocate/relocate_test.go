package relocate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/emit"
	"mkbtf/internal/check"
	"mkbtf/internal/encode"
	"mkbtf/internal/object"
)

const testdata = "../../testdata"

// standalone encodes a file of testdata on its own; it serves as a kernel.
func standalone(t *testing.T, name string) []byte {
	t.Helper()
	e, err := encode.New(encode.Options{Form: encode.SelfContained})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Open(filepath.Join(testdata, name), true)
	if err != nil {
		t.Fatal(err)
	}
	return out.BTF
}

// TestLikeEncoding relocates the BTF of a module to the kernel that it was encoded
// for, from every form: the bytes must be those of encoding. The kernels are BTF of
// other modules and objects, which share types with the module and lack others.
func TestLikeEncoding(t *testing.T) {
	for _, kernel := range []string{"kfuncs.ko", "hello.ko", "obj/x86_64-gcc-dwarf5/scopes.ko", "obj/x86_64-gcc-dwarf5/types.ko"} {
		if matches, _ := filepath.Glob(filepath.Join(testdata, kernel)); len(matches) == 0 {
			t.Fatalf("no %s", kernel)
		}
		raw := standalone(t, kernel)
		path := filepath.Join(t.TempDir(), "kernel.btf")
		write(t, path, raw)
		r, err := New(path, &object.BTFData{BTF: raw}, path, &object.BTFData{BTF: raw})
		if err != nil {
			t.Fatal(err)
		}
		for _, module := range []string{"hello.ko", "kfuncs.ko", "obj/x86_64-gcc-dwarf5/scopes.ko", "obj/x86_64-gcc-dwarf5/types.ko", "obj/x86_64-gcc-dwarf5/shapes.ko"} {
			split := encoded(t, encode.Split, path, module)
			for _, form := range []encode.Form{encode.SelfContained, encode.Distilled, encode.Split} {
				t.Run(kernel+"/"+module+"/"+form.String(), func(t *testing.T) {
					out := encoded(t, form, path, module)
					if out.BTF == nil && split.BTF == nil {
						return // the kernel has it all
					}
					in, old, err := parsed(out, r.to.base.Blob)
					if err != nil {
						t.Fatal(err)
					}
					res, err := r.move(in, old, out.Base != nil)
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(res.BTF, split.BTF) {
						t.Errorf("%d bytes, encoding gives %d others", len(res.BTF), len(split.BTF))
					}
				})
			}
		}
	}
}

func encoded(t *testing.T, form encode.Form, base, module string) *emit.Output {
	t.Helper()
	e, err := encode.New(encode.Options{Form: form, Base: base})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Open(filepath.Join(testdata, module), false)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// parsed parses an output and the base that it lies over.
func parsed(out *emit.Output, kernel *btf.Blob) (in, old *btf.Blob, err error) {
	old = kernel
	if out.Base != nil {
		if old, err = btf.Parse(out.Base, nil); err != nil {
			return nil, nil, err
		}
	}
	in, err = btf.Parse(out.BTF, old)
	return in, old, err
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// version is a kernel of a few types. In the second one, ids, strings and some types
// are others.
func version(second bool) *btf.Table {
	t := btf.NewTable(1, nil)
	s := t.Strings.InternString
	if second {
		t.Add(btf.Type{Kind: btf.Int, Name: s("_Bool"), Size: 1, Extra: btf.IntData(btf.IntBool, 0, 8)})
	}
	i := t.Add(btf.Type{Kind: btf.Int, Name: s("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	one := func(name string, size uint32) btf.ID {
		return t.AddWith(btf.Type{Kind: btf.Struct, Name: s(name), Size: size}, []btf.Member{{Name: s("m"), Type: i}})
	}
	one("same", 4)
	if second {
		one("grown", 16)
		one("twice", 8)
	} else {
		one("grown", 8)
		one("gone", 24)
	}
	one("twice", 4)
	t.AddWith(btf.Type{Kind: btf.Enum, Name: s("mode"), Size: 4}, []btf.Member{{Name: s("ON"), Off: 1}})
	// what makes it a kernel that reads module BTF and relocates it
	t.AddWith(btf.Type{Kind: btf.Struct, Name: s("module"), Size: 8}, []btf.Member{{Name: s("btf_data"), Type: i}})
	t.AddWith(btf.Type{Kind: btf.Struct, Name: s("btf"), Size: 8}, []btf.Member{{Name: s("base_id_map"), Type: i}})
	return t
}

func raw(t *testing.T, tab *btf.Table, base *btf.Blob) []byte {
	t.Helper()
	b, err := btf.Encode(tab, binary.LittleEndian, base, base != nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// user is a module with a struct that points to or embeds a struct of the kernel.
func user(t *testing.T, kernel *btf.Blob, name string, embed bool) *btf.Table {
	t.Helper()
	tab := btf.NewTable(kernel.End(), nil)
	s := tab.Strings.InternString
	var id btf.ID
	for i := kernel.Start(); i < kernel.End(); i++ {
		if string(kernel.StringAt(kernel.Record(i).NameOff)) == name {
			id = i
		}
	}
	if id == 0 {
		t.Fatalf("no %s", name)
	}
	if !embed {
		id = tab.Add(btf.Type{Kind: btf.Ptr, Ref: id})
	}
	tab.AddWith(btf.Type{Kind: btf.Struct, Name: s("user"), Size: 32}, []btf.Member{{Name: s("k"), Type: id}})
	return tab
}

// TestOtherKernel moves BTF to a kernel where things are different.
func TestOtherKernel(t *testing.T) {
	first, second := raw(t, version(false), nil), raw(t, version(true), nil)
	base, err := btf.Parse(first, nil)
	if err != nil {
		t.Fatal(err)
	}
	to, err := btf.Parse(second, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New("second", &object.BTFData{BTF: second}, "first", &object.BTFData{BTF: first})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		embed bool
		// what becomes of the struct: an id of the kernel, or an own one of that size
		fromKernel bool
		ownSize    uint32
		note       string
		err        error
	}{
		{name: "same", fromKernel: true},
		{name: "same", embed: true, fromKernel: true},
		{name: "grown", fromKernel: true},
		{name: "grown", embed: true, err: ErrABI},
		{name: "gone", ownSize: 24, note: "struct gone: the kernel has none"},
		{name: "twice", fromKernel: true},
		{name: "twice", embed: true, fromKernel: true},
		{name: "mode", fromKernel: true},
	} {
		for _, form := range []string{"split", "distilled"} {
			name := tt.name + " pointed to, " + form
			if tt.embed {
				name = tt.name + " embedded, " + form
			}
			t.Run(name, func(t *testing.T) {
				tab := user(t, base, tt.name, tt.embed)
				m := &check.Module{File: "user.ko", Name: "user", BTF: raw(t, tab, base)}
				if form == "distilled" {
					out, err := emit.Distilled(tab, base, binary.LittleEndian, emit.DistilOptions{})
					if err != nil {
						t.Fatal(err)
					}
					m.BTF, m.Base = out.BTF, out.Base
				}
				res, err := r.Module(m)
				if !errors.Is(err, tt.err) {
					t.Fatalf("error %v, want %v", err, tt.err)
				}
				if err != nil {
					return
				}
				b, err := btf.Parse(res.BTF, to)
				if err != nil {
					t.Fatal(err)
				}
				id := pointee(t, b)
				if got := string(b.StringAt(b.Record(id).NameOff)); got != tt.name {
					t.Errorf("leads to %q", got)
				}
				if (id < b.Start()) != tt.fromKernel || !tt.fromKernel && b.Record(id).SizeType != tt.ownSize {
					t.Errorf("leads to type %d of size %d, own types start at %d", id, b.Record(id).SizeType, b.Start())
				}
				if !strings.Contains(strings.Join(res.Notes, "\n"), tt.note) {
					t.Errorf("notes %q, want %q", res.Notes, tt.note)
				}
			})
		}
	}
}

// pointee is what struct user has, behind its pointer if it is one.
func pointee(t *testing.T, b *btf.Blob) btf.ID {
	t.Helper()
	for id := b.Start(); id < b.End(); id++ {
		if r := b.Record(id); string(b.StringAt(r.NameOff)) == "user" {
			_, ms := b.Decode(id, nil, func(uint32) btf.Str { return 0 })
			if p := b.Record(ms[0].Type); p.Kind() == btf.Ptr {
				return btf.ID(p.SizeType)
			}
			return ms[0].Type
		}
	}
	t.Fatal("no struct user")
	return 0
}

func TestSplitNeedsItsBase(t *testing.T) {
	first, second := raw(t, version(false), nil), raw(t, version(true), nil)
	base, err := btf.Parse(first, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &check.Module{File: "user.ko", BTF: raw(t, user(t, base, "same", false), base), Release: "1.0"}
	kernel := &object.BTFData{BTF: second, Release: "2.0"}
	r, err := New("second", kernel, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Module(m); !errors.Is(err, ErrNoOldBase) || !strings.Contains(err.Error(), "made for 1.0") {
		t.Errorf("without its base: %v", err)
	}
	if r, err = New("second", kernel, "wrong", &object.BTFData{BTF: second, Release: "3.0"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Module(m); !errors.Is(err, ErrWrongBase) {
		t.Errorf("with another base: %v", err)
	}
	if r, err = New("first", &object.BTFData{BTF: first, Release: "1.0"}, "", nil); err != nil {
		t.Fatal(err)
	}
	if res, err := r.Module(m); err != nil || !res.Unchanged || !bytes.Equal(res.BTF, m.BTF) {
		t.Errorf("for the kernel that it is made for already: %+v, %v", res, err)
	}
	if _, err := r.Module(&check.Module{File: "none.ko"}); !errors.Is(err, ErrNoBTF) {
		t.Errorf("without BTF: %v", err)
	}
}

// FuzzModule relocates damaged BTF: an error or BTF that can be parsed.
func FuzzModule(f *testing.F) {
	table := version(false)
	first, _ := btf.Encode(table, binary.LittleEndian, nil, false)
	second, _ := btf.Encode(version(true), binary.LittleEndian, nil, false)
	base, err := btf.Parse(first, nil)
	if err != nil {
		f.Fatal(err)
	}
	to, err := btf.Parse(second, nil)
	if err != nil {
		f.Fatal(err)
	}
	r, err := New("second", &object.BTFData{BTF: second}, "first", &object.BTFData{BTF: first})
	if err != nil {
		f.Fatal(err)
	}
	tab := btf.NewTable(base.End(), nil)
	s := tab.Strings.InternString
	p := tab.Add(btf.Type{Kind: btf.Ptr, Ref: 3})
	a := tab.Add(btf.Type{Kind: btf.Array, Ref: p, Extra: 1, Size: 3})
	tab.Add(btf.Type{Kind: btf.Array, Ref: a, Extra: 1, Size: 2})
	tab.AddWith(btf.Type{Kind: btf.Struct, Name: s("user"), Size: 64}, []btf.Member{{Name: s("k"), Type: a}})
	split, err := btf.Encode(tab, binary.LittleEndian, base, true)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(split, []byte(nil))
	out, err := emit.Distilled(tab, base, binary.LittleEndian, emit.DistilOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(out.BTF, out.Base)
	f.Fuzz(func(t *testing.T, data, base []byte) {
		m := &check.Module{File: "fuzz.ko", BTF: data}
		if len(base) > 0 {
			m.Base = base
		}
		res, err := r.Module(m)
		if err != nil || res.BTF == nil || res.Unchanged {
			return
		}
		if _, err := btf.Parse(res.BTF, to); err != nil {
			t.Error(err)
		}
	})
}
