package btfids

import (
	"bytes"
	"encoding/binary"
	"testing"

	"mkbtf/btf"
)

// FuzzParse reads a section whose symbols stand in another text, resolves it, and
// does so again: sets must not lose or mix up anything, and nothing may panic.
func FuzzParse(f *testing.F) {
	order := btf.Order(binary.LittleEndian)
	for _, text := range []string{
		"struct:s union:u typedef:t func:f 0", "set:a{z,y,x} func:z", "set8:k/1{a/1,b/2,c/4} set8:l/1{b/3,d/8}", "set8:k/1{x/3,0/0} set:e{}",
	} {
		c := newContent(order, text)
		var symbols []byte
		for _, y := range c.symbols {
			symbols = append(symbols, byte(y.Off), byte(y.Size))
			symbols = append(append(symbols, y.Name...), 0)
		}
		f.Add(c.data, symbols)
	}
	f.Fuzz(func(t *testing.T, data, text []byte) {
		b := types(t, order, nil, "func:a func:b struct:s func:c func:d union:u")
		var symbols []Symbol
		for entry := range bytes.SplitSeq(text, []byte{0}) {
			if len(entry) > 2 {
				symbols = append(symbols, Symbol{string(entry[2:]), uint64(entry[0]), uint64(entry[1])})
			}
		}
		s, err := Parse(data, order, symbols)
		if err != nil {
			return
		}
		if err := s.Attribute(b); err != nil {
			return
		}
		s.KFuncs()
		s.Types()
		once := s.Resolve(b)
		again, err := Parse(once.Data, order, symbols)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Attribute(b); err != nil {
			if len(once.Unresolved) == 0 {
				t.Fatalf("all ids are resolved: %v", err)
			}
			return
		}
		if twice := again.Resolve(b); len(once.Unresolved) == 0 && !bytes.Equal(once.Data, twice.Data) {
			t.Fatalf("% x became % x", once.Data, twice.Data)
		}
	})
}
