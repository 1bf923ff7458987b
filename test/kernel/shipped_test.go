package kernel

import (
	"cmp"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/diff"
	"mkbtf/internal/encode"
	"mkbtf/internal/object"
)

// TestShippedModules encodes every module of the debug package as split BTF and
// compares it by meaning with the BTF that the distribution shipped in it, which
// pahole 1.24 made. TestFunctions does the same for functions and variables.
func TestShippedModules(t *testing.T) {
	k := needDebug(t)
	base := k.base(t)
	e, err := encode.New(encode.Options{Base: k.vmlinux(), Form: encode.Split, Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	var s tally
	paths := make(chan string)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			c := diff.NewComparer(diff.Options{IgnoreKinds: []btf.Kind{btf.Func}, NamedOnly: true})
			for path := range paths {
				ours, err := e.Open(path, false)
				if err != nil {
					t.Errorf("%s: %v", filepath.Base(path), err)
					continue
				}
				s.add(path, len(ours.BTF), compare(t, c, base, path, ours.BTF))
			}
		})
	}
	err = filepath.WalkDir(k.modules(), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".ko" {
			paths <- path
		}
		return err
	})
	close(paths)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if s.modules < 100 {
		t.Errorf("only %d modules", s.modules)
	}
	t.Logf("%d modules, %d bytes of BTF; what differs from the %d bytes that were shipped, and is meant to:\n%s",
		s.modules, s.bytes, s.shipped, s.summary())
	if s.bytes > s.shipped {
		t.Errorf("%d bytes of BTF are more than the %d that were shipped", s.bytes, s.shipped)
	}
}

// A comparison is that of one module with itself as shipped.
type comparison struct {
	shipped int // bytes of BTF
	entries []diff.Entry
}

// compare reports what differs and is not meant to, and returns all that differs.
func compare(t *testing.T, c *diff.Comparer, base *btf.Blob, path string, raw []byte) comparison {
	name := filepath.Base(path)
	ours, err := btf.Parse(raw, base)
	if err != nil {
		t.Errorf("%s: what was written: %v", name, err)
		return comparison{}
	}
	data, err := object.LoadBTF(path)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return comparison{}
	}
	shipped, err := btf.Parse(data.BTF, base)
	if err != nil {
		t.Errorf("%s: what was shipped: %v", name, err)
		return comparison{}
	}
	types := c.Compare(ours, shipped)
	for i := range types.Entries {
		if d := &types.Entries[i]; !typeIsMeant(d) {
			t.Errorf("%s: %s %s %s %s %v", name, d.Class, d.Kind, d.Name, d.Text, d.Details)
		}
	}
	return comparison{len(data.BTF), types.Entries}
}

// typeIsMeant tells the differences in types that are meant from others. They all
// come of one rule: a type that the kernel has is the kernel's, also where the
// module sees more of what it leads to than the kernel did.
func typeIsMeant(d *diff.Entry) bool {
	switch d.Class {
	case diff.CopyB: // shipped with a copy of its own
		return true
	case diff.Count: // shipped more than once
		return d.A < d.B
	case diff.ForwardA: // leads to the kernel's type, which knows only a declaration
		return true
	case diff.Origin:
		return d.Kind == "FWD"
	case diff.Changed:
		return !slices.ContainsFunc(d.Details, func(x diff.Detail) bool {
			return x.What != "type, leads to another definition of the name"
		})
	}
	return false
}

// A tally counts differences over all modules.
type tally struct {
	sync.Mutex
	modules int
	bytes   int            // of BTF in all modules
	shipped int            // the same as shipped
	count   map[string]int // class and kind
	example map[string]string
}

func (s *tally) add(path string, bytes int, r comparison) {
	s.Lock()
	defer s.Unlock()
	s.bytes += bytes
	s.shipped += r.shipped
	if s.count == nil {
		s.count, s.example = map[string]int{}, map[string]string{}
	}
	s.modules++
	for i := range r.entries {
		d := &r.entries[i]
		key := string(d.Class) + " " + d.Kind
		s.count[key]++
		if s.example[key] == "" {
			s.example[key] = filepath.Base(path) + " " + cmp.Or(d.Name, d.Text)
		}
	}
}

func (s *tally) summary() string {
	var lines []string
	for key, n := range s.count {
		lines = append(lines, fmt.Sprintf("%7d %s (%s)", n, key, s.example[key]))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
