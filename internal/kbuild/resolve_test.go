package kbuild

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/emit"
	"mkbtf/internal/encode"
	"mkbtf/internal/object"
)

const kfuncs = "../../testdata/kfuncs.ko"

// encodeTo encodes a module as FORM to a file and returns that.
func encodeTo(t *testing.T, out, module string, o encode.Options) string {
	t.Helper()
	o.Out = out
	if err := encode.Files([]string{module}, o, nil)[0]; err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sectionOf is the content of a section, nil if there is none.
func sectionOf(t *testing.T, path, name string) []byte {
	t.Helper()
	f, err := object.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := f.DataOf(name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(data)
}

// unresolved writes a copy of a module whose .BTF_ids is as the compiler left it.
func unresolved(t *testing.T, to, module string) string {
	t.Helper()
	ids := emit.ELFContent{Name: ".BTF_ids", Data: sectionOf(t, kfuncs, ".BTF_ids")}
	e, err := emit.EditELF(read(t, module), nil, emit.ELFOptions{Overwrite: []emit.ELFContent{ids}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, e.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return to
}

// kernelTool finds a resolve_btfids of a kernel's build, by what its help says.
func kernelTool(t *testing.T, old bool) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/linux-kbuild-*/tools/bpf/resolve_btfids/resolve_btfids", "/lib/modules/*/build/tools/bpf/resolve_btfids/resolve_btfids"} {
		tools, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, tool := range tools {
			help, _ := exec.Command(tool, "--help").CombinedOutput()
			if bytes.Contains(help, []byte("btf_base")) && bytes.Contains(help, []byte("patch_btfids")) != old {
				return tool
			}
		}
	}
	t.Skip("needs the kernel's resolve_btfids: install the headers of a kernel of that age")
	return ""
}

// TestInPlace resolves the ids of a module whose own .BTF.base says what they mean,
// and compares with what encode does, and with the kernel's tool.
func TestInPlace(t *testing.T) {
	dir := t.TempDir()
	want := encodeTo(t, filepath.Join(dir, "want.ko"), kfuncs, encode.Options{Form: encode.SelfContained})
	got := unresolved(t, filepath.Join(dir, "got.ko"), want)
	var said []string
	r := &Resolve{Warn: func(m string) { said = append(said, m) }}
	for _, run := range []string{"first run", "second run"} {
		if err := r.File(got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(read(t, got), read(t, want)) {
			t.Errorf("%s: not what encode has written", run)
		}
	}
	if len(said) > 0 {
		t.Errorf("warnings: %q", said)
	}
	t.Run("kernel's tool", func(t *testing.T) {
		theirs := unresolved(t, filepath.Join(dir, "theirs.ko"), want)
		if out, err := exec.Command(kernelTool(t, true), theirs).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if a, b := sectionOf(t, want, ".BTF_ids"), sectionOf(t, theirs, ".BTF_ids"); !bytes.Equal(a, b) {
			t.Errorf(".BTF_ids\n% x, theirs\n% x", a, b)
		}
	})
}

// TestFiles does what the build of Linux 7.0 does with a module, and compares with
// what encode makes at once. The kernel is another module's BTF.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	base := encodeTo(t, filepath.Join(dir, "vmlinux.btf"), "../../testdata/hello.ko", encode.Options{Form: encode.SelfContained, Detached: true})
	raw := encodeTo(t, filepath.Join(dir, "x.ko.BTF.1"), kfuncs, encode.Options{Form: encode.Split, Base: base, Detached: true})
	tests := []struct {
		name string
		r    Resolve
		want encode.Options
	}{
		{"in the tree", Resolve{}, encode.Options{Form: encode.Split, Base: base}},
		{"external", Resolve{DistillBase: true}, encode.Options{Form: encode.Distilled, Base: base}},
		{"external, auto", Resolve{DistillBase: true, Form: "auto"}, encode.Options{Form: encode.Distilled, Base: base}},
		{"external, split", Resolve{DistillBase: true, Form: "split"}, encode.Options{Form: encode.Split, Base: base}},
		{"in the tree, distilled", Resolve{Form: "distilled"}, encode.Options{Form: encode.Distilled, Base: base}},
		{"self-contained", Resolve{Form: "self-contained"}, encode.Options{Form: encode.SelfContained, Base: base, Keep: encode.KeepOwn}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			ko := filepath.Join(dir, "x.ko")
			if err := os.WriteFile(ko, read(t, kfuncs), 0o644); err != nil {
				t.Fatal(err)
			}
			for _, stale := range []string{".BTF", ".BTF.base", ".BTF_ids"} {
				if err := os.WriteFile(ko+stale, []byte("old"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			r := tt.r
			r.BTF, r.Base, r.FatalWarnings = raw, base, true
			r.Warn = func(m string) { t.Error(m) }
			if err := r.File(ko); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(read(t, ko), read(t, kfuncs)) {
				t.Error("the module was changed")
			}
			want := encodeTo(t, filepath.Join(dir, "want.ko"), kfuncs, tt.want)
			for _, name := range []string{".BTF", ".BTF.base", ".BTF_ids"} {
				got, err := os.ReadFile(ko + name)
				if err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
				if !bytes.Equal(got, sectionOf(t, want, name)) {
					t.Errorf("%s has %d bytes, which are not the %d that encode writes", name, len(got), len(sectionOf(t, want, name)))
				}
			}
			patch := &Resolve{PatchIDs: ko + ".BTF_ids"}
			if err := patch.File(ko); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(sectionOf(t, ko, ".BTF_ids"), read(t, ko+".BTF_ids")) {
				t.Error("--patch_btfids did not put the ids into the module")
			}
		})
	}
}

// TestRepeated gives resolve_btfids BTF that repeats its base, which must come out
// without the repetitions, and with its functions.
func TestRepeated(t *testing.T) {
	dir := t.TempDir()
	base := encodeTo(t, filepath.Join(dir, "vmlinux.btf"), "../../testdata/hello.ko", encode.Options{Form: encode.SelfContained, Detached: true})
	blob, err := btf.Parse(read(t, base), nil)
	if err != nil {
		t.Fatal(err)
	}
	all := btf.NewTable(blob.End(), nil)
	own := blob.Table(all.Strings) // the same types again, behind the base
	shift := blob.End() - 1
	functions := 0
	for i := range own.Types {
		typ, members := own.Types[i], own.MembersOf(&own.Types[i])
		if typ.Kind == btf.Var || typ.Kind == btf.DataSec { // never merged: variables have an address
			typ, members = btf.Type{Kind: btf.Ptr}, nil
		}
		if typ.Kind == btf.Func {
			functions++
		}
		id := all.AddWith(typ, members)
		all.Refs(all.At(id), func(ref *btf.ID) {
			if *ref != 0 {
				*ref += shift
			}
		})
	}
	out, err := dedupAgain(all, blob)
	if err != nil {
		t.Fatal(err)
	}
	left := map[btf.Kind]int{}
	for i := range out.Types {
		left[out.Types[i].Kind]++
	}
	if left[btf.Func] != functions || len(out.Types) != functions {
		t.Errorf("%d types are left, want the %d FUNCs: %v", len(out.Types), functions, left)
	}
}

func TestResolveErrors(t *testing.T) {
	dir := t.TempDir()
	copied := filepath.Join(dir, "x.ko")
	if err := os.WriteFile(copied, read(t, kfuncs), 0o644); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(dir, "short")
	if err := os.WriteFile(short, []byte("1234"), 0o644); err != nil {
		t.Fatal(err)
	}
	hello := encodeTo(t, filepath.Join(dir, "hello.btf"), "../../testdata/hello.ko", encode.Options{Form: encode.SelfContained, Detached: true})
	tests := []struct {
		name string
		r    Resolve
		want error
		text string
	}{
		{"no BTF", Resolve{}, object.ErrNoBTF, ".BTF"},
		{"no such BTF", Resolve{BTF: filepath.Join(dir, "none")}, os.ErrNotExist, "none"},
		{"other size", Resolve{PatchIDs: short}, emit.ErrInPlace, ".BTF_ids"},
		{"unknown form", Resolve{BTF: hello, Base: hello, Form: "tiny"}, nil, "tiny"},
		{"form without base", Resolve{BTF: hello, Form: "distilled"}, nil, "btf_base"},
		{"functions that the BTF lacks", Resolve{BTF: hello, FatalWarnings: true}, ErrWarnings, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.r.File(copied)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, want %v about %q", err, tt.want, tt.text)
			}
			if !bytes.Equal(read(t, copied), read(t, kfuncs)) {
				t.Error("the module was changed")
			}
		})
	}
}
