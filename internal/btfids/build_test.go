package btfids

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"mkbtf/btf"
)

// content builds a section the way include/linux/btf_ids.h does, from words:
//
//	func:f             an id
//	set:name{f,g}      a set of functions
//	set8:name/1{f/2,g/4}   a set with flags, whose members have flags
//	0                  four bytes without a symbol
type content struct {
	order   btf.Order
	data    []byte
	symbols []Symbol
}

func (c *content) word(v uint32) { c.data = c.order.AppendUint32(c.data, v) }

func (c *content) symbol(name string, off, size int) {
	c.symbols = append(c.symbols, Symbol{symbolPrefix + name, uint64(off), uint64(size)})
}

func (c *content) id(kind, name string) {
	c.symbol(fmt.Sprintf("%s__%s__%d", kind, name, len(c.symbols)), len(c.data), 4)
	c.word(0)
}

func cutFlags(s string) (string, uint32) {
	name, flags, _ := strings.Cut(s, "/")
	var n uint32
	fmt.Sscanf(flags, "%v", &n)
	return name, n
}

func newContent(order btf.Order, text string) *content {
	c := &content{order: order}
	for _, word := range strings.Fields(text) {
		kind, rest, _ := strings.Cut(word, ":")
		name, list, isSet := strings.Cut(strings.TrimSuffix(rest, "}"), "{")
		switch {
		case word == "0":
			c.word(0)
		case !isSet:
			c.id(kind, rest)
		default:
			start, at := len(c.data), len(c.symbols)
			name, flags := cutFlags(name)
			c.symbol(kind+"__"+name, start, 0)
			c.word(0)
			if kind == "set8" {
				c.word(flags)
			}
			for _, item := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
				f, flags := cutFlags(item)
				if f == "0" {
					c.word(0)
				} else {
					c.id("func", f)
				}
				if kind == "set8" {
					c.word(flags)
				}
			}
			c.symbols[at].Size = uint64(len(c.data) - start)
		}
	}
	return c
}

func (c *content) parse(t *testing.T) *Section {
	t.Helper()
	s, err := Parse(c.data, c.order, c.symbols)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// types makes BTF of FUNCs, STRUCTs, UNIONs and TYPEDEFs: "func:f struct:s". Ids count
// from the start of the base; the FUNC_PROTO that FUNCs need comes last.
func types(t *testing.T, order btf.Order, base *btf.Blob, text string) *btf.Blob {
	t.Helper()
	start := btf.ID(1)
	if base != nil {
		start = base.End()
	}
	tab := btf.NewTable(start, nil)
	words := strings.Fields(text)
	proto := start + btf.ID(len(words))
	for _, w := range words {
		kind, name, _ := strings.Cut(w, ":")
		typ := btf.Type{Kind: idKinds[kind], Name: tab.Strings.InternString(name), Size: 4}
		if typ.Kind == btf.Func {
			typ.Ref = proto
		}
		tab.Add(typ)
	}
	tab.Add(btf.Type{Kind: btf.FuncProto})
	return encode(t, tab, order, base)
}

func encode(t *testing.T, tab *btf.Table, order btf.Order, base *btf.Blob) *btf.Blob {
	t.Helper()
	raw, err := btf.Encode(tab, order, base, true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := btf.Parse(raw, base)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var orders = []btf.Order{binary.LittleEndian, binary.BigEndian}
