package kernel

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/dump"
	"mkbtf/internal/dump/dumptest"
	"mkbtf/internal/dump/roundtrip"
	"mkbtf/internal/encode"
	"mkbtf/internal/object"
)

// sampled is how many modules TestHeaders takes, spread over the tree, unless
// MKBTF_ALL_MODULES is set.
const sampled = 12

// TestHeaders makes headers in C of real modules, in each form of BTF, and has gcc and
// clang check the size of every record and the offset of every member in them: with
// what the module's types need, with its own types alone after the header of the kernel,
// and with all that can be reached. Of all modules, if they are asked for, gcc and clang
// for BPF check the headers of split and whole self-contained BTF.
func TestHeaders(t *testing.T) {
	k := needDebug(t)
	j := newHeaderJudge(t, k)
	var forms []headerForm
	for _, f := range []struct {
		name string
		opts encode.Options
	}{
		{"split", encode.Options{Base: k.vmlinux(), Form: encode.Split, Jobs: 1}},
		{"distilled", encode.Options{Base: k.vmlinux(), Form: encode.Distilled, Jobs: 1}},
		{"self-contained own", encode.Options{Form: encode.SelfContained, Keep: encode.KeepOwn, Jobs: 1}},
		{"self-contained all", encode.Options{Form: encode.SelfContained, Jobs: 1}},
	} {
		e, err := encode.New(f.opts)
		if err != nil {
			t.Fatal(err)
		}
		forms = append(forms, headerForm{f.name, e})
	}
	modules := k.sample(t, sampled)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(modules) {
					return
				}
				j.module(modules[i], forms, i%max(1, len(modules)/sampled) == 0)
			}
		})
	}
	wg.Wait()
	t.Logf("%d modules, %d headers, %d assertions, each by up to 3 compilers", len(modules), j.headers.Load(), j.asserts.Load())
}

// sample returns modules of the debug package, n of them or all.
func (k kernel) sample(t *testing.T, n int) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(k.modules(), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".ko" {
			all = append(all, path)
		}
		return err
	})
	if err != nil || len(all) < n {
		t.Fatalf("%d modules: %v", len(all), err)
	}
	if os.Getenv("MKBTF_ALL_MODULES") != "" {
		return all
	}
	var some []string
	for i := range n {
		some = append(some, all[i*len(all)/n])
	}
	return some
}

type headerForm struct {
	name string
	e    *encode.Encoder
}

// headerJudge has compilers check headers.
type headerJudge struct {
	t                *testing.T
	base             *btf.Blob
	alone            [][]string // compilers
	over             [][]string // with the kernel's header before
	headers, asserts atomic.Int64
}

func newHeaderJudge(t *testing.T, k kernel) *headerJudge {
	t.Helper()
	gcc, clang := dumptest.Compiler("gcc"), dumptest.Compiler("clang")
	if gcc == "" || clang == "" {
		t.Skip("gcc or clang is not installed")
	}
	j := &headerJudge{t: t, base: k.base(t), alone: [][]string{{gcc}, {clang}, {clang, "-target", "bpf"}}}
	var kernel bytes.Buffer
	if err := dump.C(&kernel, j.base, dump.COptions{Guard: "__VMLINUX_H__"}); err != nil {
		t.Fatal(err)
	}
	for i, cc := range j.alone {
		dir := filepath.Join(t.TempDir(), fmt.Sprint(i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		over, err := dumptest.Precompile(cc, dir, kernel.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		j.over = append(j.over, over)
	}
	return j
}

// module checks the headers of one module; with all set, also that of everything that its
// types lead to.
func (j *headerJudge) module(path string, forms []headerForm, all bool) {
	shipped, err := object.LoadBTF(path)
	if err != nil {
		j.t.Errorf("%s: %v", path, err)
		return
	}
	if all {
		j.blob(path, "as shipped", shipped, all)
	}
	for _, f := range forms {
		if !all && f.name != "split" && f.name != "self-contained all" {
			continue
		}
		out, err := f.e.Open(path, false)
		if err != nil {
			j.t.Errorf("%s: %v", path, err)
			continue
		}
		j.blob(path, f.name, &object.BTFData{BTF: out.BTF, Base: out.Base}, all)
	}
}

func (j *headerJudge) blob(path, form string, data *object.BTFData, all bool) {
	if len(data.BTF) == 0 {
		return
	}
	b, err := data.Parse(j.base)
	if err != nil {
		j.t.Errorf("%s, %s: %v", path, form, err)
		return
	}
	alone, over := j.alone, j.over
	if !all {
		alone, over = alone[2:], over[:1]
		if form != "split" {
			alone = j.alone[:1]
		}
	}
	j.header(path, form, b, dump.DepsNeeded, alone)
	if b.Base == j.base {
		j.header(path, form, b, dump.DepsNone, over)
	}
	if all && form == "split" {
		j.header(path, form, b, dump.DepsAll, j.alone)
	}
}

func (j *headerJudge) header(path, form string, b *btf.Blob, deps dump.Deps, compilers [][]string) {
	var header bytes.Buffer
	if err := dump.C(&header, b, dump.COptions{Deps: deps, Asserts: true}); err != nil {
		j.t.Errorf("%s, %s: %v", path, form, err)
		return
	}
	j.headers.Add(1)
	j.asserts.Add(int64(bytes.Count(header.Bytes(), []byte("_Static_assert"))))
	if i := bytes.Index(header.Bytes(), []byte("left out")); i >= 0 {
		j.t.Errorf("%s, %s: members are left out: %.100s", path, form, header.Bytes()[i:])
	}
	for _, cc := range compilers {
		if err := dumptest.Check(cc, header.Bytes()); err != nil {
			j.t.Errorf("%s, %s, deps %d: %v", path, form, deps, err)
		}
	}
}

// TestHeaderOfKernel has compilers check the header of a whole kernel, from the BTF
// that it was shipped with and from that of mkbtf, and compares that with what the
// compiler's debug information says of the header, bit-fields and all.
func TestHeaderOfKernel(t *testing.T) {
	k := needDebug(t)
	j := newHeaderJudge(t, k)
	j.header("vmlinux", "as shipped", j.base, dump.DepsNeeded, j.alone)
	e, err := encode.New(encode.Options{Form: encode.SelfContained})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Open(k.vmlinux(), true)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := btf.Parse(out.BTF, nil)
	if err != nil {
		t.Fatal(err)
	}
	j.header("vmlinux", "by mkbtf", ours, dump.DepsNeeded, j.alone)
	t.Logf("%d assertions", j.asserts.Load())
	roundtrip.Check(t, ours, j.alone[0], func(path string) (*btf.Blob, error) {
		out, err := e.Open(path, true)
		if err != nil {
			return nil, err
		}
		return btf.Parse(out.BTF, nil)
	})
}

// TestHeadersAfterBpftool includes headers of modules' own types after the vmlinux.h that
// bpftool makes of their kernel. That they compile is all that can be asked: bpftool 7.1
// gives enums of one byte four, and what holds them other offsets than the BTF.
func TestHeadersAfterBpftool(t *testing.T) {
	k := needDebug(t)
	clang := dumptest.Compiler("clang")
	if clang == "" {
		t.Skip("clang is not installed")
	}
	if _, err := exec.LookPath("bpftool"); err != nil {
		t.Skip("bpftool is not installed")
	}
	vmlinux, err := exec.Command("bpftool", "btf", "dump", "file", k.vmlinux(), "format", "c").Output()
	if err != nil {
		t.Fatal(err)
	}
	// bpftool's own text is not free of warnings.
	over, err := dumptest.Precompile([]string{clang, "-target", "bpf", "-w"}, t.TempDir(), vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range k.sample(t, 2*sampled) {
		var header bytes.Buffer
		if err := dump.C(&header, parsed(t, path, k.base(t)), dump.COptions{Deps: dump.DepsNone}); err != nil {
			t.Fatal(err)
		}
		if err := dumptest.Check(over, header.Bytes()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestDumpsLikeBpftool compares the text and the JSON of real modules with what bpftool
// prints. It reads the base anew for each module: a few will do.
func TestDumpsLikeBpftool(t *testing.T) {
	k := needDebug(t)
	if _, err := exec.LookPath("bpftool"); err != nil {
		t.Skip("bpftool is not installed")
	}
	for _, path := range k.sample(t, 6) {
		for _, args := range [][]string{{}, {"--format", "json"}} {
			ours, err := exec.Command(program, append([]string{"dump", "-b", k.vmlinux(), path}, args...)...).Output()
			if err != nil {
				t.Fatal(err)
			}
			theirs := []string{"-B", k.vmlinux(), "btf", "dump", "file", path}
			if len(args) > 0 {
				theirs = append([]string{"-j"}, theirs...)
			}
			want, err := exec.Command("bpftool", theirs...).Output()
			if err != nil {
				t.Fatal(err)
			}
			if len(args) > 0 {
				ours, want = flat(ours), flat(want)
			}
			if !bytes.Equal(ours, want) {
				t.Errorf("%s %s: %d bytes, bpftool prints %d other ones", path, strings.Join(args, " "), len(ours), len(want))
			}
		}
	}
}

// flat removes line breaks, which JSON does not need.
func flat(text []byte) []byte { return bytes.ReplaceAll(bytes.TrimSpace(text), []byte("\n"), nil) }
