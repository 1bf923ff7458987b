package btfids

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
)

// Errors that a caller can tell apart with errors.Is.
var (
	// ErrMalformed: symbols and content of the section contradict each other.
	ErrMalformed = errors.New("malformed .BTF_ids")
	// ErrFlags: the ids of a set were filled in before, which has sorted it, and it
	// cannot be told any more which flags belong to which function.
	ErrFlags = errors.New("flags of a sorted set cannot be assigned")
)

const symbolPrefix = "__BTF_ID__"

// Symbol is a symbol that lies in .BTF_ids.
type Symbol struct {
	Name string
	Off  uint64 // from the start of the section
	Size uint64 // in bytes
}

// ID is a type whose id is wanted.
type ID struct {
	Kind btf.Kind // Func, Struct, Union or Typedef
	Name string
	Off  uint32 // where the id goes, from the start of the section
}

// Set is a set of ids.
type Set struct {
	Name  string
	Off   uint32 // of its count, from the start of the section
	Pairs bool   // set8: every id has flags, and so has the set
	Flags uint32 // of the set, with Pairs
	Items []Item // by offset
	slots int    // room for ids; more than Items if some of them are unused
}

// Item is an element of a set.
type Item struct {
	ID
	Flags uint32 // KF_..., with Pairs
}

// Section is the content of .BTF_ids with its symbols.
type Section struct {
	data    []byte
	order   btf.Order
	singles []ID // by offset
	sets    []Set
}

// FromSource reads the .BTF_ids of an object file; nil if it has none or if
// nothing in it is wanted. See Parse.
func FromSource(src *dwarf2btf.Source) (*Section, error) {
	if len(src.BTFIDs) == 0 || src.Symbols == nil {
		return nil, nil
	}
	start := src.Sections[src.BTFIDsIndex].Addr
	var symbols []Symbol
	for y, err := range src.Symbols.In(src.BTFIDsIndex) {
		if err != nil {
			return nil, err
		}
		if bytes.HasPrefix(y.Name, []byte(symbolPrefix)) {
			symbols = append(symbols, Symbol{string(y.Name), y.Addr - start, y.Size})
		}
	}
	if len(symbols) == 0 {
		return nil, nil
	}
	return Parse(src.BTFIDs, src.Order, symbols)
}

// Parse reads the content of .BTF_ids. Symbols whose names do not begin with
// __BTF_ID__ do not matter. A symbol of an unknown kind, outside of the section, or
// that cuts a set or another id is an error that wraps ErrMalformed. The data is
// kept and not changed.
func Parse(data []byte, order btf.Order, symbols []Symbol) (*Section, error) {
	s := &Section{data: data, order: order}
	var ids []ID
	for i := range symbols {
		y := &symbols[i]
		rest, ok := strings.CutPrefix(y.Name, symbolPrefix)
		if !ok {
			continue
		}
		kind, name, _ := strings.Cut(rest, "__")
		if kind == "set" || kind == "set8" {
			set, err := s.parseSet(name, kind == "set8", y)
			if err != nil {
				return nil, err
			}
			s.sets = append(s.sets, set)
			continue
		}
		id := ID{Name: withoutSerial(name)}
		if id.Kind, ok = idKinds[kind]; !ok || id.Name == "" {
			return nil, malformed(y.Off, "symbol %s is neither a set nor an id of a func, struct, union or typedef", y.Name)
		}
		if uint64(len(data)) < 4 || y.Off > uint64(len(data))-4 {
			return nil, malformed(y.Off, "symbol %s is outside of the %#x bytes of the section", y.Name, len(data))
		}
		id.Off = uint32(y.Off)
		ids = append(ids, id)
	}
	slices.SortFunc(s.sets, func(a, b Set) int { return cmp.Compare(a.Off, b.Off) })
	slices.SortFunc(ids, func(a, b ID) int { return cmp.Compare(a.Off, b.Off) })
	return s, s.assign(ids)
}

var idKinds = map[string]btf.Kind{"func": btf.Func, "struct": btf.Struct, "union": btf.Union, "typedef": btf.Typedef}

// withoutSerial removes the part of a symbol that only makes it unique: everything
// from the last two underscores on.
func withoutSerial(name string) string {
	i := strings.LastIndexByte(name, '_')
	if i < 2 || name[i-1] != '_' {
		return ""
	}
	return name[:i-1]
}

func malformed(off uint64, format string, args ...any) error {
	return fmt.Errorf(".BTF_ids+%#x: %s: %w", off, fmt.Sprintf(format, args...), ErrMalformed)
}

func (s *Section) parseSet(name string, pairs bool, y *Symbol) (Set, error) {
	set := Set{Name: name, Off: uint32(y.Off), Pairs: pairs}
	width := uint64(set.width())
	switch n := uint64(len(s.data)); {
	case y.Off > n || y.Size > n-y.Off:
		return set, malformed(y.Off, "set %s of %#x bytes is outside of the %#x bytes of the section", name, y.Size, n)
	case y.Size < width || y.Size%width != 0:
		return set, malformed(y.Off, "set %s has %#x bytes, which are no whole number of elements", name, y.Size)
	}
	set.slots = int(y.Size/width) - 1
	if pairs {
		set.Flags = s.order.Uint32(s.data[y.Off+4:])
	}
	return set, nil
}

// width is the size in bytes of an element, and of what precedes the first one.
func (set *Set) width() uint32 {
	if set.Pairs {
		return 8
	}
	return 4
}

// slot is the offset of an element.
func (set *Set) slot(i int) uint32 { return set.Off + set.width()*uint32(i+1) }

func (set *Set) end() uint32 { return set.slot(set.slots) }

// assign puts the ids that lie in sets into them. Both are sorted by offset.
func (s *Section) assign(ids []ID) error {
	end := uint32(0)
	for i := range s.sets {
		set := &s.sets[i]
		if set.Off < end {
			return malformed(uint64(set.Off), "set %s begins within another one", set.Name)
		}
		end = set.end()
	}
	i := 0
	end = 0
	for _, id := range ids {
		for i < len(s.sets) && id.Off >= s.sets[i].end() {
			i++
		}
		if id.Off < end {
			return malformed(uint64(id.Off), "the id of %s overlaps another one", id.Name)
		}
		end = id.Off + 4
		if i == len(s.sets) || end <= s.sets[i].Off {
			s.singles = append(s.singles, id)
			continue
		}
		set := &s.sets[i]
		if id.Off < set.slot(0) || (id.Off-set.Off)%set.width() != 0 {
			return malformed(uint64(id.Off), "the id of %s is between two elements of set %s", id.Name, set.Name)
		}
		item := Item{ID: id}
		if set.Pairs {
			item.Flags = s.order.Uint32(s.data[id.Off+4:])
		}
		set.Items = append(set.Items, item)
	}
	return nil
}

// IDs lists the types that stand alone, by offset.
func (s *Section) IDs() []ID { return s.singles }

// Sets lists the sets, by offset.
func (s *Section) Sets() []Set { return s.sets }
