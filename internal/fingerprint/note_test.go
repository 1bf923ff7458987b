package fingerprint

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"mkbtf/btf"
)

var orders = map[string]btf.Order{"little": binary.LittleEndian, "big": binary.BigEndian}

func TestNote(t *testing.T) {
	for name, order := range orders {
		for _, release := range []string{"", "6.12.117+deb12-cloud-amd64", strings.Repeat("x", 64)} {
			n := Note{Form: Distilled, Types: 120034, Base: Of([]byte("kernel")), BTF: Of([]byte("module")), Release: release}
			raw := n.Encode(order)
			if len(raw)%4 != 0 {
				t.Errorf("%s: %d bytes", name, len(raw))
			}
			got, err := Parse(raw, order)
			if err != nil || *got != n {
				t.Errorf("%s: read %+v, %v; written %+v", name, got, err, n)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	note := Note{Form: Split, Release: "6.12"}
	order := binary.LittleEndian
	for name, edit := range map[string]func([]byte) []byte{
		"empty":         func(b []byte) []byte { return nil },
		"cut":           func(b []byte) []byte { return b[:len(b)-9] },
		"other owner":   func(b []byte) []byte { b[12] = 'G'; return b },
		"newer version": func(b []byte) []byte { b[8] = 2; return b },
		"long":          func(b []byte) []byte { b[5] = 1; return b },
		"no end":        func(b []byte) []byte { b[len(b)-4] = 'x'; return b },
		"control":       func(b []byte) []byte { b[len(b)-6] = '\n'; return b },
	} {
		if n, err := Parse(edit(note.Encode(order)), order); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	n := Note{Form: Split, Types: 7, Release: "6.12.117-amd64"}
	f.Add(n.Encode(binary.LittleEndian), false)
	f.Add(n.Encode(binary.BigEndian), true)
	f.Fuzz(func(t *testing.T, data []byte, big bool) {
		var order btf.Order = binary.LittleEndian
		if big {
			order = binary.BigEndian
		}
		n, err := Parse(data, order)
		if err != nil {
			return
		}
		again, err := Parse(n.Encode(order), order)
		if err != nil || *again != *n {
			t.Errorf("%+v became %+v, %v", n, again, err)
		}
	})
}
