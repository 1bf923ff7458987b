package btf

import (
	"bytes"
	"slices"
	"testing"
)

// TestHashText checks that a text has the same hash in a section and by itself.
func TestHashText(t *testing.T) {
	const most = 100
	for n := range most + 30 {
		text := bytes.Repeat([]byte{0x80, 1, 0xff}, n)[:n]
		for room := range 9 {
			hash, length, ok := HashText(append(slices.Clone(text), make([]byte, room)...), most)
			switch {
			case !ok && room >= 8, ok && n <= most && (length != n || hash != HashOf(text)):
				t.Fatalf("%d bytes and %d behind: %d bytes, %v", n, room, length, ok)
			case ok && n > most && length <= most:
				t.Fatalf("%d bytes: %d", n, length)
			}
		}
	}
}
