package btfids

import (
	"bytes"
	"fmt"

	"mkbtf/btf"
)

// Attribute finds out which flags belong to which function in sets whose ids were
// filled in before. That has sorted the pairs, so that their order is not that of
// the symbols any more; the BTF that the ids belong to, which the module had until
// now, tells what they mean. Give it with its base if the base is known, nil if
// there is none. Nothing happens to sets that are as the compiler left them, and to
// those whose functions all have the same flags.
//
// Split BTF whose base is not known can be given too, parsed with
// btf.ParseTrusted(data, nil): then its numbering is inferred.
//
// ErrFlags if flags remain without a function.
func (s *Section) Attribute(old *btf.Blob) error {
	mixed := s.mixedSets()
	if len(mixed) == 0 {
		return nil
	}
	if old != nil {
		if s.attribute(mixed, func(id btf.ID) string { return funcName(old, id) }) == nil {
			return nil
		}
		if name := s.inferNames(old, mixed); name != nil {
			return s.attribute(mixed, name)
		}
	}
	return fmt.Errorf(".BTF_ids+%#x: set %s: %w: link the module anew", mixed[0].Off, mixed[0].Name, ErrFlags)
}

// Mixed reports whether Attribute needs to know the BTF.
func (s *Section) Mixed() bool { return len(s.mixedSets()) > 0 }

func (s *Section) mixedSets() (list []*Set) {
	for i := range s.sets {
		if s.mixed(&s.sets[i]) {
			list = append(list, &s.sets[i])
		}
	}
	return list
}

// mixed reports whether a set was sorted and has different flags.
func (s *Section) mixed(set *Set) bool {
	if !set.Pairs {
		return false
	}
	resolved, different := false, false
	for i := range set.slots {
		id, flags := s.pair(set, i)
		_, first := s.pair(set, 0)
		resolved = resolved || id != 0
		different = different || flags != first
	}
	return resolved && different
}

func (s *Section) pair(set *Set, i int) (id btf.ID, flags uint32) {
	at := s.data[set.slot(i):]
	return btf.ID(s.order.Uint32(at)), s.order.Uint32(at[4:])
}

// funcName is the name of a FUNC, "" if the id is that of something else.
func funcName(b *btf.Blob, id btf.ID) string {
	if r := b.Record(id); r.Kind() == btf.Func {
		return string(b.StringAt(r.NameOff))
	}
	return ""
}

// attribute gives the items of sorted sets their flags, with a function that knows
// the names of ids, or none of them.
func (s *Section) attribute(sets []*Set, name func(btf.ID) string) error {
	flags := make([][]uint32, len(sets))
	for n, set := range sets {
		byName := map[string][]uint32{}
		var rest []uint32 // of ids that were not resolved
		for i := range set.slots {
			id, f := s.pair(set, i)
			if id == 0 {
				rest = append(rest, f)
				continue
			}
			k := name(id)
			byName[k] = append(byName[k], f)
		}
		for i := range rest {
			if rest[i] != rest[0] {
				return ErrFlags
			}
		}
		for _, x := range set.Items {
			list := byName[x.Name]
			switch {
			case len(list) > 0:
				flags[n] = append(flags[n], list[0])
				if len(list) > 1 { // named twice in the set
					byName[x.Name] = list[1:]
				} else {
					delete(byName, x.Name)
				}
			case len(rest) > 0:
				flags[n] = append(flags[n], rest[0])
			default:
				return ErrFlags
			}
		}
		if len(byName) > 0 {
			return ErrFlags
		}
	}
	for n, set := range sets {
		for i := range set.Items {
			set.Items[i].Flags = flags[n][i]
		}
	}
	return nil
}

// inferNames returns a function that names ids of split BTF whose base is not known.
// Two numbers are missing: the id of the first own type, and the offset of the first
// own string. Only one pair of them lets all ids of the sets be FUNCs that have the
// names in the sets. nil if none does.
func (s *Section) inferNames(old *btf.Blob, sets []*Set) func(btf.ID) string {
	wanted := map[string]bool{}
	for _, set := range sets {
		for _, x := range set.Items {
			wanted[x.Name] = true
		}
	}
	var places []uint32 // of wanted names in the own strings
	strs := old.OwnStrings()
	for at := 0; at < len(strs); {
		n := bytes.IndexByte(strs[at:], 0)
		if wanted[string(strs[at:at+n])] {
			places = append(places, uint32(at))
		}
		at += n + 1
	}
	var first btf.ID
	for i := range sets[0].slots {
		if id, _ := s.pair(sets[0], i); first == 0 {
			first = id
		}
	}
	for id := old.Start(); id < old.End(); id++ {
		r := old.Record(id)
		if r.Kind() != btf.Func || id-old.Start() >= first {
			continue
		}
		for _, place := range places {
			name := func(x btf.ID) string {
				if x-first+id < old.Start() || x-first+id >= old.End() {
					return ""
				}
				f := old.Record(x - first + id)
				if f.Kind() != btf.Func {
					return ""
				}
				at := uint64(f.NameOff) - uint64(r.NameOff) + uint64(place)
				if at >= uint64(len(strs)) {
					return ""
				}
				n := bytes.IndexByte(strs[at:], 0)
				return string(strs[at : at+uint64(n)])
			}
			if s.canName(sets, name, wanted) {
				return name
			}
		}
	}
	return nil
}

// canName reports whether a function gives every id of the sets a wanted name.
func (s *Section) canName(sets []*Set, name func(btf.ID) string, wanted map[string]bool) bool {
	for _, set := range sets {
		for i := range set.slots {
			if id, _ := s.pair(set, i); id != 0 && !wanted[name(id)] {
				return false
			}
		}
	}
	return true
}
