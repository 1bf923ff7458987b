package encode

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"mkbtf/dwarf2btf"
)

func TestParseLanguages(t *testing.T) {
	tests := []struct {
		list string
		want []uint16
		err  string
	}{
		{"rust", []uint16{0x1c, 0x9000}, ""},
		{"C++14, rust", []uint16{0x21, 0x1c, 0x9000}, ""},
		{"c99,c11", []uint16{0x0c, 0x1d}, ""},
		{"none", []uint16{}, ""},
		{"rust,cobol", nil, `unknown language "cobol"`},
	}
	for _, tt := range tests {
		t.Run(tt.list, func(t *testing.T) {
			got, err := ParseLanguages(tt.list)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#x, want %#x", got, tt.want)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.HasPrefix(err.Error(), tt.err) {
				t.Errorf("got error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestDefaultLanguagesHaveNames(t *testing.T) {
	got, err := ParseLanguages("c++,rust,asm")
	if err != nil {
		t.Fatal(err)
	}
	want := dwarf2btf.DefaultExcluded()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf(`"c++,rust,asm" is %#x, the default is %#x`, got, want)
	}
}
