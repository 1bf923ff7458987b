package dwarf2btf

import (
	"encoding/binary"
	"math"
	"math/bits"

	"mkbtf/btf"
	"mkbtf/internal/grow"
)

// foreseen knows which name should come next. Units that include the same headers have
// the same types in much the same order, and the members of a type always have the same
// order, so that most names need no search: one comparison tells that it is the one
// that was expected. Unlike the tables of nameCache these lists are read from beginning
// to end.
type foreseen struct {
	// log holds the names of members and enumerators in the order that they had when
	// their struct was met first, starts where those of the struct or enum with a name
	// begin, and cursor is at what should come next.
	log    []loggedName
	starts []uint32 // by btf.Str: index in log, plus 1
	cursor int

	// types holds the names of types, each with the one that came after it the last time.
	types  []typeName
	typeAt []uint32 // by btf.Str: index in types, 0: none
	last   uint32   // index in types

	oldLog, oldTypes int // what comes before them is of earlier files
}

// typeName is the name of a type in the order of first appearance; number 0 is none.
type typeName struct {
	loggedName
	next uint32
}

// reset forgets all names and keeps the memory.
func (f *foreseen) reset() {
	clear(f.starts)
	clear(f.typeAt)
	f.log, f.cursor = f.log[:0], 0
	f.types, f.last = append(f.types[:0], typeName{}), 0
	f.oldLog, f.oldTypes = 0, 0
}

// keptLog bounds the names that are kept from file to file.
const keptLog = 1 << 17

// forgetKeys keeps the names and forgets where they lay in the file.
func (f *foreseen) forgetKeys() {
	if len(f.log) > keptLog || len(f.types) > keptLog {
		f.reset()
	}
	for ; f.oldLog < len(f.log); f.oldLog++ {
		f.log[f.oldLog].forget()
	}
	for ; f.oldTypes < len(f.types); f.oldTypes++ {
		f.types[f.oldTypes].forget()
	}
	f.cursor, f.last = len(f.log), 0
}

// noKey is the key of no name.
const noKey = 1<<64 - 1

func (l *loggedName) forget() {
	if l.key&strpKey != 0 {
		l.key = noKey
	}
}

// loggedName is a name of a member or enumerator by what identifies it in the file.
type loggedName struct {
	key  uint64 // strpKey and the offset in .debug_str, or the up to 7 bytes of the text
	name uint32
}

// strpKey tells an offset in .debug_str from a text.
const strpKey = 1 << 63

// maxLog bounds the memory that the log of names takes.
const maxLog = 1 << 20

// follow makes the names of a struct or enum those that should come next. What has no
// name itself comes behind what stands before it.
func (f *foreseen) follow(s btf.Str) {
	if s == 0 {
		return
	}
	if int(s) >= len(f.starts) {
		f.starts = append(f.starts, make([]uint32, int(s)-len(f.starts)+1024)...)
	}
	if f.starts[s] == 0 {
		f.starts[s] = uint32(len(f.log)) + 1
	}
	f.cursor = int(f.starts[s]) - 1
}

// keyName is name for what identifies it in the log.
func (w *Worker) keyName(key uint64) uint32 {
	if key&strpKey != 0 {
		return w.name(formStrp, key&^strpKey)
	}
	return w.names.shortName(key)
}

// shortName is intern for a text of up to 7 bytes.
func (n *nameCache) shortName(text uint64) uint32 {
	e := &n.short[text*0x9e3779b97f4a7c15>>52]
	if e.text != text || e.name == 0 {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], text)
		e.text, e.name = text, n.intern(b[:(bits.Len64(text)+7)/8])
	}
	return e.name
}

// typeNamed returns the name of a type, with badName if the kernel refuses it.
func (w *Worker) typeNamed(key uint64) uint32 {
	n := &w.names
	next := n.types[n.last].next
	if e := &n.types[next]; next != 0 && (e.key == key || w.c.src.Relocatable && key&strpKey != 0 && w.hasText(key&^strpKey, e.name)) {
		n.last = next
		return e.name
	}
	name := w.keyName(key)
	if name == 0 || name&badName != 0 {
		return name
	}
	if int(name) >= len(n.typeAt) {
		n.typeAt = append(n.typeAt, make([]uint32, int(name)-len(n.typeAt)+1024)...)
	}
	at := &n.typeAt[name]
	if *at == 0 {
		*at = uint32(len(n.types))
		n.types = append(n.types, typeName{loggedName: loggedName{key, name}})
	}
	n.types[n.last].next, n.last = *at, *at
	return name
}

// logged returns a name that was not foreseen, with badName if the kernel refuses it.
func (w *Worker) logged(key uint64) uint32 {
	n := &w.names
	if n.cursor >= len(n.log) {
		name := w.keyName(key)
		// What is foreseen is taken as it is: it must be a name that the kernel takes.
		if len(n.log) < maxLog && w.err == nil && name != 0 && name&badName == 0 {
			n.log = append(grow.Room(n.log, 1), loggedName{key, name})
			n.cursor++
		}
		return name
	}
	if w.c.src.Relocatable && key&strpKey != 0 {
		// The linker has not merged the strings of the units.
		if name := n.log[n.cursor].name; w.hasText(key&^strpKey, name) {
			n.cursor++
			return name
		}
	}
	if n.cursor++; n.cursor < len(n.log) && n.log[n.cursor].key == key {
		n.cursor++
		return n.log[n.cursor-1].name
	}
	return w.keyName(key)
}

// zeros marks the NULs in the 8 bytes of x, of each the highest bit: that of the first one
// is right, those of bytes behind it may mark a 1.
func zeros(x uint64) uint64 { return (x - 0x0101010101010101) &^ x & 0x8080808080808080 }

// hasText reports whether the string at an offset of .debug_str is that name.
func (w *Worker) hasText(off uint64, name uint32) bool {
	pool := w.names.pool
	return off <= math.MaxUint32 && sameText(w.c.str, uint32(off), pool.Data(), pool.Offset(btf.Str(name&^badName)))
}

// sameText reports whether the string at an offset of a section, up to the next NUL, is
// that at an offset of another one. It is false, too, for one that is longer than 512
// bytes, or at the very end of its section: others will look for that.
func sameText(a []byte, i uint32, b []byte, j uint32) bool {
	for range maxName / 8 {
		if int(i)+8 > len(a) || int(j)+8 > len(b) {
			return false
		}
		x, y := binary.LittleEndian.Uint64(a[i:]), binary.LittleEndian.Uint64(b[j:])
		if zero := zeros(x); zero != 0 {
			return (x^y)<<(56-bits.TrailingZeros64(zero)&^7) == 0
		}
		if x != y {
			return false
		}
		i, j = i+8, j+8
	}
	return false
}
