package main

import (
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"mkbtf/btf"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mkbtf": main, "pahole": main})
}

func TestScripts(t *testing.T) {
	testdata, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TESTDATA", testdata)
			return writeFixtures(e.WorkDir)
		},
	})
}

// writeFixtures writes small BTF files for the scripts:
//
//	vmlinux.btf  a kernel: int, struct task, a function
//	old.btf      a module over it: struct dev, a function
//	new.btf      the same a version later, with its own copy of struct task
//	far.ko       an ELF file with old.btf over a base of its own
//	old.ko       an ELF file with old.btf and no base
//	none.ko      an ELF file without BTF
//
// and those of kernelFixtures.
func writeFixtures(dir string) error {
	kernel := kernelTable()
	raw, err := btf.Encode(kernel, binary.LittleEndian, nil, false)
	if err != nil {
		return err
	}
	base, err := btf.Parse(raw, nil)
	if err != nil {
		return err
	}
	files := map[string][]byte{"vmlinux.btf": raw}
	for _, v := range []struct {
		name  string
		newer bool
	}{{"old.btf", false}, {"new.btf", true}} {
		if files[v.name], err = btf.Encode(moduleTable(base.End(), v.newer), binary.LittleEndian, base, true); err != nil {
			return err
		}
	}
	unshared, err := btf.Encode(moduleTable(base.End(), false), binary.LittleEndian, base, false)
	if err != nil {
		return err
	}
	kernels, err := kernelFixtures()
	if err != nil {
		return err
	}
	maps.Copy(files, kernels)
	files["far.ko"] = elfFile(section{".BTF", unshared}, section{".BTF.base", raw})
	files["old.ko"] = elfFile(section{".BTF", files["old.btf"]})
	files["none.ko"] = elfFile()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Ids of kernelTable.
const (
	kernelInt btf.ID = iota + 1
	kernelTask
	kernelTaskPtr
)

func kernelTable() *btf.Table {
	t := btf.NewTable(1, nil)
	s := t.Strings.InternString
	t.Add(btf.Type{Kind: btf.Int, Name: s("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	t.AddWith(btf.Type{Kind: btf.Struct, Name: s("task"), Size: 4}, []btf.Member{{Name: s("pid"), Type: kernelInt}})
	t.Add(btf.Type{Kind: btf.Ptr, Ref: kernelTask})
	proto := t.AddWith(btf.Type{Kind: btf.FuncProto, Ref: kernelInt}, []btf.Member{{Name: s("t"), Type: kernelTaskPtr}})
	t.Add(btf.Type{Kind: btf.Func, Name: s("wake"), Ref: proto})
	return t
}

func moduleTable(start btf.ID, newer bool) *btf.Table {
	t := btf.NewTable(start, nil)
	s := t.Strings.InternString
	task, off := kernelTaskPtr, uint32(0)
	if newer {
		own := t.AddWith(btf.Type{Kind: btf.Struct, Name: s("task"), Size: 4}, []btf.Member{{Name: s("pid"), Type: kernelInt}})
		task, off = t.Add(btf.Type{Kind: btf.Ptr, Ref: own}), 64
	}
	dev := t.AddWith(btf.Type{Kind: btf.Struct, Name: s("dev"), Size: 16}, []btf.Member{
		{Name: s("owner"), Type: task, Off: off}, {Name: s("busy"), Type: kernelInt, Off: 64 - off, Bits: 1},
	})
	ptr := t.Add(btf.Type{Kind: btf.Ptr, Ref: dev})
	proto := t.AddWith(btf.Type{Kind: btf.FuncProto}, []btf.Member{{Name: s("d"), Type: ptr}})
	t.Add(btf.Type{Kind: btf.Func, Name: s("probe"), Ref: proto})
	return t
}

type section struct {
	name string
	data []byte
}

// elfFile is a relocatable x86-64 file with some sections.
func elfFile(sections ...section) []byte {
	const headerLen, sectionLen = 64, 64
	le := binary.LittleEndian
	names := []byte{0}
	var table, body []byte
	add := func(name string, typ uint32, data []byte) {
		h := make([]byte, sectionLen)
		if name != "" {
			le.PutUint32(h, uint32(len(names)))
			names = append(append(names, name...), 0)
		}
		if name == ".shstrtab" {
			data = names
		}
		le.PutUint32(h[4:], typ)
		le.PutUint64(h[24:], uint64(headerLen+len(body)))
		le.PutUint64(h[32:], uint64(len(data)))
		le.PutUint64(h[48:], 1)
		body = append(body, data...)
		for len(body)%8 != 0 {
			body = append(body, 0)
		}
		table = append(table, h...)
	}
	add("", 0, nil)
	for _, s := range sections {
		add(s.name, 1, s.data)
	}
	add(".shstrtab", 3, nil)
	h := make([]byte, headerLen)
	copy(h, "\x7fELF\x02\x01\x01")
	le.PutUint16(h[16:], 1)  // ET_REL
	le.PutUint16(h[18:], 62) // EM_X86_64
	le.PutUint32(h[20:], 1)
	le.PutUint64(h[40:], uint64(headerLen+len(body)))
	le.PutUint16(h[52:], headerLen)
	le.PutUint16(h[58:], sectionLen)
	le.PutUint16(h[60:], uint16(len(sections)+2))
	le.PutUint16(h[62:], uint16(len(sections)+1))
	return append(append(h, body...), table...)
}
