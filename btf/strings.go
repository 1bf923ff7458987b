package btf

import (
	"bytes"
	"math"

	"mkbtf/internal/grow"
)

// Strings is a pool of distinct strings numbered in the order of their first
// appearance. It is not safe for concurrent use. The zero Strings is not ready
// for use; see NewStrings.
type Strings struct {
	data []byte   // all strings one after the other, each followed by a NUL
	off  []uint32 // start of each string in data, and one more: the end
	hash []uint32 // upper half of the hash of each string
	// table is open addressing; 0: free. An entry has the number of a string and, as far as
	// there is room, the part of the hash that does not say where it stands: then only the
	// string that is wanted is looked at.
	table []uint32
}

// NewStrings returns a pool that holds the empty string as 0.
func NewStrings() *Strings {
	s := &Strings{table: make([]uint32, 1<<10)}
	s.data = append(s.data, 0)
	s.off = append(s.off, 0, 1)
	s.hash = append(s.hash, 0)
	return s
}

// Grow makes room for n more strings of size bytes in all, if the pool is empty.
func (s *Strings) Grow(n, size int) {
	if len(s.hash) > 1 {
		return
	}
	s.data = append(make([]byte, 0, size+n), s.data...)
	s.off, s.hash = append(make([]uint32, 0, n+2), s.off...), append(make([]uint32, 0, n+1), s.hash...)
	for len(s.table) < 2*n {
		s.table = make([]uint32, 2*len(s.table))
	}
}

// Reset empties the pool and keeps its memory. What Bytes has returned is not valid any
// more.
func (s *Strings) Reset() {
	clear(s.table)
	s.data, s.off, s.hash = s.data[:1], s.off[:2], s.hash[:1]
}

// Len is the number of strings in the pool, the empty one included.
func (s *Strings) Len() int { return len(s.hash) }

// Bytes returns a string of the pool. The result must not be changed; it stays
// valid until Reset.
func (s *Strings) Bytes(n Str) []byte {
	a, b := s.off[n], s.off[n+1]-1
	return s.data[a:b:b]
}

// Data is all strings of the pool, each followed by a NUL, and Offset is where in it one
// begins. Data must not be changed, and is of the moment.
func (s *Strings) Data() []byte { return s.data }

// Offset is where in Data a string begins.
func (s *Strings) Offset(n Str) uint32 { return s.off[n] }

// String returns a copy of a string of the pool.
func (s *Strings) String(n Str) string { return string(s.Bytes(n)) }

// Intern returns the number of a string, adding it if it is new. The text must
// not contain NUL bytes. A pool holds at most 4 GiB; beyond, Intern panics: who takes
// strings from input that may overlap there must bound them (Size).
func (s *Strings) Intern(b []byte) Str { return s.InternHashed(b, HashOf(b)) }

// InternHashed is Intern for who knows HashOf(b).
func (s *Strings) InternHashed(b []byte, hash uint64) Str {
	if len(b) == 0 {
		return 0
	}
	mask := uint32(len(s.table) - 1)
	hi := uint32(hash >> 32)
	for i := hi & mask; ; i = (i + 1) & mask {
		x := s.table[i]
		if x == 0 {
			return s.add(b, i, hi)
		}
		if n := Str(x & mask); (x^hi)&^mask == 0 && bytes.Equal(s.Bytes(n), b) {
			return n
		}
	}
}

// Touch reads where the search for a string with that hash begins. Who will look for many
// touches all of them first, and waits for memory once.
func (s *Strings) Touch(hash uint64) uint32 { return s.table[uint32(hash>>32)&uint32(len(s.table)-1)] }

// Size is the number of bytes of all strings, with their NULs.
func (s *Strings) Size() int { return len(s.data) }

// InternString is Intern for a string.
func (s *Strings) InternString(str string) Str { return s.Intern([]byte(str)) }

// Find returns the number of a string, and whether the pool has it.
func (s *Strings) Find(b []byte) (Str, bool) { return s.FindHashed(b, HashOf(b)) }

// FindHashed is Find for who knows HashOf(b).
func (s *Strings) FindHashed(b []byte, hash uint64) (Str, bool) {
	if len(b) == 0 {
		return 0, true
	}
	mask := uint32(len(s.table) - 1)
	hi := uint32(hash >> 32)
	for i := hi & mask; ; i = (i + 1) & mask {
		x := s.table[i]
		if x == 0 {
			return 0, false
		}
		if n := Str(x & mask); (x^hi)&^mask == 0 && bytes.Equal(s.Bytes(n), b) {
			return n, true
		}
	}
}

func (s *Strings) add(b []byte, slot, hi uint32) Str {
	if uint64(len(s.data))+uint64(len(b))+1 > math.MaxUint32 {
		panic("btf: more than 4 GiB of distinct strings")
	}
	n := uint32(len(s.hash))
	s.data = append(append(grow.Room(s.data, len(b)+1), b...), 0)
	s.off = append(grow.Room(s.off, 1), uint32(len(s.data)))
	s.hash = append(grow.Room(s.hash, 1), hi)
	s.table[slot] = hi&^uint32(len(s.table)-1) | n
	if len(s.hash)*2 > len(s.table) {
		s.grow()
	}
	return Str(n)
}

func (s *Strings) grow() {
	table := make([]uint32, len(s.table)*2)
	mask := uint32(len(table) - 1)
	for n := 1; n < len(s.hash); n++ {
		i := s.hash[n] & mask
		for table[i] != 0 {
			i = (i + 1) & mask
		}
		table[i] = s.hash[n]&^mask | uint32(n)
	}
	s.table = table
}
