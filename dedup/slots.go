package dedup

import (
	"math/bits"

	"mkbtf/btf"
)

// slots is an open addressing table of ids; several of one key stand in the order in
// which they came. A place is an id, and above it as much of the hash as there is room
// for. 0 is free.
type slots struct {
	places []uint32
	room   int // for ids
	idBits uint
}

// newSlots makes a table for n ids below end.
func newSlots(n int, end btf.ID) slots {
	size := 16
	for size < n+n/3 {
		size *= 2
	}
	s := slots{make([]uint32, size), size - size/8, uint(bits.Len32(uint32(end)))}
	// A page that is read before it is written to costs two faults.
	for i := 0; i < size; i += 4096 / 4 {
		s.places[i] = 0
	}
	return s
}

// tag is what a place holds of a hash.
func (s *slots) tag(h uint64) uint32 { return uint32(h>>32) >> s.idBits << s.idBits }

// full reports whether there were more ids than there is room for, so that some are not
// in the table.
func (s *slots) full() bool { return s.room < 0 }

func (s *slots) insert(h uint64, id btf.ID) {
	if s.room--; s.room < 0 {
		return
	}
	mask := uint64(len(s.places) - 1)
	i := h & mask
	for s.places[i] != 0 {
		i = (i + 1) & mask
	}
	s.places[i] = s.tag(h) | uint32(id)
}

// find calls f for the ids under a hash, in the order in which they came, until f
// returns true.
func (s *slots) find(h uint64, f func(btf.ID) bool) bool {
	mask, tag := uint64(len(s.places)-1), s.tag(h)
	for i := h & mask; s.places[i] != 0; i = (i + 1) & mask {
		if p := s.places[i]; p>>s.idBits<<s.idBits == tag && f(btf.ID(p&(1<<s.idBits-1))) {
			return true
		}
	}
	return false
}
