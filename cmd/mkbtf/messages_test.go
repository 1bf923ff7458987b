package main

import (
	"bytes"
	"testing"
)

func TestMessages(t *testing.T) {
	for in, want := range map[string]string{
		"mkbtf: x.ko: done\n": "mkbtf: x.ko: done\n",
		"Größe\t1\n":          "Größe\t1\n",
		"\x1b[31mred\r\n":     `\x1b[31mred\r` + "\n",
		"\xff\x00\u009b":      `\xff\x00\u009b`,
		"\ufffd":              "\ufffd",
	} {
		var out bytes.Buffer
		if n, err := (&messages{&out}).Write([]byte(in)); n != len(in) || err != nil || out.String() != want {
			t.Errorf("%q: %q, %d, %v, want %q", in, out.String(), n, err, want)
		}
	}
}
