package encode

import (
	"bytes"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
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
