package main

import (
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// messages is where messages go. Names in them come out of files that anybody may have
// made: what could steer a terminal is written as an escape sequence of Go.
type messages struct{ to io.Writer }

func (m *messages) Write(p []byte) (int, error) {
	if _, err := io.WriteString(m.to, plain(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func plain(text string) string {
	for i := 0; i < len(text); i++ {
		if c := text[i]; (c < ' ' || c > '~') && c != '\n' && c != '\t' {
			return escaped(text)
		}
	}
	return text
}

// longest is what is shown of one error, in bytes: names in it may have any length.
const longest = 1500

// cut takes out the middle of a text that is longer.
func cut(text string) string {
	if text = plain(text); len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest-200], "") + " ... " + strings.ToValidUTF8(text[len(text)-200:], "")
}

func escaped(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == '\n', r == '\t', unicode.IsPrint(r) && (r != utf8.RuneError || n > 1):
			b.WriteString(text[:n])
		default:
			q := strconv.QuoteToASCII(text[:n])
			b.WriteString(q[1 : len(q)-1])
		}
		text = text[n:]
	}
	return b.String()
}
