package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
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

func TestCut(t *testing.T) {
	long := "mkbtf: x.ko: " + strings.Repeat("ä\x00", 2000) + ": the end"
	if got := cut(long); len(got) > longest+5 || !strings.HasPrefix(got, "mkbtf: x.ko: ä\\x00") || !strings.HasSuffix(got, ": the end") || !utf8.ValidString(got) {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	if got := cut("short"); got != "short" {
		t.Errorf("%q", got)
	}
}
