package kernel

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	ebtf "github.com/cilium/ebpf/btf"

	"mkbtf/btf"
	"mkbtf/internal/dump"
	"mkbtf/internal/dump/dumptest"
	"mkbtf/internal/encode"
	"mkbtf/internal/object"
)

// TestCORE compiles BPF programs with the headers of real modules of 6.12, which read
// every member of the modules' own records, and relocates them as a loader does: to the
// BTF that mkbtf makes, in two forms, and to the BTF of the same modules of 6.1. What the
// programs then read must be what the target's BTF says.
func TestCORE(t *testing.T) {
	clang := dumptest.Compiler("clang")
	if clang == "" {
		t.Skip("clang is not installed")
	}
	k := needDebug(t)
	old := needKernel(t, "6.1", "cloud-amd64")
	oldBase := parsed(t, old.image(), nil)
	base := k.base(t)
	split, err := encode.New(encode.Options{Base: k.vmlinux(), Form: encode.Split})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := encode.New(encode.Options{Form: encode.SelfContained})
	if err != nil {
		t.Fatal(err)
	}
	kernelSpec, oldSpec := spec(t, base.Data, nil), spec(t, oldBase.Data, nil)
	oldModules := byName(t, filepath.Join(old.dir, "modules")+"/")
	read, moved, gone := 0, 0, 0
	for _, name := range []string{"nf_conntrack", "virtio_net", "nvme-core", "overlay", "hv_netvsc"} {
		path := byName(t, k.modules())[name]
		if path == "" {
			continue // built into this kernel
		}
		out, err := split.Open(path, false)
		if err != nil {
			t.Fatal(err)
		}
		b, err := btf.Parse(out.BTF, base)
		if err != nil {
			t.Fatal(err)
		}
		var header bytes.Buffer
		if err := dump.C(&header, b, dump.COptions{}); err != nil {
			t.Fatal(err)
		}
		list := dumptest.Accesses(b)
		list = list[:min(len(list), 200)]
		relocate := func(to string, want []dumptest.Access, targets ...*ebtf.Spec) {
			got, err := dumptest.Relocate(clang, t.TempDir(), header.Bytes(), list, binary.LittleEndian, targets...)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, to, err)
			}
			places := map[string]dumptest.Access{}
			for _, a := range want {
				places[a.Record+":"+a.Member] = a
			}
			for _, a := range got {
				w, ok := places[a.Record+":"+a.Member]
				if !ok {
					continue // of a record whose name is not the only one there
				}
				if a.Bit != w.Bit || a.Bits != w.Bits {
					t.Errorf("%s, %s: the program reads %v, the BTF has %v", name, to, a, w)
				}
			}
			read += len(got)
			if to != "6.1" {
				if len(got) != len(list) {
					t.Errorf("%s, %s: %d of %d members are found", name, to, len(got), len(list))
				}
				return
			}
			gone += len(list) - len(got)
			for i, j := 0, 0; i < len(list) && j < len(got); i++ {
				if list[i].Record == got[j].Record && list[i].Member == got[j].Member {
					if list[i].Bit != got[j].Bit {
						moved++
					}
					j++
				}
			}
		}
		relocate("split", list, kernelSpec, spec(t, out.BTF, kernelSpec))

		whole, err := alone.Open(path, true)
		if err != nil {
			t.Fatal(err)
		}
		standalone := spec(t, whole.BTF, nil)
		relocate("self-contained", list, standalone)

		if path := oldModules[name]; path != "" {
			data, err := object.LoadBTF(path)
			if err != nil {
				t.Fatal(err)
			}
			m, err := data.Parse(oldBase)
			if err != nil {
				t.Fatal(err)
			}
			relocate("6.1", dumptest.Accesses(m), oldSpec, spec(t, data.BTF, oldSpec))
		}
	}
	if moved == 0 {
		t.Error("no member had to be moved: this shows nothing")
	}
	t.Logf("%d members read; in 6.1, %d lie elsewhere and %d are not there", read, moved, gone)
}

// byName lists the modules of a tree by their files' names without any extension.
func byName(t *testing.T, dir string) map[string]string {
	t.Helper()
	list := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if name, _, ok := strings.Cut(filepath.Base(path), ".ko"); ok && err == nil && !d.IsDir() {
			list[name] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func parsed(t *testing.T, path string, base *btf.Blob) *btf.Blob {
	t.Helper()
	data, err := object.LoadBTF(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := data.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func spec(t *testing.T, raw []byte, base *ebtf.Spec) *ebtf.Spec {
	t.Helper()
	var s *ebtf.Spec
	var err error
	if base == nil {
		s, err = ebtf.LoadSpecFromReader(bytes.NewReader(raw))
	} else {
		s, err = ebtf.LoadSplitSpecFromReader(bytes.NewReader(raw), base)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
