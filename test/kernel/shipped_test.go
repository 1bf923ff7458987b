package kernel

import (
	"cmp"
	"debug/elf"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
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
// pahole 1.24 made.
func TestShippedModules(t *testing.T) {
	k := needDebug(t)
	base := k.base(t)
	omitted := omissions{byFile: map[string]map[string]string{}}
	e, err := encode.New(encode.Options{Base: k.vmlinux(), Form: encode.Split, Jobs: 1, Note: omitted.note})
	if err != nil {
		t.Fatal(err)
	}
	var s tally
	paths := make(chan string)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			c := comparers{
				types:     diff.NewComparer(diff.Options{IgnoreKinds: []btf.Kind{btf.Func}, NamedOnly: true}),
				functions: diff.NewComparer(diff.Options{Kinds: []btf.Kind{btf.Func}}),
			}
			for path := range paths {
				ours, err := e.Open(path, false)
				if err != nil {
					t.Errorf("%s: %v", filepath.Base(path), err)
					continue
				}
				s.add(path, len(ours.BTF), c.compare(t, base, path, ours.BTF, omitted.of(path)))
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

type comparers struct {
	types, functions *diff.Comparer
}

// A comparison is that of one module with itself as shipped.
type comparison struct {
	shipped int // bytes of BTF
	entries []diff.Entry
}

// compare reports what differs and is not meant to, and returns all that differs.
// omitted are the functions that were left out, with the reason.
func (c *comparers) compare(t *testing.T, base *btf.Blob, path string, raw []byte, omitted map[string]string) comparison {
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
	types := c.types.Compare(ours, shipped)
	for i := range types.Entries {
		if d := &types.Entries[i]; !typeIsMeant(d) {
			t.Errorf("%s: %s %s %s %s %v", name, d.Class, d.Kind, d.Name, d.Text, d.Details)
		}
	}
	functions := c.functions.Compare(ours, shipped)
	symbols := functionSymbols(t, path)
	for i := range functions.Entries {
		if d := &functions.Entries[i]; !functionIsMeant(d, symbols[d.Name], omitted[d.Name]) {
			t.Errorf("%s: %s %s %s %v", name, d.Class, d.Name, d.Text, d.Details)
		}
	}
	return comparison{len(data.BTF), append(types.Entries, functions.Entries...)}
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

// functionIsMeant tells the differences in functions that are meant from others.
// symbols are the symbols of that base name.
func functionIsMeant(d *diff.Entry, symbols []string, omitted string) bool {
	if d.Class == diff.Changed && d.Name == "kvm_arch_set_irq_inatomic" {
		return true // a weak function and the one that replaces it name a parameter differently
	}
	switch d.Class {
	case diff.CopyA:
		// a function of the module that the kernel happens to have an equal of:
		// kfuncs and fentry look for it in the module
		return true
	case diff.OnlyA:
		// copies made by the optimizer with all parameters in place; Debian calls
		// pahole without asking for them
		return len(symbols) > 0 && !slices.Contains(symbols, d.Name)
	case diff.OnlyB, diff.CopyB:
		// functions that a tracer cannot trust, and those of assembler units, which
		// all have the prototype void (void)
		return omitted != "" || strings.HasPrefix(d.Text, "void "+d.Name+"(void)") ||
			len(d.Details) == 1 && d.Details[0].B == "void (void)"
	}
	return false
}

// functionSymbols lists the function symbols of a module by the part of the name
// before the first dot.
func functionSymbols(t *testing.T, path string) map[string][]string {
	f, err := elf.Open(path)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Error(err)
		return nil
	}
	m := map[string][]string{}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			base, _, _ := strings.Cut(s.Name, ".")
			m[base] = append(m[base], s.Name)
		}
	}
	return m
}

// omissions collects what the encoder says about functions that it leaves out.
type omissions struct {
	sync.Mutex
	byFile map[string]map[string]string
}

var leftOut = regexp.MustCompile(`^function (\S+): left out: (.*)$`)

func (o *omissions) note(file, message string) {
	m := leftOut.FindStringSubmatch(message)
	if m == nil {
		return
	}
	o.Lock()
	defer o.Unlock()
	if o.byFile[file] == nil {
		o.byFile[file] = map[string]string{}
	}
	o.byFile[file][m[1]] = m[2]
}

func (o *omissions) of(file string) map[string]string {
	o.Lock()
	defer o.Unlock()
	return o.byFile[file]
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
