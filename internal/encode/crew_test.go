package encode

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/object"
)

// TestShared has several goroutines share the units of small files, in memory that is
// used again, and expects what one makes alone. The race detector sees what it is for
// only with several.
func TestShared(t *testing.T) {
	defer func(was int64) { enoughToShare = was }(enoughToShare)
	enoughToShare = math.MinInt64
	paths, err := filepath.Glob("../../testdata/obj/x86_64-*-dwarf[2-5]/types.ko")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no objects: %v", err)
	}
	encoder := func(jobs int) *Encoder {
		e, err := New(Options{Form: SelfContained, Jobs: jobs})
		if err != nil {
			t.Fatal(err)
		}
		e.crew = newCrew(jobs, 1)
		return e
	}
	alone, shared := encoder(1), encoder(8)
	for range 4 {
		for _, path := range append(paths, "../../testdata/hello.ko") {
			want, err := alone.Open(path, true)
			if err != nil {
				t.Fatal(err)
			}
			got, err := shared.Open(path, true)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.BTF, want.BTF) {
				t.Errorf("%s: %d bytes by several goroutines, other than the %d by one", path, len(got.BTF), len(want.BTF))
			}
		}
	}
	if len(alone.crew.idle) != 1 || len(shared.crew.idle) < 2 {
		t.Errorf("%d and %d goroutines, want 1 and several", len(alone.crew.idle), len(shared.crew.idle))
	}
}

// TestReuse encodes files one after the other in the same memory, and expects what each
// gives by itself: what is kept of one must not show in the next.
func TestReuse(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/obj/*/*.ko")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no objects: %v", err)
	}
	paths = append(paths, "../../testdata/hello.ko", "../../testdata/kfuncs.ko")
	encode := func(e *Encoder, path string) string {
		out, err := e.Open(path, true)
		if err != nil {
			return err.Error()
		}
		return string(out.BTF)
	}
	encoder := func(opts Options) *Encoder {
		opts.Jobs = 1
		e, err := New(opts)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	alone := Options{Form: SelfContained}
	kernel := halfKernel(t, []byte(encode(encoder(alone), "../../testdata/obj/x86_64-gcc-dwarf5/types.ko")))
	for _, opts := range []Options{alone, {Form: Split, Base: kernel}, {Form: Distilled, Base: kernel, Keep: KeepReachable}} {
		want := map[string]string{}
		for _, path := range paths {
			want[path] = encode(encoder(opts), path)
		}
		e := encoder(opts)
		e.crew = newCrew(1, 1)
		rng := rand.New(rand.NewPCG(1, 2))
		for round := range 3 {
			rng.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
			for i, path := range paths {
				if got := encode(e, path); got != want[path] {
					t.Errorf("%v, round %d: %s differs after %s", opts.Form, round, path, paths[max(i-1, 0)])
				}
			}
		}
	}
}

// TestReuseRenamed encodes a module and then ones in which a member has another name in
// the same place of .debug_str.
func TestReuseRenamed(t *testing.T) {
	module, err := os.ReadFile("../../testdata/hello.ko")
	if err != nil {
		t.Fatal(err)
	}
	encoder := func() *Encoder {
		e, err := New(Options{Form: SelfContained, Jobs: 1})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	encode := func(e *Encoder, data []byte) []byte {
		out, err := e.Bytes("x.ko", data, true)
		if err != nil {
			t.Fatal(err)
		}
		return out.BTF
	}
	e := encoder()
	e.crew = newCrew(1, 1)
	plain := encode(e, module)
	blob, err := btf.Parse(plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	tab, renamed := blob.Table(nil), 0
	for i := range tab.Types {
		typ := &tab.Types[i]
		if !typ.Kind.IsComposite() || typ.Name == 0 || renamed == 20 {
			continue
		}
		for _, m := range tab.MembersOf(typ) {
			old := "\x00" + tab.Name(m.Name) + "\x00"
			if len(old) < 10 || bytes.Count(module, []byte(old)) != 1 {
				continue
			}
			other := bytes.Replace(module, []byte(old), []byte(old[:len(old)-2]+"Q\x00"), 1)
			want := encode(encoder(), other)
			if bytes.Equal(want, plain) {
				continue
			}
			renamed++
			if !bytes.Equal(encode(e, other), want) || !bytes.Equal(encode(e, module), plain) {
				t.Errorf("%s of %s shows in the next module", tab.Name(m.Name), tab.Name(typ.Name))
			}
			break
		}
	}
	if renamed < 10 {
		t.Errorf("%d members were renamed", renamed)
	}
}

// TestReuseDamaged encodes damaged modules one after the other in the same memory: what
// one of them claims must not show in the next, nor an error.
func TestReuseDamaged(t *testing.T) {
	module, err := os.ReadFile("../../testdata/hello.ko")
	if err != nil {
		t.Fatal(err)
	}
	encode := func(e *Encoder, data []byte) string {
		out, err := e.Bytes("x.ko", data, true)
		if err != nil {
			return err.Error()
		}
		return string(out.BTF)
	}
	encoder := func() *Encoder {
		e, err := New(Options{Form: SelfContained, Jobs: 1})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	f, err := object.OpenBytes("hello.ko", module)
	if err != nil {
		t.Fatal(err)
	}
	e := encoder()
	e.crew = newCrew(1, 1)
	rng := rand.New(rand.NewPCG(5, 6))
	good := 0
	for n := range damagedModules {
		data := bytes.Clone(module)
		for range 1 + rng.IntN(4) {
			i, ok := f.Section([]string{".debug_info", ".debug_str", ".debug_abbrev", ".rela.debug_info"}[rng.IntN(4)])
			if !ok {
				t.Fatal("a section is missing")
			}
			s := &f.Sections[i]
			at := s.Off + rng.Uint64N(s.Size)
			data[at] = []byte{data[at] + 1, data[at] ^ 1<<rng.IntN(8), byte(rng.Uint32())}[rng.IntN(3)]
		}
		want := encode(encoder(), data)
		if got := encode(e, data); got != want {
			t.Fatalf("module %d: %d bytes, alone %d", n, len(got), len(want))
		}
		if len(want) > 1000 {
			good++
		}
	}
	if good < damagedModules/4 {
		t.Errorf("only %d of %d modules have BTF", good, damagedModules)
	}
}

const damagedModules = 120
