package dwarf2btf

import (
	"debug/elf"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
)

// TestSymbols compares the table of functions with a map.
func TestSymbols(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	suffixes := []string{"", "", "", ".isra.0", ".constprop.0", ".constprop.1.isra.2", ".cold", ".part.0", ".llvm.123"}
	for _, n := range []int{0, 1, 2, 100, 5000} {
		var list SymbolList
		want := map[string][]string{}
		var order []string
		for i := range n {
			name := strings.Repeat("x", rng.IntN(30)) + fmt.Sprint(rng.IntN(1+n))
			suffix := suffixes[rng.IntN(len(suffixes))]
			y := Symbol{Name: []byte(name + suffix), Addr: uint64(i), Size: 1, Type: elf.STT_FUNC}
			if rng.IntN(4) == 0 {
				y.Type = elf.STT_OBJECT
			}
			list = append(list, y)
			if y.Type != elf.STT_FUNC || suffix == ".cold" || suffix == ".part.0" {
				continue
			}
			if suffix == ".llvm.123" {
				suffix = ""
			}
			if want[name] == nil {
				order = append(order, name)
			}
			want[name] = append(want[name], fmt.Sprintf("%s at %05x", suffix, i))
		}
		s, err := newSymbols(&Source{Symbols: list}, addressRange{})
		if err != nil {
			t.Fatal(err)
		}
		if s.Len() != len(order) {
			t.Fatalf("%d groups, want %d", s.Len(), len(order))
		}
		for g, name := range order {
			section := append([]byte(name), make([]byte, 8)...)
			hash, length, ok := btf.HashText(section, maxName)
			if got := s.find([]byte(name)); got != int32(g) || s.Name(g) != name || !ok || s.findHashed(section[:length], hash) != got {
				t.Fatalf("%s has the number %d, want %d", name, got, g)
			}
			var got []string
			for _, y := range s.of(int32(g)) {
				got = append(got, fmt.Sprintf("%s at %05x", s.suffix(&y), y.addr))
			}
			// They are in the order of the symbols, whose addresses rise.
			slices.Sort(want[name])
			if !slices.Equal(got, want[name]) {
				t.Fatalf("%s: %q, want %q", name, got, want[name])
			}
		}
		for _, name := range []string{"", "x", "yy", strings.Repeat("x", 600)} {
			if g := s.find([]byte(name)); want[name] == nil && g != -1 {
				t.Errorf("%q has the number %d", name, g)
			}
		}
	}
}
