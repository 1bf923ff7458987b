package encode

import (
	"sync"

	"mkbtf/dedup"
	"mkbtf/dwarf2btf"
)

// crew is what the files that are encoded at a time share: the goroutines that may run
// beside the one that each file has, and memory that was used before.
type crew struct {
	spare chan struct{} // a token for each goroutine that may be started
	once  bool          // there is but one file

	mu   sync.Mutex
	idle []*scratch
}

// scratch is the memory of one goroutine.
type scratch struct {
	convert *dwarf2btf.Worker
	dedup   *dedup.Worker // nil: none to use again
	names   int           // of files before this one
}

// newCrew returns a crew of jobs goroutines, of which busy have their files.
func newCrew(jobs, busy int) *crew {
	c := &crew{spare: make(chan struct{}, jobs)}
	for range jobs - busy {
		c.leave()
	}
	return c
}

// join reports whether one more goroutine may start, which must leave when it ends.
func (c *crew) join() bool {
	select {
	case <-c.spare:
		return true
	default:
		return false
	}
}

func (c *crew) leave() { c.spare <- struct{}{} }

// scratch returns memory for a goroutine that takes in units of conv for d. Only the
// first one may know types already: those of others are copied to it.
func (c *crew) scratch(conv *dwarf2btf.Converter, d *dedup.Dedup, first bool) *scratch {
	c.mu.Lock()
	var s *scratch
	if n := len(c.idle); n > 0 {
		s, c.idle = c.idle[n-1], c.idle[:n-1]
	}
	c.mu.Unlock()
	same := false
	if s == nil {
		s = &scratch{convert: conv.NewWorker()}
	} else {
		same = conv.Reuse(s.convert)
		s.names = s.convert.Strings().Len()
	}
	if s.dedup == nil {
		s.dedup, same = d.NewWorker(s.convert.Strings()), false
	} else {
		same = d.Reuse(s.dedup, s.convert.Strings(), same && first)
	}
	if !same {
		s.convert.Unlearn()
	}
	return s
}

// Memory that a large file has needed is not kept: not for small ones, and not while the
// BTF of the file is made.
const (
	keepStrings = 1 << 15
	keepTypes   = 1 << 14
)

func (s *scratch) small() bool {
	if n := s.dedup.Len(); n < 0 || n > keepTypes {
		s.dedup = nil
	}
	return s.convert.Strings().Len()-s.names <= keepStrings
}

// done gives back memory of a file whose BTF has been written.
func (c *crew) done(list []*scratch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, list...)
}
