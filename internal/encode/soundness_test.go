package encode

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/dwarf2btf"
	"mkbtf/internal/object"
	"mkbtf/internal/soundness"
	"mkbtf/internal/testkernel"
)

// proveFile runs a file through conversion and dedup and checks every type.
func proveFile(t *testing.T, path string, base *Base) {
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
	conv, err := dwarf2btf.New(src, dwarf2btf.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	d := dedup.New(base != nil)
	w := conv.NewWorker()
	dw := d.NewWorker(w.Strings())
	var units []*btf.Table
	var index []int
	var refs [][]dedup.Ref
	for u := range conv.Len() {
		unit, err := w.Convert(u)
		if noTypes(err) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if unit == nil {
			continue
		}
		r, err := dw.Add(u, unit.Table, len(unit.Table.Types))
		if err != nil {
			t.Fatal(err)
		}
		copied := *unit.Table
		copied.Types = slices.Clone(copied.Types)
		copied.Members = slices.Clone(copied.Members)
		units, index, refs = append(units, &copied), append(index, u), append(refs, slices.Clone(r))
	}
	if _, err := d.Merge(dw); err != nil {
		t.Fatal(err)
	}
	if a, b := d.Cut(); a+b != 0 {
		t.Errorf("%d references were cut for cycles, %d for depth", a, b)
	}
	var ix *dedup.Base
	var baseTable *btf.Table
	if base != nil {
		ix, baseTable = base.Index, base.Blob.Table(nil)
	}
	res, err := d.Resolve(ix)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.KeepAll(); err != nil {
		t.Fatal(err)
	}
	became := make([][]btf.ID, len(units))
	for i := range units {
		for _, r := range refs[i] {
			id, err := res.ID(index[i], r)
			if err != nil {
				t.Fatal(err)
			}
			became[i] = append(became[i], id)
		}
	}
	out, renumbered, err := res.Finish()
	if err != nil {
		t.Fatal(err)
	}
	for i := range became {
		for j := range became[i] {
			became[i][j] = renumbered(became[i][j])
		}
	}
	c := soundness.New(units, became, out, baseTable)
	if err := c.Sound(); err != nil {
		t.Errorf("not sound: %v", err)
	}
	if err := c.Complete(); err != nil {
		t.Errorf("not complete: %v", err)
	}
	t.Logf("%d units became %d types", len(units), len(out.Types))
}

func TestFixturesAreSound(t *testing.T) {
	fixtures(t, func(t *testing.T, path string, _ *dwarf2btf.Source) { proveFile(t, path, nil) })
}

// TestModulesAreSound proves real modules over their kernel: MKBTF_KERNEL_DIR is a
// folder with debug/vmlinux and debug/modules, as scripts/fetch-kernel.sh makes it for
// this machine or another;
// MKBTF_MODULES is a list of name patterns.
func TestModulesAreSound(t *testing.T) {
	dir := testkernel.Dir(t)
	base := kernelBase(t, dir)
	eachModule(t, dir, []string{"xfs.ko", "nf_tables.ko", "veth.ko", "openvswitch.ko"}, func(t *testing.T, path string) {
		proveFile(t, path, base)
	})
}

// kernelBase is the BTF of the kernel in a folder, nil if it is built without.
func kernelBase(t *testing.T, dir string) *Base {
	t.Helper()
	base, err := LoadBase(filepath.Join(dir, "debug/vmlinux"))
	if err != nil && !errors.Is(err, object.ErrBuiltWithout) {
		t.Fatal(err)
	}
	return base
}

// eachModule runs a test on the modules in a folder whose names match MKBTF_MODULES, a
// list of patterns.
func eachModule(t *testing.T, dir string, patterns []string, test func(t *testing.T, path string)) {
	t.Helper()
	if s := os.Getenv("MKBTF_MODULES"); s != "" {
		patterns = strings.Fields(s)
	}
	root, err := filepath.EvalSymlinks(filepath.Join(dir, "debug/modules"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		for _, p := range patterns {
			if ok, _ := filepath.Match(p, e.Name()); ok {
				found++
				t.Run(e.Name(), func(t *testing.T) { test(t, path) })
			}
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Fatalf("%d modules, %v", found, err)
	}
}
