package dump

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	ebtf "github.com/cilium/ebpf/btf"

	"mkbtf/btf"
	"mkbtf/internal/dump/dumptest"
)

// TestCRelocates compiles a BPF program with a module's header and relocates it to the
// BTF of another build of the module over another kernel, in which members have moved,
// changed their width or gone.
func TestCRelocates(t *testing.T) {
	clang := dumptest.Compiler("clang")
	if clang == "" {
		t.Skip("clang is not installed")
	}
	kernels := [2]*btf.Blob{}
	modules := [2]*btf.Blob{}
	for i := range modules {
		old := i == 0
		var u, l, p btf.ID
		kernels[i] = build(t, nil, func(b builder) {
			if !old {
				b.structure("new_in_kernel", 0)
			}
			u, l = b.unsigned("unsigned int", 4), b.unsigned("long unsigned int", 8)
			p = b.ptr(b.structure("device", 8, b.at(0, "id", l)))
		})
		modules[i] = build(t, kernels[i], func(b builder) {
			if old {
				in := b.record(btf.Union, "", 8, b.at(0, "raw", l), b.at(0, "low", u))
				b.structure("queue", 40, b.at(0, "dev", p), b.at(8, "", in), b.bits(128, "on", u, 1), b.bits(129, "depth", u, 12), b.at(24, "stats", l), b.at(32, "gone", l))
				return
			}
			b.typedef("new_in_module", u)
			in := b.record(btf.Union, "", 8, b.at(0, "raw", l), b.at(0, "low", u))
			b.structure("queue", 48, b.at(0, "stats", l), b.at(8, "dev", p), b.bits(128, "depth", u, 14), b.bits(142, "on", u, 1), b.at(24, "", in), b.at(32, "added", l))
		})
	}
	list := dumptest.Accesses(modules[0])
	if len(list) != 7 {
		t.Errorf("%d members: %v", len(list), list)
	}
	header := inC(t, modules[0], COptions{})
	for i, m := range modules {
		got, err := dumptest.Relocate(clang, t.TempDir(), header, list, binary.LittleEndian, specOf(t, kernels[i], nil), specOf(t, m, kernels[i]))
		if err != nil {
			t.Fatal(err)
		}
		want := dumptest.Accesses(m)
		if i == 1 {
			if len(got) != 6 {
				t.Errorf("%d of the members are found, want 6: %v", len(got), got)
			}
			want = slices.DeleteFunc(want, func(a dumptest.Access) bool { return a.Member == "added" })
		}
		byName := func(a, b dumptest.Access) int { return strings.Compare(a.Member, b.Member) }
		slices.SortFunc(got, byName)
		slices.SortFunc(want, byName)
		if !slices.Equal(got, want) {
			t.Errorf("the program reads\n%v\nthe BTF has\n%v", got, want)
		}
	}
}

func specOf(t *testing.T, b, base *btf.Blob) *ebtf.Spec {
	t.Helper()
	if base == nil {
		spec, err := ebtf.LoadSpecFromReader(bytes.NewReader(b.Data))
		if err != nil {
			t.Fatal(err)
		}
		return spec
	}
	spec, err := ebtf.LoadSplitSpecFromReader(bytes.NewReader(b.Data), specOf(t, base, nil))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}
