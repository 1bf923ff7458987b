package compare

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/check"
	"mkbtf/internal/compress"
	"mkbtf/internal/encode"
)

// The rules are those of the kernel's allocator and of btf_add_type.
func TestKernelMemory(t *testing.T) {
	for _, tt := range []struct{ n, want int64 }{
		{0, 0},
		{1, 8},
		{9, 16},
		{33, 64},
		{65, 96},
		{97, 128},
		{129, 192},
		{193, 256},
		{257, 512},
		{4097, 8192},
		{8193, 16384},
		{100_000, 131_072},
		{4 << 20, 4 << 20},
		{4<<20 + 1, 4<<20 + 4096},
	} {
		if got := kmalloc(tt.n); got != tt.want {
			t.Errorf("kmalloc of %d: %d, want %d", tt.n, got, tt.want)
		}
	}
	for _, tt := range []struct{ n, want int64 }{{0, 0}, {1, 16}, {16, 16}, {17, 32}, {64, 64}, {65, 80}, {81, 100}, {101, 125}} {
		if got := typesArray(tt.n); got != tt.want {
			t.Errorf("array for %d types: %d, want %d", tt.n, got, tt.want)
		}
	}
	table := btf.NewTable(1, nil)
	for range 20 {
		table.Add(btf.Type{Kind: btf.Ptr})
	}
	raw, err := btf.Encode(table, binary.LittleEndian, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	fixed := int64(256 + 64 + 96 + 136 + 8)
	if got, err := memory("veth", raw, nil, 8); err != nil || got != 512+256+fixed {
		t.Errorf("split, %d bytes: %d, %v, want %d", len(raw), got, err, 512+256+fixed)
	}
	small := btf.NewTable(1, nil)
	small.Add(btf.Type{Kind: btf.Int, Name: small.Strings.InternString("int"), Size: 4, Extra: 32})
	base, err := btf.Encode(small, binary.LittleEndian, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	// The map has void, int and the 20 types.
	if got, err := memory("veth", raw, base, 4); err != nil || got != 512+128+kmalloc(22*4)+fixed {
		t.Errorf("over a base: %d, %v, want %d", got, err, 512+128+kmalloc(22*4)+fixed)
	}
	if got, err := memory("veth", nil, nil, 8); got != 0 || err != nil {
		t.Errorf("no BTF: %d, %v", got, err)
	}
}

func TestTotals(t *testing.T) {
	r := &Report{
		Kernels:     []Kernel{{Name: "a", Base: true}, {Name: "b"}, {Name: "c"}},
		Compression: Compression{Method: methodZstd}, Dictionary: &Dictionary{},
	}
	for i := range 10 {
		n := int64(i + 1)
		r.Modules = append(r.Modules, Module{Path: fmt.Sprintf("m%d", i), DWARF: true, Found: "none", Sizes: []Size{
			{Form: FormNone, File: 100 * n, Packed: 50 * n, WithDictionary: 40 * n},
			{Form: FormSplit, File: 200 * n, BTF: 90 * n, Packed: 75 * n, WithDictionary: 50 * n, Memory: n, Loads: []bool{true, i < 5, false}},
			{Form: FormAll, File: 300 * n, BTF: 180 * n, Base: 45, Packed: 100 * n, WithDictionary: 80 * n, Loads: []bool{true, true, true}},
		}})
	}
	r.Modules = append(r.Modules, Module{Path: "x", Found: "split", Sizes: []Size{{Form: FormNone, File: 7}, {Form: FormFound, File: 9, BTF: 2, Loads: []bool{true, false, false}}}})
	r.total(map[FormID]dictionarySize{FormNone: {size: 200}, FormSplit: {size: 250}, FormAll: {err: "none"}})
	if len(r.Forms) != 3 || len(r.NoDWARF) != 2 {
		t.Fatalf("%d forms, want none, split and all; %d without DWARF, want 2", len(r.Forms), len(r.NoDWARF))
	}
	split, all := r.Form(FormSplit), r.Form(FormAll)
	if want := (Stat{11000, 1000, 1800, 2000, "m9"}); split.File != want {
		t.Errorf("split: %+v, want %+v", split.File, want)
	}
	if split.FileOverNone != 2 || split.PackedOverNone != 1.5 || all.BTFOverSplit != 2 || all.FileOverSplit != 1.5 {
		t.Errorf("ratios: %+v and %+v", split, all)
	}
	if !slices.Equal(split.Accepted, []int{10, 5, 0}) || *split.Portability != 0.25 || *all.Portability != 1 {
		t.Errorf("accepted %v, portability %v and %v", split.Accepted, *split.Portability, *all.Portability)
	}
	if d := split.WithDictionary; d.TotalWithSize != 50*55+250 || d.OverNone != 3000.0/2400 || d.OverSplit != 1 {
		t.Errorf("dictionary: %+v", d)
	}
	if d := all.WithDictionary; d.Error != "none" || d.TotalWithSize != 0 {
		t.Errorf("no dictionary: %+v", d)
	}
	if all.Base != 450 || all.WithBTF != 10 || r.Form(FormNone).WithBTF != 0 || r.Form(FormNone).Accepted != nil {
		t.Errorf("all: %+v", all)
	}
	if s := r.NoDWARF[1]; s.ID != FormFound || s.File.Total != 9 || s.FileOverSplit != 0 {
		t.Errorf("without DWARF: %+v", s)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := number(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for x, want := range map[float64]string{0: "-", 1: "=", 1.0001: "=", 0.9999: "=", 1.234: "+23.4%", 0.5: "-50.0%", 19.77: "+1877.0%"} {
		if got := times(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
}

// corpus are files that have long strings in common, in another order in each.
func corpus(n int, r *rand.Rand) [][]byte {
	words := make([][]byte, 60)
	for i := range words {
		words[i] = make([]byte, 300)
		for j := range words[i] {
			words[i][j] = byte(r.Uint32())
		}
	}
	var files [][]byte
	for range n {
		f := make([]byte, 2000) // zeros, which a dictionary needs but little of
		for range 30 {
			f = append(f, words[r.IntN(len(words))]...)
			for range 50 {
				f = append(f, byte(r.Uint32()))
			}
		}
		files = append(files, f)
	}
	return files
}

// A dictionary is the same each time, helps both kinds of encoder, and is not made of
// nothing.
func TestDictionary(t *testing.T) {
	files := corpus(60, rand.New(rand.NewPCG(1, 2)))
	d, err := train(files[:40], 20_000)
	if err != nil {
		t.Fatal(err)
	}
	again, err := train(files[:40], 20_000)
	if err != nil || !bytes.Equal(d, again) {
		t.Errorf("a second run gives another dictionary: %v", err)
	}
	if len(d) > 20_000 {
		t.Errorf("%d bytes", len(d))
	}
	packers := []packer{library{method: compress.Zstd, name: "library"}}
	if _, err := exec.LookPath("zstd"); err == nil {
		p, err := newPacker(methodZstd)
		if err != nil {
			t.Fatal(err)
		}
		packers = append(packers, p)
	}
	for _, p := range packers {
		sum := func(p packer) (n int64) {
			sizes, err := p.sizes(context.Background(), files[40:])
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range sizes {
				n += s
			}
			return n
		}
		// Two thirds of each file are in the dictionary.
		if without, with := sum(p), sum(p.with(d)); with > without*2/3 {
			t.Errorf("%s: %d bytes with the dictionary, %d without", p.describe(), with, without)
		}
	}
	long := [][]byte{}
	for range 8 { // longer than what zstd compresses at a time
		long = append(long, bytes.Join(files[:40], nil))
	}
	if _, err := train(long, 200_000); err != nil {
		t.Errorf("long samples: %v", err)
	}
	for name, samples := range map[string][][]byte{"none": nil, "few": files[:3], "empty": make([][]byte, 20)} {
		if _, err := train(samples, 20_000); !errors.Is(err, errTooFew) {
			t.Errorf("%s: error %v, want errTooFew", name, err)
		}
	}
}

func TestHalves(t *testing.T) {
	var n [2]int
	for i := range 1000 {
		name := fmt.Sprintf("module%d.ko", i)
		half := halfOf("a/" + name)
		if halfOf("b/"+name+".xz") != half {
			t.Errorf("%s: not only the name counts", name)
		}
		n[half]++
	}
	if n[0] < 400 || n[1] < 400 {
		t.Errorf("halves of %d and %d", n[0], n[1])
	}
}

func TestPackers(t *testing.T) {
	files := [][]byte{bytes.Repeat([]byte("kernel "), 1000), nil, []byte("x")}
	check := func(p packer) {
		sizes, err := p.sizes(context.Background(), files)
		if err != nil {
			t.Fatalf("%s: %v", p.describe(), err)
		}
		if len(sizes) != 3 || sizes[0] > 500 || sizes[0] < 20 || sizes[2] < 5 {
			t.Errorf("%s: sizes %v", p.describe(), sizes)
		}
	}
	check(library{method: compress.Zstd, name: "library"})
	check(library{method: compress.XZ, name: "library"})
	for _, method := range []string{methodZstd, methodXZ} {
		p, err := newPacker(method)
		if err != nil {
			t.Fatal(err)
		}
		check(p)
		if !strings.ContainsAny(p.describe(), "0123456789") {
			t.Errorf("%q does not tell a version or level", p.describe())
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := p.sizes(ctx, files); err == nil {
			t.Errorf("%s: not canceled", p.describe())
		}
	}
	t.Setenv("PATH", "")
	for _, method := range []string{methodZstd, methodXZ} {
		p, err := newPacker(method)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := p.(library); !ok {
			t.Errorf("%s: %T without a program", method, p)
		}
	}
	if p, err := newPacker(methodNone); p != nil || err != nil {
		t.Errorf("none: %v, %v", p, err)
	}
	if _, err := newPacker("rar"); err == nil {
		t.Error("rar is known")
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/x.ko", "a/y.ko.xz", "a/note.txt", "debug/y.ko.debug", "debug/more/x.ko.debug"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(names ...string) (paths []string) {
		for _, n := range names {
			paths = append(paths, filepath.Join(dir, n))
		}
		return paths
	}
	found, err := Find(at("a/y.ko.xz", "debug", "a"), check.Lookup{})
	if err != nil {
		t.Fatal(err)
	}
	if want := at("a/x.ko", "a/y.ko.xz"); !slices.Equal(found.Modules, want) {
		t.Errorf("modules %v, want %v", found.Modules, want)
	}
	if got, want := found.debugFor("/lib/y.ko.xz"), at("debug/y.ko.debug"); !slices.Equal(got, want) {
		t.Errorf("debug files %v, want %v", got, want)
	}
	for _, paths := range [][]string{at("debug"), at("debug/y.ko.debug"), at("nothing.ko.debug"), {"no-such-module"}} {
		if _, err := Find(paths, check.Lookup{}); err == nil {
			t.Errorf("%v: no error", paths)
		}
	}
}

// kernel makes a kernel of what the fixtures hold.
func kernel(t *testing.T, name, module string) *check.Kernel {
	t.Helper()
	e, err := encode.New(encode.Options{Form: encode.SelfContained})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Open(module, true)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, out.BTF, 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := check.LoadKernel(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The report says of each module what encoding it alone makes, whatever the number of
// workers, with all that can be measured.
func TestRun(t *testing.T) {
	const dir = "../../testdata/"
	k := kernel(t, "kernel.btf", dir+"kfuncs.ko")
	files := &Files{Modules: []string{dir + "hello.ko", dir + "kfuncs.ko", dir + "obj/x86_64-gcc-dwarf5/types.ko", dir + "README.md"}}
	opts := Options{Kernels: []*check.Kernel{k}, Base: k, Compress: methodZstd, Jobs: 1, Tool: "test"}
	told := 0
	opts.Progress = func(p Progress) {
		told++
		if p.Modules > p.AllModules || p.Bytes > p.AllBytes || p.AllModules != len(files.Modules) {
			t.Errorf("progress %+v", p)
		}
	}
	r, err := Run(context.Background(), files, opts)
	if err != nil {
		t.Fatal(err)
	}
	if told != len(files.Modules) {
		t.Errorf("told %d times of %d modules", told, len(files.Modules))
	}
	if len(r.Modules) != 3 || len(r.Failed) != 1 || r.Failed[0].Path != dir+"README.md" || strings.Contains(r.Failed[0].Error, dir) {
		t.Fatalf("%d modules, failed: %+v", len(r.Modules), r.Failed)
	}
	for id, o := range map[FormID]encode.Options{
		FormSplit: {Form: encode.Split}, FormDistilled: {Form: encode.Distilled},
		FormOwn: {Form: encode.SelfContained, Keep: encode.KeepOwn}, FormReachable: {Form: encode.SelfContained, Keep: encode.KeepReachable},
		FormAll: {Form: encode.SelfContained},
	} {
		if o.Form != encode.SelfContained || o.Keep == encode.KeepOwn {
			o.Base = k.Path
		}
		e, err := encode.New(o)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Modules {
			out, err := e.Open(r.Modules[i].Path, false)
			if err != nil {
				t.Fatal(err)
			}
			s := r.Modules[i].Size(id)
			if s == nil || s.BTF != int64(len(out.BTF)+len(out.Base)) || s.Base != int64(len(out.Base)) || s.BTF > 0 && (s.Memory == 0 || s.Packed == 0) {
				t.Errorf("%s, %s: %+v, alone %d and %d", r.Modules[i].Path, id, s, len(out.BTF), len(out.Base))
			}
		}
	}
	opts.Jobs, opts.Progress = 3, nil
	again, err := Run(context.Background(), files, opts)
	if err != nil || !reflect.DeepEqual(r, again) {
		t.Errorf("three workers measure something else: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, files, opts); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	opts.Compress, opts.Dictionary = methodXZ, 1024
	if _, err := Run(context.Background(), files, opts); !errors.Is(err, ErrDictionary) {
		t.Errorf("a dictionary for xz: %v", err)
	}
}

// With enough modules there are dictionaries.
func TestRunDictionary(t *testing.T) {
	const module = "../../testdata/hello.ko"
	dir := t.TempDir()
	data, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	files := &Files{}
	for i := range 24 {
		path := filepath.Join(dir, fmt.Sprintf("m%02d.ko", i))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		files.Modules = append(files.Modules, path)
	}
	opts := Options{Compress: methodZstd, Dictionary: 4 << 10, NoBase: "none"}
	r, err := Run(context.Background(), files, opts)
	if err != nil {
		t.Fatal(err)
	}
	all := r.Form(FormAll)
	if d := all.WithDictionary; d.Error != "" || d.Size == 0 || d.Size > 4<<10 || d.Total >= all.Packed.Total || d.TotalWithSize != d.Total+d.Size {
		t.Errorf("%+v, without: %+v", d, all.Packed)
	}
	for i := range r.Modules {
		for _, s := range r.Modules[i].Sizes {
			if s.WithDictionary == 0 {
				t.Errorf("%s, %s: no size", r.Modules[i].Path, s.Form)
			}
		}
	}
}
