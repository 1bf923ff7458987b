package btfids

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mkbtf/btf"
)

func names(ids []ID) string {
	var list []string
	for _, id := range ids {
		list = append(list, strings.ToLower(id.Kind.String())+":"+id.Name)
	}
	return strings.Join(list, " ")
}

func TestResolve(t *testing.T) {
	tests := []struct {
		name, content, base, own       string
		want                           []uint32
		unresolved, ambiguous, foreign string
		kfuncs                         string
	}{
		{
			name: "ids", content: "struct:s union:u typedef:t func:f", own: "typedef:t func:f struct:s union:u",
			want: []uint32{3, 4, 1, 2},
		},
		{
			name: "unused and unknown", content: "0 struct:none struct:s", own: "struct:s",
			want: []uint32{0, 0, 1}, unresolved: "struct:none",
		},
		{
			name: "kinds have names of their own", content: "struct:x union:x typedef:x func:x", own: "func:x union:x",
			want: []uint32{0, 2, 0, 1}, unresolved: "struct:x typedef:x",
		},
		{
			name: "set", content: "set:a{z,y,x} func:z", own: "func:x func:z func:y",
			want: []uint32{3, 1, 2, 3, 2},
		},
		{
			name: "kfuncs keep their flags", content: "set8:k/1{z/7,x/3,y/9}", own: "func:x func:y func:z",
			want: []uint32{3, 1, 1, 3, 2, 9, 3, 7}, kfuncs: "z/7 x/3 y/9",
		},
		{
			name: "no kfuncs", content: "set8:k/0{z/7}", own: "func:z",
			want: []uint32{1, 0, 1, 7},
		},
		{
			name: "room in a set", content: "set8:k/1{x/3,0/0}", own: "func:x",
			want: []uint32{2, 1, 0, 0, 1, 3}, kfuncs: "x/3",
		},
		{
			name: "unresolved in a set", content: "set8:k/1{x/3,none/4}", own: "func:x",
			want: []uint32{2, 1, 0, 4, 1, 3}, unresolved: "func:none", kfuncs: "x/3 none/4",
		},
		{
			name: "in two sets", content: "set8:a/1{x/1,y/2} set8:b/1{x/4}", own: "func:y func:x",
			want: []uint32{2, 1, 1, 2, 2, 1, 1, 1, 2, 4}, kfuncs: "x/5 y/2",
		},
		{
			name: "empty set", content: "set:e{} struct:s", own: "struct:s", want: []uint32{0, 1},
		},
		{
			name: "names with underscores", content: "func:a__b func:_c", own: "func:a__b func:_c", want: []uint32{1, 2},
		},
		{
			name: "over a base", content: "struct:s struct:b func:own", base: "struct:b", own: "struct:s func:own",
			want: []uint32{3, 1, 4},
		},
		{
			name: "the base's before an own one", content: "struct:s func:f set:l{f}", base: "struct:s func:f", own: "struct:s func:f",
			want: []uint32{1, 2, 1, 2}, ambiguous: "struct:s func:f",
		},
		{
			name: "an own kfunc before the base's", content: "set8:k/1{f/3,g/4}", base: "func:f func:g", own: "func:f",
			want: []uint32{2, 1, 2, 4, 4, 3}, foreign: "func:g", kfuncs: "f/3 g/4",
		},
	}
	for _, tt := range tests {
		for _, order := range orders {
			t.Run(fmt.Sprint(tt.name, " ", order), func(t *testing.T) {
				var base *btf.Blob
				if tt.base != "" {
					base = types(t, order, nil, tt.base)
				}
				b := types(t, order, base, tt.own)
				c := newContent(order, tt.content)
				before := bytes.Clone(c.data)
				s := c.parse(t)
				r := s.Resolve(b)
				var want []byte
				for _, w := range tt.want {
					want = order.AppendUint32(want, w)
				}
				if !bytes.Equal(r.Data, want) {
					t.Errorf("content\n% x, want\n% x", r.Data, want)
				}
				for _, list := range []struct {
					what, want string
					got        []ID
				}{{"unresolved", tt.unresolved, r.Unresolved}, {"ambiguous", tt.ambiguous, r.Ambiguous}, {"foreign", tt.foreign, r.Foreign}} {
					if got := names(list.got); got != list.want {
						t.Errorf("%s: %q, want %q", list.what, got, list.want)
					}
				}
				var kfuncs []string
				for _, k := range s.KFuncs() {
					kfuncs = append(kfuncs, fmt.Sprintf("%s/%d", k.Name, k.Flags))
				}
				if got := strings.Join(kfuncs, " "); got != tt.kfuncs {
					t.Errorf("kfuncs %q, want %q", got, tt.kfuncs)
				}
				if !bytes.Equal(c.data, before) {
					t.Error("the input was changed")
				}
			})
		}
	}
}

func TestMalformed(t *testing.T) {
	c := newContent(binary.LittleEndian, "set8:k/1{x/3,y/4} struct:s")
	tests := []struct {
		name   string
		symbol Symbol
	}{
		{"unknown kind", Symbol{"__BTF_ID__enum__e__1", 24, 4}},
		{"no name", Symbol{"__BTF_ID__func__", 24, 4}},
		{"no number", Symbol{"__BTF_ID__func__f", 24, 4}},
		{"id behind the end", Symbol{"__BTF_ID__func__f__1", 26, 4}},
		{"id far behind the end", Symbol{"__BTF_ID__func__f__1", 1 << 63, 4}},
		{"set behind the end", Symbol{"__BTF_ID__set__t", 28, 8}},
		{"set far behind the end", Symbol{"__BTF_ID__set__t", 1 << 63, 1 << 63}},
		{"set without a size", Symbol{"__BTF_ID__set__t", 24, 0}},
		{"half an element", Symbol{"__BTF_ID__set8__t", 16, 12}},
		{"set in a set", Symbol{"__BTF_ID__set__t", 8, 4}},
		{"id on flags", Symbol{"__BTF_ID__func__f__1", 12, 4}},
		{"id on a count", Symbol{"__BTF_ID__func__f__1", 0, 4}},
		{"id across ids", Symbol{"__BTF_ID__func__f__1", 22, 4}},
		{"two ids in one place", Symbol{"__BTF_ID__func__f__1", 24, 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse(c.data, c.order, append(c.symbols[:len(c.symbols):len(c.symbols)], tt.symbol)); !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v, want %v", err, ErrMalformed)
			}
		})
	}
	if s, err := Parse(nil, c.order, []Symbol{{"other", 100, 100}}); err != nil || len(s.IDs())+len(s.Sets()) > 0 {
		t.Errorf("a symbol of another name: %v, %v", s, err)
	}
}
