package funccheck_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/encode"
	"mkbtf/internal/funccheck"
	"mkbtf/internal/object"
	"mkbtf/internal/testkernel"
)

// features are the sets that files are encoded with.
var features = []string{"+default", "+true_signature,linkage,global_var"}

func parseFeatures(t *testing.T, list string) *encode.Features {
	t.Helper()
	f, remarks := encode.ParseFeatures([]string{list})
	if len(remarks) > 0 {
		t.Fatal(remarks)
	}
	return &f
}

// check encodes a file and holds the result against what funccheck reads from it.
func check(t *testing.T, e *encode.Encoder, path string, base *btf.Blob) funccheck.Counts {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := funccheck.Read(data)
	if errors.Is(err, funccheck.ErrNoDWARF) || errors.Is(err, funccheck.ErrTypeUnit) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Open(path, true)
	if err != nil {
		if strings.Contains(err.Error(), "DWARF") || strings.Contains(err.Error(), "gsplit-dwarf") {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	if out.BTF == nil {
		return funccheck.Counts{}
	}
	blob, err := btf.Parse(out.BTF, base)
	if err != nil {
		t.Fatal(err)
	}
	n, wrong := f.Check(blob)
	for i, err := range wrong {
		if i == 20 {
			t.Errorf("and %d more", len(wrong)-i)
			break
		}
		t.Error(err)
	}
	return n
}

// TestFixtures checks every object of testdata.
func TestFixtures(t *testing.T) {
	files, err := filepath.Glob("../../testdata/obj/*/*.*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no objects in testdata: %v", err)
	}
	for _, set := range features {
		e, err := encode.New(encode.Options{Form: encode.SelfContained, Features: parseFeatures(t, set)})
		if err != nil {
			t.Fatal(err)
		}
		var sum funccheck.Counts
		for _, path := range append(files, "../../testdata/hello.ko", "../../testdata/kfuncs.ko") {
			t.Run(set+"/"+strings.TrimPrefix(path, "../../testdata/"), func(t *testing.T) {
				n := check(t, e, path, nil)
				sum.Functions += n.Functions
				sum.Copies += n.Copies
				sum.Variables += n.Variables
			})
		}
		t.Logf("%s: %+v", set, sum)
		if sum.Functions < 500 || sum.Variables < 50 || (sum.Copies > 0) != strings.Contains(set, "true_signature") {
			t.Errorf("%s: %+v were checked", set, sum)
		}
	}
}

// TestKernel checks the kernel and its modules in MKBTF_KERNEL_DIR, a folder with
// debug/vmlinux and debug/modules as scripts/fetch-kernel.sh makes it: every tenth
// module, some large ones, and vmlinux.
func TestKernel(t *testing.T) {
	dir := testkernel.Dir(t)
	vmlinux := filepath.Join(dir, "debug/vmlinux")
	form, from := encode.Split, vmlinux
	var blob *btf.Blob
	if base, err := encode.LoadBase(vmlinux); err == nil {
		blob = base.Blob
	} else if errors.Is(err, object.ErrBuiltWithout) {
		form, from = encode.SelfContained, ""
	} else {
		t.Fatal(err)
	}
	var files []string
	err := filepath.WalkDir(filepath.Join(dir, "debug/modules")+"/", func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".ko" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	large := []string{"xfs.ko", "btrfs.ko", "kvm.ko", "bonding.ko", "dm-mod.ko"}
	for _, set := range features {
		var sum funccheck.Counts
		f := parseFeatures(t, set)
		modules, err := encode.New(encode.Options{Form: form, Base: from, Features: f})
		if err != nil {
			t.Fatal(err)
		}
		for i, path := range files {
			if i%10 != 0 && len(files) > 100 && !slices.Contains(large, filepath.Base(path)) {
				continue
			}
			t.Run(set+"/"+filepath.Base(path), func(t *testing.T) {
				n := check(t, modules, path, blob)
				sum.Functions += n.Functions
				sum.Copies += n.Copies
				sum.Variables += n.Variables
			})
		}
		t.Logf("%s, modules: %+v", set, sum)
		kernel, err := encode.New(encode.Options{Form: encode.SelfContained, Features: f})
		if err != nil {
			t.Fatal(err)
		}
		t.Run(set+"/vmlinux", func(t *testing.T) { t.Logf("%s: %+v", set, check(t, kernel, vmlinux, nil)) })
	}
}

// TestFindsErrors damages the BTF of a fixture in ways that the check has to see.
func TestFindsErrors(t *testing.T) {
	path := "../../testdata/obj/x86_64-gcc-dwarf5/scopes.ko"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := funccheck.Read(bytes.Clone(data))
	if err != nil {
		t.Fatal(err)
	}
	e, err := encode.New(encode.Options{Form: encode.SelfContained})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := btf.Parse(out.BTF, nil)
	if err != nil {
		t.Fatal(err)
	}
	find := func(tab *btf.Table, kind btf.Kind, name string) *btf.Type {
		for i := range tab.Types {
			if typ := &tab.Types[i]; typ.Kind == kind && tab.Name(typ.Name) == name {
				return typ
			}
		}
		t.Fatalf("no %s %s", kind, name)
		return nil
	}
	for _, tt := range []struct {
		name   string
		damage func(tab *btf.Table)
		want   string
	}{
		{"another prototype", func(tab *btf.Table) {
			find(tab, btf.Func, "opt_entry").Ref = find(tab, btf.Func, "overridden").Ref
		}, "function opt_entry is func(v int) int"},
		{"a parameter of another name", func(tab *btf.Table) {
			p := tab.At(find(tab, btf.Func, "aliased").Ref)
			tab.MembersOf(p)[0].Name = tab.Strings.InternString("other")
		}, "function aliased is func(other *struct shared"},
		{"no such symbol", func(tab *btf.Table) {
			find(tab, btf.Func, "opt_entry").Name = tab.Strings.InternString("opt_unused")
		}, "function opt_unused: no such symbol"},
		{"several symbols", func(tab *btf.Table) {
			find(tab, btf.Func, "opt_entry").Name = tab.Strings.InternString("same_name")
		}, "function same_name: symbols at"},
		{"a symbol without a subprogram of the name", func(tab *btf.Table) {
			find(tab, btf.Func, "opt_entry").Name = tab.Strings.InternString("alias_of")
		}, "function alias_of: no DWARF"},
		{"a parameter that no source has", func(tab *btf.Table) {
			find(tab, btf.Func, "overridden").Name = tab.Strings.InternString("opt_constant.constprop.0")
		}, "function opt_constant.constprop.0: takes v"},
		{"a variable elsewhere", func(tab *btf.Table) { tab.MembersOf(find(tab, btf.DataSec, ".data..percpu"))[0].Off += 4 }, "no such symbol at .data..percpu"},
		{"a variable of another size", func(tab *btf.Table) { tab.MembersOf(find(tab, btf.DataSec, ".data..percpu"))[0].Bits++ }, "its symbol"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tab := blob.Table(nil)
			tt.damage(tab)
			raw, err := btf.Encode(tab, blob.Order, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			b, err := btf.Parse(raw, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, wrong := f.Check(b)
			if s := fmt.Sprint(wrong); !strings.Contains(s, tt.want) {
				t.Errorf("%s, want %q", s, tt.want)
			}
		})
	}
}
