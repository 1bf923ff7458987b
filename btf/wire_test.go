package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// sample returns a table with a type of every kind.
func sample() *Table {
	t := NewTable(1, nil)
	s := t.Strings.InternString
	i := t.Add(Type{Kind: Int, Name: s("int"), Size: 4, Extra: IntData(IntSigned, 0, 32)})
	st := t.AddWith(Type{Kind: Struct, Name: s("s"), Size: 8}, []Member{{Name: s("a"), Type: i, Bits: 3}, {Name: s("b"), Type: i, Off: 32}})
	t.AddWith(Type{Kind: Union, Name: s("u"), Size: 4}, []Member{{Name: s("a"), Type: i}})
	p := t.Add(Type{Kind: Ptr, Ref: st})
	t.Add(Type{Kind: Array, Ref: i, Extra: uint32(i), Size: 7})
	t.AddWith(Type{Kind: Enum, Name: s("e"), Size: 4, Flag: true}, []Member{{Name: s("X"), Off: 0xffffffff}})
	t.AddWith(Type{Kind: Enum64, Name: s("e64"), Size: 8}, []Member{{Name: s("Y"), Off: 1, Bits: 2}})
	t.Add(Type{Kind: Fwd, Name: s("f"), Flag: true})
	td := t.Add(Type{Kind: Typedef, Name: s("t"), Ref: p})
	for _, k := range []Kind{Volatile, Const, Restrict} {
		t.Add(Type{Kind: k, Ref: td})
	}
	fp := t.AddWith(Type{Kind: FuncProto, Ref: i}, []Member{{Name: s("x"), Type: p}, {}})
	t.Add(Type{Kind: Func, Name: s("fn"), Ref: fp, Extra: LinkGlobal})
	v := t.Add(Type{Kind: Var, Name: s("v"), Ref: i, Extra: LinkGlobal})
	t.AddWith(Type{Kind: DataSec, Name: s(".data"), Size: 16}, []Member{{Type: v, Off: 4, Bits: 4}})
	t.Add(Type{Kind: Float, Name: s("double"), Size: 8})
	t.Add(Type{Kind: DeclTag, Name: s("tag"), Ref: st, Extra: 1})
	t.Add(Type{Kind: TypeTag, Name: s("user"), Ref: i, Flag: true})
	return t
}

func TestEncodeParse(t *testing.T) {
	for _, order := range []Order{binary.LittleEndian, binary.BigEndian} {
		raw, err := Encode(sample(), order, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Parse(raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		for id := ID(0); id < b.End()+2; id++ {
			want, _ := b.Decode(id, nil, func(uint32) Str { return 0 })
			if got := b.Head(id); got != want {
				t.Errorf("%v: type %d: %v, want %v", order, id, got, want)
			}
		}
		end := uint32(len(b.OwnStrings()))
		for off := range end + 3 {
			text := b.StringAt(off)
			if !b.StringIs(off, text) || b.StringIs(off, append(bytes.Clone(text), 'x')) || len(text) > 0 && b.StringIs(off, text[1:]) {
				t.Errorf("%v: string %d is %q, or it is not", order, off, text)
			}
			if b.HashAt(off) != HashOf(text) {
				t.Errorf("%v: hash of string %d, %q", order, off, text)
			}
		}
		var counts [NumKinds][2]int
		b.Each(func(_ ID, r Record, _ []byte) {
			if r.NameOff != 0 {
				counts[r.Kind()][0]++
			} else {
				counts[r.Kind()][1]++
			}
		})
		for k := range counts {
			if named, unnamed := b.Count(Kind(k)); [2]int{named, unnamed} != counts[k] {
				t.Errorf("%v: %d %s with a name and %d without, want %v", order, named, Kind(k), unnamed, counts[k])
			}
		}
		again, err := Encode(b.Table(nil), order, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(raw, again) {
			t.Errorf("%v: written, read and written again differs", order)
		}
	}
}

func TestSplitSharesStrings(t *testing.T) {
	raw, err := Encode(sample(), binary.LittleEndian, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	base, err := Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	split := NewTable(base.End(), nil)
	split.AddWith(Type{Kind: Struct, Name: split.Strings.InternString("fn"), Size: 4}, []Member{{Name: split.Strings.InternString("new"), Type: 1}})
	out, err := Encode(split, binary.LittleEndian, base, true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse(out, base)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(b.OwnStrings()); got != "new\x00" {
		t.Errorf("own strings are %q, want only the one that the base lacks", got)
	}
	if got := b.StringAt(b.Record(base.End()).NameOff); string(got) != "fn" {
		t.Errorf("name of the split type is %q", got)
	}
}

func TestParseErrors(t *testing.T) {
	good, err := Encode(sample(), binary.LittleEndian, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	at := func(off int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint32(b[off:], v); return b }
	}
	tests := []struct {
		name string
		edit func([]byte) []byte
		want error
	}{
		{"empty", func(b []byte) []byte { return nil }, ErrTruncated},
		{"half a header", func(b []byte) []byte { return b[:20] }, ErrTruncated},
		{"other magic", at(0, 0), ErrNoBTF},
		{"version", func(b []byte) []byte { b[2] = 2; return b }, ErrMalformed},
		{"header length", at(4, 1<<31), ErrTruncated},
		{"types past the end", at(12, 1<<30), ErrTruncated},
		{"strings past the end", at(20, 1<<30), ErrTruncated},
		{"half a record", at(12, 13), ErrMalformed},
		{"unknown kind", at(HeaderLen+4, 0x1f<<24), ErrMalformed},
		{"name out of range", at(HeaderLen, 1<<20), ErrMalformed},
		{"member type out of range", at(HeaderLen+16+12+4, 1000), ErrMalformed},
		{"strings without end", func(b []byte) []byte { b[len(b)-1] = 'x'; return b }, ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := Parse(tt.edit(bytes.Clone(good)), nil)
			if !errors.Is(err, tt.want) || b != nil {
				t.Errorf("got %v, %v; want %v", b, err, tt.want)
			}
		})
	}
}

// TestLongStrings: names that overlap could otherwise take memory in proportion to the
// string section each.
func TestLongStrings(t *testing.T) {
	for _, tt := range []struct {
		before, length int
		ok             bool
	}{{0, maxString, true}, {700, maxString, true}, {0, maxString + 1, false}, {700, maxString + 1, false}, {1022, maxString + 1, false}, {10, 100000, false}} {
		tab := NewTable(1, nil)
		for i := range tt.before / 4 { // strings that stand before it
			tab.Add(Type{Kind: Fwd, Name: tab.Strings.InternString(fmt.Sprintf("a%02d", i%100+i))})
		}
		tab.Add(Type{Kind: Fwd, Name: tab.Strings.InternString(strings.Repeat("x", tt.length))})
		data, err := Encode(tab, binary.LittleEndian, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(data, nil); (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes behind %d: %v", tt.length, tt.before, err)
		}
	}
}
