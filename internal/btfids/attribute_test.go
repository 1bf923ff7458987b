package btfids

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"mkbtf/btf"
)

// TestAttribute fills sections in twice, for one BTF and then for another one in
// which the functions have another order: the flags must stay with their functions.
func TestAttribute(t *testing.T) {
	order := btf.Order(binary.LittleEndian)
	base := types(t, order, nil, "struct:task func:schedule typedef:long_name_of_a_kernel")
	other := types(t, order, nil, "struct:task func:schedule func:more struct:types")
	one := types(t, order, base, "func:c struct:s func:b func:a func:d")
	two := types(t, order, base, "func:a func:b func:c func:d struct:s")
	const mixed = "set8:k/1{a/1,b/2,c/4} struct:s set8:l/1{d/8,b/3}"
	unshared := func() []byte { // as in a .BTF that lies over a .BTF.base
		raw, err := btf.Encode(one.Table(nil), order, base, false)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}()
	trusted := func(raw []byte, base *btf.Blob) *btf.Blob {
		b, err := btf.ParseTrusted(raw, base)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	tests := []struct {
		name, content string
		old           *btf.Blob
		fails         bool
	}{
		{"over its base", mixed, one, false},
		{"without its base", mixed, trusted(one.Data, nil), false},
		{"without its base, own strings", mixed, trusted(unshared, nil), false},
		{"over another base", mixed, trusted(one.Data, other), false},
		{"other BTF", mixed, types(t, order, nil, "func:x func:y func:z func:w func:v func:u"), true},
		{"no BTF", mixed, nil, true},
		{"alike", "set8:k/1{a/2,b/2,c/2}", nil, false},
		{"no flags", "set:k{c,b,a}", nil, false},
		{"unresolved", "set8:k/1{a/1,none/2,c/4}", one, false},
		{"two unresolved", "set8:k/1{a/1,none/2,nothing/4}", one, true},
		{"two unresolved, alike", "set8:k/1{a/1,none/2,nothing/2}", one, false},
		{"one name twice", "set8:k/1{a/1,a/1,c/4}", one, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fresh := newContent(order, tt.content)
			want := fresh.parse(t).Resolve(two).Data
			first := fresh.parse(t).Resolve(one).Data
			again, err := Parse(first, order, fresh.symbols)
			if err != nil {
				t.Fatal(err)
			}
			err = again.Attribute(tt.old)
			if tt.fails {
				if !errors.Is(err, ErrFlags) {
					t.Errorf("error %v, want %v", err, ErrFlags)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := again.Resolve(two).Data; !bytes.Equal(got, want) {
				t.Errorf("content\n% x, want\n% x", got, want)
			}
			if got := again.Resolve(one).Data; !bytes.Equal(got, first) {
				t.Errorf("for the same BTF\n% x, want\n% x", got, first)
			}
		})
	}
	s := newContent(order, mixed).parse(t)
	if err := s.Attribute(nil); err != nil {
		t.Errorf("as the compiler left it: %v", err)
	}
}
