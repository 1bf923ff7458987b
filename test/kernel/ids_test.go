package kernel

import (
	"bytes"
	"io/fs"
	"maps"
	"path/filepath"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/btfids"
	"mkbtf/internal/encode"
	"mkbtf/internal/object"
)

// TestShippedIDs encodes every module that has .BTF_ids, which the distribution's
// build has filled in: in each form every function must keep its flags, every id must
// be that of a type of its name, and doing it again must change nothing.
func TestShippedIDs(t *testing.T) {
	k := needDebug(t)
	base := k.base(t)
	modules := 0
	err := filepath.WalkDir(k.modules(), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".ko" {
			return err
		}
		shipped, _ := readIDs(t, path, base)
		if shipped == nil {
			return nil
		}
		modules++
		want := flags(shipped)
		for _, form := range []encode.Form{encode.Split, encode.Distilled, encode.SelfContained} {
			out := filepath.Join(t.TempDir(), filepath.Base(path))
			o := encode.Options{Base: k.vmlinux(), Form: form, Out: out, Warn: func(_, message string) {
				t.Errorf("%s, %s: %s", filepath.Base(path), form, message)
			}}
			if err := encode.Files([]string{path}, o, nil)[0]; err != nil {
				t.Errorf("%s, %s: %v", filepath.Base(path), form, err)
				continue
			}
			ours, blob := readIDs(t, out, base)
			if got := flags(ours); !maps.Equal(got, want) {
				t.Errorf("%s, %s: flags %v, shipped were %v", filepath.Base(path), form, got, want)
			}
			if again := ours.Resolve(blob); !bytes.Equal(again.Data, contentOf(t, out)) {
				t.Errorf("%s, %s: .BTF_ids is not what its BTF gives", filepath.Base(path), form)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if modules < 4 {
		t.Errorf("only %d modules with .BTF_ids", modules)
	}
	t.Logf("%d modules", modules)
}

// readIDs reads .BTF_ids, nil if there is none, with the BTF that its ids belong to.
func readIDs(t *testing.T, path string, base *btf.Blob) (*btfids.Section, *btf.Blob) {
	t.Helper()
	f, err := object.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src, err := f.Source()
	if err != nil {
		t.Fatal(err)
	}
	src.BTFIDs = bytes.Clone(src.BTFIDs) // outlives the file
	s, err := btfids.FromSource(src)
	if err != nil || s == nil {
		if err != nil {
			t.Error(err)
		}
		return nil, nil
	}
	data, err := f.BTF()
	if err != nil {
		t.Fatal(err)
	}
	blob, err := data.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Attribute(blob); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return s, blob
}

func contentOf(t *testing.T, path string) []byte {
	t.Helper()
	f, err := object.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := f.DataOf(".BTF_ids")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(data)
}

func flags(s *btfids.Section) map[string]uint32 {
	m := map[string]uint32{}
	for _, k := range s.KFuncs() {
		m[k.Name] = k.Flags
	}
	return m
}
