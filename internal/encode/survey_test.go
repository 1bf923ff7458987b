package encode

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"mkbtf/internal/object"
	"mkbtf/internal/testkernel"
	"mkbtf/internal/verify"
)

// survey is one way to encode and what came of it.
type survey struct {
	name  string
	opts  Options
	enc   *Encoder
	sizes []int
	loads []int // by target
	none  int   // modules of which nothing is kept: without functions and types of their own
	// left counts misses that AcceptOn left, other counts those of them that are no
	// break of the ABI.
	left, other int
}

func (s *survey) sum() (n int) {
	for _, size := range s.sizes {
		n += size
	}
	return n
}

// TestSurvey encodes every module of a kernel in every form, adds up the bytes, and
// counts for each of the kernels in MKBTF_TARGETS (files with BTF, separated by
// colons) how many of the results load there. docs/forms.md has the table that it
// prints. MKBTF_KERNEL_DIR is as for TestModulesAreSound.
func TestSurvey(t *testing.T) {
	dir, list := testkernel.Dir(t), os.Getenv("MKBTF_TARGETS")
	if list == "" {
		t.Skip("MKBTF_TARGETS is not set: no kernels to try modules on")
	}
	base := filepath.Join(dir, "debug/vmlinux")
	paths := strings.Split(list, ":")
	targets := make([]*verify.Target, len(paths))
	for i, path := range paths {
		data, err := object.LoadBTF(path)
		if err != nil {
			t.Fatal(err)
		}
		if targets[i], err = verify.NewTarget(data.BTF); err != nil {
			t.Fatal(err)
		}
	}
	all := []*survey{
		{name: "split", opts: Options{Form: Split, Base: base}},
		{name: "distilled", opts: Options{Form: Distilled, Base: base}},
		{name: "distilled, --accept-on the last kernel", opts: Options{Form: Distilled, Base: base, AcceptOn: paths[len(paths)-1:]}},
		{name: "the same with --force-abi", opts: Options{Form: Distilled, Base: base, AcceptOn: paths[len(paths)-1:], ForceABI: true}},
		{name: "self-contained, --keep own --base", opts: Options{Form: SelfContained, Base: base, Keep: KeepOwn}},
		{name: "self-contained, --keep own", opts: Options{Form: SelfContained, Keep: KeepOwn}},
		{name: "self-contained, --keep own --hops 1", opts: Options{Form: SelfContained, Keep: KeepOwn, Hops: 1}},
		{name: "self-contained, --keep reachable", opts: Options{Form: SelfContained, Keep: KeepReachable}},
		{name: "self-contained, --keep all", opts: Options{Form: SelfContained}},
	}
	for _, s := range all {
		var err error
		if s.enc, err = New(s.opts); err != nil {
			t.Fatal(err)
		}
		s.enc.crew = newCrew(1, 1)
		s.loads = make([]int, len(paths))
	}
	modules := everyModule(t, dir)
	shipped := 0
	for _, path := range modules {
		if data, err := object.LoadBTF(path); err == nil {
			shipped += len(data.BTF) + len(data.Base)
		}
	}
	var wg sync.WaitGroup
	next := make(chan *survey)
	for range 2 {
		wg.Go(func() {
			for s := range next {
				s.run(t, modules, targets)
			}
		})
	}
	for _, s := range all {
		next <- s
	}
	close(next)
	wg.Wait()
	if t.Failed() {
		return
	}
	t.Logf("%d modules, %d bytes of BTF as shipped\n%s", len(modules), shipped, tabulate(all, paths))
	if split, own := all[0].sum(), all[4].sum(); 2*own > 3*split {
		t.Errorf("self-contained --keep own takes %d bytes, more than 1.5 times the %d of split", own, split)
	}
	if accepted := all[2]; accepted.other > 0 {
		t.Errorf("with --accept-on %d of %d misses are no structs that the module embeds in another size", accepted.other, accepted.left)
	}
	for _, s := range all[3:] {
		if last := s.loads[len(paths)-1] + s.none; last != len(modules) {
			t.Errorf("%s: %d of %d load on %s", s.name, last, len(modules), paths[len(paths)-1])
		}
	}
}

func everyModule(t *testing.T, dir string) []string {
	t.Helper()
	root, err := filepath.EvalSymlinks(filepath.Join(dir, "debug/modules"))
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasSuffix(path, ".ko") {
			modules = append(modules, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return modules
}

func (s *survey) run(t *testing.T, modules []string, targets []*verify.Target) {
	for _, path := range modules {
		out, err := s.enc.Open(path, false)
		if err != nil {
			t.Errorf("%s: %s: %v", s.name, path, err)
			return
		}
		s.sizes = append(s.sizes, len(out.BTF)+len(out.Base))
		if out.BTF == nil {
			s.none++
			continue
		}
		for i, target := range targets {
			if s.opts.Form == Split {
				break // for one kernel build only, whatever others happen to make of it
			}
			res := target.Module(out.BTF, out.Base)
			if res.Outcome == verify.Loads {
				s.loads[i]++
			} else if i == len(targets)-1 {
				for _, m := range res.Misses {
					s.left++
					if !abiBreak(m) {
						s.other++
					}
				}
			}
		}
	}
}

func tabulate(all []*survey, paths []string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', tabwriter.AlignRight|tabwriter.Debug)
	fmt.Fprint(w, "form\tbytes\tper split\tmedian\tno BTF")
	for i := range paths {
		fmt.Fprintf(w, "\tloads on %d", i+1)
	}
	fmt.Fprintln(w, "\t")
	for _, s := range all {
		slices.Sort(s.sizes)
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%d\t%d", s.name, s.sum(), float64(s.sum())/float64(all[0].sum()), s.sizes[len(s.sizes)/2], s.none)
		for _, n := range s.loads {
			fmt.Fprintf(w, "\t%d", n)
		}
		fmt.Fprintln(w, "\t")
	}
	if err := w.Flush(); err != nil {
		return err.Error()
	}
	for i, path := range paths {
		fmt.Fprintf(&b, "kernel %d: %s\n", i+1, path)
	}
	return b.String()
}
