package encode

import (
	"bytes"
	"math"
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
