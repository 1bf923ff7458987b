package btf

import (
	"bytes"
	"slices"
	"strconv"
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

// TestGrow: a pool has the same strings whether room was made for them or not.
func TestGrow(t *testing.T) {
	for _, room := range []int{0, 1, 300, 5000} {
		s := NewStrings()
		s.Grow(room, 3*room)
		for i := range 3000 {
			if n := s.InternString(strconv.Itoa(i)); n != Str(i+1) {
				t.Fatalf("room for %d: string %d has the number %d", room, i, n)
			}
		}
		s.Grow(1<<20, 1<<20) // it is not empty
		if n, ok := s.Find([]byte("2999")); n != 3000 || !ok || s.String(17) != "16" {
			t.Errorf("room for %d: %d, %v, %q", room, n, ok, s.String(17))
		}
	}
}

// TestSketch: what lies behind a string does not change its sketch.
func TestSketch(t *testing.T) {
	for n := range 30 {
		text := bytes.Repeat([]byte{0x80, 1, 0xff}, n)[:n]
		for room := range 12 {
			in := append(append(slices.Clone(text), 0), bytes.Repeat([]byte{0xa5}, room)...)
			if sketch(in, n) != sketch(text, n) {
				t.Errorf("%d bytes, %d behind", n, room)
			}
		}
	}
}
