package check

import (
	"cmp"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/emit"
	"mkbtf/internal/fingerprint"
	"mkbtf/internal/object"
	"mkbtf/internal/verify"
)

// options of a made-up kernel.
type options struct {
	old     bool   // does not relocate, as before Linux 6.11
	deaf    bool   // reads no BTF of modules, as before 5.11
	size    uint32 // of struct dev, which has one member
	without string // a struct that it lacks
	prefix  string // a type before all others, which makes ids and strings others
	pid     string // name of the member of struct task, which makes strings others
}

func kernelTable(o options) *btf.Table {
	t := btf.NewTable(1, nil)
	s := t.Strings.InternString
	if o.prefix != "" {
		t.Add(btf.Type{Kind: btf.Int, Name: s(o.prefix), Size: 1, Extra: btf.IntData(0, 0, 8)})
	}
	i := t.Add(btf.Type{Kind: btf.Int, Name: s("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)})
	add := func(name string, size uint32, member string) {
		if name != o.without {
			t.AddWith(btf.Type{Kind: btf.Struct, Name: s(name), Size: size}, []btf.Member{{Name: s(member), Type: i}})
		}
	}
	add("task", 8, cmp.Or(o.pid, "pid"))
	add("dev", max(o.size, 8), "owner")
	if !o.deaf {
		add("module", 8, "btf_data")
	}
	if !o.old {
		add("btf", 8, "base_id_map")
	}
	return t
}

func newKernel(t *testing.T, release string, o options) *Kernel {
	t.Helper()
	raw, err := btf.Encode(kernelTable(o), binary.LittleEndian, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewKernel("/kernels/"+release, &object.BTFData{BTF: raw, Release: release})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// moduleTable is a module that points to struct task, embeds struct dev, and has a
// function. It can be small, so that kernels take it for their own.
func moduleTable(k *Kernel, small bool) *btf.Table {
	t := btf.NewTable(k.blob.End(), nil)
	s := t.Strings.InternString
	find := func(name string) btf.ID {
		for id := k.blob.Start(); id < k.blob.End(); id++ {
			if string(k.blob.StringAt(k.blob.Record(id).NameOff)) == name {
				return id
			}
		}
		return 0
	}
	p := t.Add(btf.Type{Kind: btf.Ptr, Ref: find("task")})
	if !small {
		t.AddWith(btf.Type{Kind: btf.Struct, Name: s("mine"), Size: 64}, []btf.Member{
			{Name: s("pid"), Type: p}, {Name: s("d"), Type: find("dev"), Off: 64},
		})
	}
	proto := t.AddWith(btf.Type{Kind: btf.FuncProto}, []btf.Member{{Name: s("owner"), Type: p}})
	t.Add(btf.Type{Kind: btf.Func, Name: s("probe"), Ref: proto})
	return t
}

func module(t *testing.T, k *Kernel, form string, small bool) *Module {
	t.Helper()
	m := &Module{File: "m.ko", Name: "m", Functions: map[string]bool{"probe": true}}
	var out *emit.Output
	var err error
	tab := moduleTable(k, small)
	switch form {
	case "split":
		out, err = emit.Split(tab, k.blob, binary.LittleEndian)
	case "distilled":
		out, err = emit.Distilled(tab, k.blob, binary.LittleEndian, emit.DistilOptions{})
	case "self-contained":
		own := kernelTable(options{})
		s := own.Strings.InternString
		own.AddWith(btf.Type{Kind: btf.Struct, Name: s("mine"), Size: 64}, []btf.Member{{Name: s("d"), Type: 3}})
		out, err = emit.SelfContained(own, binary.LittleEndian)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.BTF, m.Base = out.BTF, out.Base
	return m
}

func noted(m *Module, k *Kernel, form fingerprint.Form) *Module {
	m.Note = &fingerprint.Note{Form: form, Base: k.Fingerprint(), Release: k.Release}
	return m
}

func TestCheck(t *testing.T) {
	home := newKernel(t, "6.12.1", options{})
	same := newKernel(t, "6.12.1-copy", options{})
	moved := newKernel(t, "6.12.2", options{prefix: "char"})
	renamed := newKernel(t, "6.12.2", options{pid: "process"})
	grown := newKernel(t, "6.12.3", options{size: 16})
	lacking := newKernel(t, "6.12.4", options{without: "task"})
	old := newKernel(t, "6.1", options{old: true, prefix: "char"})
	deaf := newKernel(t, "5.4", options{old: true, deaf: true})
	stripped := module(t, home, "distilled", false)
	stripped.Base = nil
	built := module(t, home, "split", true)
	built.Release = "6.12.1"
	other := module(t, home, "split", true)
	other.Functions = map[string]bool{"remove": true}
	empty := module(t, home, "distilled", false)
	empty.Base = []byte{}
	for _, tt := range []struct {
		name    string
		kernel  *Kernel
		module  *Module
		outcome Outcome
		words   string // in the line
		advice  string
	}{
		{"split at home", home, module(t, home, "split", false), Loads, "m.ko: 6.12.1: loads", ""},
		{"split, same BTF", same, noted(module(t, home, "split", false), home, fingerprint.Split), Loads, "loads", ""},
		{"split, other release", same, built, Garbage, "built for 6.12.1; this is 6.12.1-copy", "relocate --from-base"},
		{"split, names cut", renamed, module(t, home, "split", true), Garbage, "begins in the middle", "encode it for this kernel"},
		{"split, fingerprint", renamed, noted(module(t, home, "split", true), home, fingerprint.Split), Garbage, "made over the BTF of another build: 6.12.1; this is 6.12.2", "encode it for this kernel"},
		{"split, ids moved", moved, noted(module(t, home, "split", true), home, fingerprint.Split), Garbage, "split BTF, made for 6.12.1; this is 6.12.2", "encode it for this kernel"},
		{"split of another module", home, other, Garbage, `names 1 functions that the module has not, such as "probe"`, ""},
		{"split of another module, fingerprint", home, noted(other, home, fingerprint.Split), Garbage, `such as "probe"`, "not of this module"},
		{"distilled at home", home, module(t, home, "distilled", false), Loads, "loads", ""},
		{"distilled, ids moved", moved, module(t, home, "distilled", false), Loads, "loads", ""},
		{"distilled, grown", grown, module(t, home, "distilled", false), Refused, "embeds struct dev: 8 bytes here, 16 there; this module is not safe on that kernel, whatever its BTF", "build the module for that kernel"},
		{"distilled, gone", lacking, module(t, home, "distilled", false), Refused, "the kernel has no struct task", "--accept-on"},
		{"distilled, old kernel", old, module(t, home, "distilled", false), Garbage, "ignores .BTF.base", "mkbtf relocate -b /kernels/6.1"},
		{"distilled, deaf kernel", deaf, module(t, home, "distilled", false), Ignored, "ignored", ""},
		{"distilled, base stripped", home, noted(stripped, home, fingerprint.Distilled), Garbage, "its .BTF.base is gone", "--keep-section .BTF.base"},
		{"empty base", home, empty, Refused, "hdr_len not found", "encode the module anew"},
		{"self-contained at home", home, module(t, home, "self-contained", false), Loads, "loads", ""},
		{"self-contained, grown", grown, module(t, home, "self-contained", false), Loads, "warning: embeds struct dev: 8 bytes here, 16 there", ""},
		{"self-contained, gone", lacking, module(t, home, "self-contained", false), Loads, "loads", ""},
		{"no BTF", home, &Module{File: "m.ko"}, None, "has no BTF", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := tt.kernel.Check(tt.module)
			line := v.Line()
			if v.Outcome != tt.outcome || !strings.Contains(line, tt.words) || !strings.Contains(strings.Join(v.Advice, "; "), tt.advice) {
				t.Errorf("%s: %s\nwant %s, %q, %q", v.Outcome, line, tt.outcome, tt.words, tt.advice)
			}
			if mismatch := tt.outcome == Refused || tt.outcome == Garbage; v.Mismatch() != mismatch {
				t.Errorf("Mismatch() is %v", v.Mismatch())
			}
			if v.Outcome == Refused && !strings.HasPrefix(v.Log()[len(v.Log())-1], "failed to validate module [m] BTF: -22") {
				t.Errorf("log %q", v.Log())
			}
		})
	}
}

// TestMismatchConfig: what becomes of bad BTF depends on how the kernel was built.
func TestMismatchConfig(t *testing.T) {
	root := t.TempDir()
	write := func(path, text string) {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("boot/config-1", "CONFIG_DEBUG_INFO_BTF_MODULES=y\nCONFIG_MODULE_ALLOW_BTF_MISMATCH=y\n")
	write("lib/modules/2/config", "CONFIG_DEBUG_INFO_BTF_MODULES=y\n# CONFIG_MODULE_ALLOW_BTF_MISMATCH is not set\n")
	write("lib/modules/3/build/.config", "CONFIG_MODULES=y\n")
	k, grown := newKernel(t, "home", options{}), newKernel(t, "grown", options{size: 16})
	for release, want := range map[string]struct {
		config Config
		words  string
	}{
		"1":    {Yes, "m.ko: grown: loads without its BTF: "},
		"2":    {No, "m.ko: grown: is refused (EINVAL): "},
		"3":    {Unknown, "m.ko: grown: is refused (EINVAL), or loads without its BTF if the kernel has CONFIG_MODULE_ALLOW_BTF_MISMATCH: "},
		"4":    {Unknown, "is refused"},
		"../1": {Unknown, "is refused"},
	} {
		grown.Mismatch = MismatchConfig(release, root)
		if line := grown.Check(module(t, k, "distilled", false)).Line(); grown.Mismatch != want.config || !strings.Contains(line, want.words) {
			t.Errorf("%s: %d, %s", release, grown.Mismatch, line)
		}
	}
}

func TestExpand(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "lib/modules/6.12")
	for _, path := range []string{"kernel/a/snd-dummy.ko.xz", "kernel/b.ko", "kernel/note.txt"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "modules.dep"), []byte("kernel/b.ko: kernel/a/snd-dummy.ko.xz\nkernel/a/snd-dummy.ko.xz:\n/lib/modules/6.12/kernel/abs.ko:\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	l := Lookup{Release: "6.12", Sysroot: root}
	got, err := l.Expand([]string{"snd_dummy", "abs", dir, "absent.ko"})
	want := []string{dir + "/kernel/a/snd-dummy.ko.xz", dir + "/kernel/abs.ko", dir + "/kernel/a/snd-dummy.ko.xz", dir + "/kernel/b.ko", "absent.ko"}
	if err != nil || strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%q, %v", got, err)
	}
	for _, tt := range []struct {
		lookup Lookup
		arg    string
		words  string
	}{
		{l, "nothing", "no module of that name in"},
		{Lookup{Release: "6.13", Sysroot: root}, "b", "no modules.dep in"},
		{Lookup{Sysroot: root}, "b", "without --kernel"},
		{Lookup{Release: "../6.12", Sysroot: root}, "b", "not the release of a kernel"},
		{l, t.TempDir(), "no modules in this directory"},
	} {
		if _, err := tt.lookup.Expand([]string{tt.arg}); err == nil || !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%s: %v, want %q", tt.arg, err, tt.words)
		}
	}
}

// TestRun: verdicts come in the order of the files, and one bad file does not keep
// the others from being checked.
func TestRun(t *testing.T) {
	k := newKernel(t, "home", options{})
	var files []string
	for range 50 {
		files = append(files, "../../testdata/hello.ko", "absent.ko")
	}
	var got []string
	Run(files, []*Kernel{k, k}, Options{Jobs: 3}, func(file string, vs []*Verdict, err error) {
		got = append(got, file)
		if bad := file == "absent.ko"; bad != (err != nil) || !bad && (len(vs) != 2 || vs[0].Outcome != None) {
			t.Errorf("%s: %d verdicts, %v", file, len(vs), err)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
	if strings.Join(got, " ") != strings.Join(files, " ") {
		t.Errorf("%d files in another order", len(got))
	}
}

// TestLive lets the running kernel judge a module over its own BTF.
func TestLive(t *testing.T) {
	const running = "/sys/kernel/btf/vmlinux"
	if _, err := os.Stat(running); err != nil {
		t.Skipf("the running kernel shows no BTF: %v", err)
	}
	k, err := LoadKernel(running)
	if err != nil {
		t.Fatal(err)
	}
	k.Live = true
	tab := btf.NewTable(k.blob.End(), nil)
	s := tab.Strings.InternString
	self := tab.AddWith(btf.Type{Kind: btf.Struct, Name: s("fine"), Size: 8}, nil)
	for _, bad := range []bool{false, true} {
		if bad { // a struct that holds itself: loading a module does not notice
			tab.Types[self-tab.Start].Len = 1
			tab.Members = append(tab.Members, btf.Member{Name: s("me"), Type: self})
		}
		raw, err := btf.Encode(tab, binary.LittleEndian, k.blob, true)
		if err != nil {
			t.Fatal(err)
		}
		m := &Module{File: "m.ko", Name: "m", BTF: raw}
		v := k.Check(m)
		err = k.AskRunning(v, m)
		if errors.Is(err, verify.ErrNotPermitted) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if (v.Live == accepted) == bad || v.Mismatch() != bad {
			t.Errorf("bad %v: the kernel says %q", bad, v.Live)
		}
	}
}
