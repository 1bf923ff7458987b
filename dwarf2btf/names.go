package dwarf2btf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"

	"mkbtf/btf"
)

// badName marks, in the name cache, names that the kernel refuses.
const badName = 1 << 31

// nameCache leads from where a name lies in the debug sections to its number in
// the pool. Names repeat all the time and mostly within a unit, so that small
// tables answer nearly all questions without a look at the text.
type nameCache struct {
	pool  *btf.Strings
	alike []byte                // Options.NamePrefix
	strp  [1 << 14][2]strpEntry // by hash of the offset; the later one comes first
	short [1 << 12]shortEntry
	valid []uint8 // by btf.Str: 0 not looked at, 1 good, 2 refused by the kernel
	full  bool    // the pool has reached maxNames

	foreseen
}

// noOffset is an offset that the cache does not hold.
const noOffset = 1<<32 - 1

type strpEntry struct {
	off  uint32 // in .debug_str
	name uint32 // btf.Str, with badName
}

type shortEntry struct {
	text uint64 // up to 7 bytes
	name uint32
}

func (n *nameCache) init(pool *btf.Strings, alike string) {
	n.pool, n.alike = pool, []byte(alike)
	n.foreseen.reset()
	n.forgetOffsets()
}

// Names of one file that are kept for the next, which mostly has the same.
const (
	keptNames = 1 << 15
	keptText  = 4 << 20 // bytes
)

// next prepares for another file. What is known of names stays, unless it is much; where
// they lay in the last file does not.
func (n *nameCache) next(alike string) {
	if string(n.alike) != alike || n.pool.Len() > keptNames || n.pool.Size() > keptText {
		n.pool.Reset()
		n.alike = []byte(alike)
		clear(n.short[:])
		n.valid = n.valid[:0]
		n.foreseen.reset()
	}
	n.full = false
	n.forgetOffsets()
}

// forgetOffsets forgets what lies where in the file.
func (n *nameCache) forgetOffsets() {
	// An empty entry must not claim to know offset 0.
	for i := range n.strp {
		n.strp[i][0].off, n.strp[i][1].off = noOffset, noOffset
	}
	n.foreseen.forgetKeys()
}

// intern returns the number of a name, with badName if it is no identifier. One that is
// too long for that is cut, since strings that overlap would take memory without end.
func (n *nameCache) intern(b []byte) uint32 {
	b = b[:min(len(b), maxName+1)]
	if len(n.alike) > 0 && bytes.HasPrefix(b, n.alike) {
		b = n.alike
	}
	return n.internHashed(b, btf.HashOf(b))
}

// internHashed is intern for a name that is not too long, whose hash is known.
func (n *nameCache) internHashed(b []byte, hash uint64) uint32 {
	if n.pool.Size() > maxNames {
		n.full = true
		return 0
	}
	s := n.pool.InternHashed(b, hash)
	if int(s) >= len(n.valid) {
		n.valid = append(n.valid, make([]uint8, int(s)+1-len(n.valid))...)
	}
	if n.valid[s] == 0 {
		n.valid[s] = 1
		if s != 0 && !validIdentifier(b) {
			n.valid[s] = 2
		}
	}
	if n.valid[s] == 2 {
		return uint32(s) | badName
	}
	return uint32(s)
}

// maxNames bounds the bytes of all names. The kernel reads 16 MiB (BTF_MAX_NAME_OFFSET).
const maxNames = 128 << 20

// internAt is intern for the string at an offset of a string section. It gives up
// near the end of the section.
func (n *nameCache) internAt(section []byte, off uint64) (name uint32, ok bool) {
	if off >= uint64(len(section)) {
		return 0, false
	}
	p := section[off:]
	hash, length, ok := btf.HashText(p, maxName)
	if !ok {
		return 0, false
	}
	if length > maxName || len(n.alike) > 0 {
		return n.intern(p[:length]), true
	}
	return n.internHashed(p[:length], hash), true
}

// maxProbes bounds searches in tables: input that is made to collide gains nothing.
const maxProbes = 8

// maxName is the longest identifier that the kernel reads (KSYM_NAME_LEN, Linux 6.1).
const maxName = 512

// validIdentifier applies the kernel's rule for names of types, members,
// enumerators and functions (btf_name_valid_identifier): letters, digits, '_'
// and '.', not beginning with a digit. The kernel's ctype table counts Latin-1
// letters.
func validIdentifier(b []byte) bool {
	if len(b) == 0 || len(b) > maxName {
		return false
	}
	for i, c := range b {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '.':
		case c >= 0xc0 && c != 0xd7 && c != 0xf7:
		case c >= '0' && c <= '9' && i > 0:
		default:
			return false
		}
	}
	return true
}

// name returns the number of the name that an attribute holds, with badName if
// the kernel refuses it; 0 if the text is empty.
func (w *Worker) name(form uint16, v uint64) uint32 {
	if form == formStrp {
		if v < noOffset {
			set := &w.names.strp[uint32(v)*0x9e3779b1>>18]
			if set[0].off == uint32(v) {
				return set[0].name
			}
			if set[1].off == uint32(v) {
				return set[1].name
			}
		}
		return w.nameAt(v)
	}
	if form == formString {
		if n := v >> 32; n < 8 {
			p := int(uint32(v))
			if p+8 <= len(w.data) {
				return w.names.shortName(binary.LittleEndian.Uint64(w.data[p:]) & (1<<(8*n) - 1))
			}
		}
		return w.names.intern(w.bytes(v))
	}
	if form == formIndirect {
		return w.name(w.actual[slotName], v)
	}
	b, err := w.textOrOffset(form, v)
	if err != nil {
		w.setErr(err)
		return 0
	}
	return b
}

// nameAt is name for an offset in .debug_str that the cache does not hold.
func (w *Worker) nameAt(off uint64) uint32 {
	n, ok := w.names.internAt(w.c.str, off)
	if !ok {
		b, err := cString(w.c.str, ".debug_str", off)
		if err != nil {
			w.setErr(err)
			return 0
		}
		n = w.names.intern(b)
	}
	if off < noOffset {
		set := &w.names.strp[uint32(off)*0x9e3779b1>>18]
		set[1] = set[0]
		set[0] = strpEntry{uint32(off), n}
	}
	return n
}

// textOrOffset is name for the rarer forms.
func (w *Worker) textOrOffset(form uint16, v uint64) (uint32, error) {
	switch form {
	case formStrx, formStrx1, formStrx2, formStrx3, formStrx4, formGNUStrIndex:
		off, err := w.strx(v)
		if err != nil {
			return 0, err
		}
		return w.name(formStrp, off), nil
	}
	b, err := w.text(form, v)
	if err != nil {
		return 0, err
	}
	return w.names.intern(b), nil
}

// text returns the bytes of a string attribute of the current unit. They are
// valid until the next unit.
func (w *Worker) text(form uint16, v uint64) ([]byte, error) {
	switch form {
	case formString:
		return w.bytes(v), nil
	case formStrp:
		return cString(w.c.str, ".debug_str", v)
	case formLineStrp:
		return cString(w.c.lineStr, ".debug_line_str", v)
	case formStrx, formStrx1, formStrx2, formStrx3, formStrx4, formGNUStrIndex:
		off, err := w.strx(v)
		if err != nil {
			return nil, err
		}
		return cString(w.c.str, ".debug_str", off)
	case formStrpSup, formGNUStrpAlt:
		return nil, w.altFile("a string")
	}
	return nil, &Error{
		Section: w.c.sections[w.cur.section].Name(), Offset: w.cur.off, Err: ErrMalformed,
		Msg: fmt.Sprintf("form %#x for a string", form),
	}
}

// altFile is the error for a reference into the common file that dwz -m makes.
func (w *Worker) altFile(what string) error {
	return &Error{
		Section: w.c.sections[w.cur.section].Name(), Offset: w.cur.off, Err: ErrAltFile,
		Msg: what + " lies in the file that .gnu_debugaltlink or .debug_sup names (made by dwz -m), which is not read: give the object as it was before dwz",
	}
}

// maxText bounds strings of any kind, command lines of compilers among them.
const maxText = 1 << 16

// cString returns the bytes from an offset of a string section to the next NUL.
func cString(section []byte, name string, off uint64) ([]byte, error) {
	if off >= uint64(len(section)) {
		return nil, malformed(name, off, "string outside the section of %d bytes", len(section))
	}
	s := section[off:]
	n := bytes.IndexByte(s[:min(len(s), maxText)], 0)
	if n < 0 {
		return nil, malformed(name, off, "string without end in %d bytes", min(len(s), maxText))
	}
	return s[:n:n], nil
}

// sharedSections are sections that are read as a whole, once, when a unit first
// needs them.
type sharedSections struct {
	strOffsets lazySection
	addr       lazySection
	loclists   lazySection
}

type lazySection struct {
	once sync.Once
	data []byte
	err  error
}

// get reads the section with relocations applied.
func (l *lazySection) get(s Section, name string) ([]byte, error) {
	l.once.Do(func() {
		if s == nil {
			l.err = malformed(name, 0, "a unit needs the section, which the file lacks")
			return
		}
		l.data, l.err = s.Read(0, s.Size(), nil)
		if l.err != nil {
			l.err = unreadable(name, 0, l.err)
		}
	})
	return l.data, l.err
}

// raw reads the section without relocations.
func (l *lazySection) raw(s Section, name string) ([]byte, error) {
	l.once.Do(func() {
		if s == nil {
			l.err = malformed(name, 0, "a unit needs the section, which the file lacks")
			return
		}
		if l.data, l.err = s.Bytes(); l.err != nil {
			l.err = unreadable(name, 0, l.err)
		}
	})
	return l.data, l.err
}

// strx returns the offset in .debug_str that an index of the current unit stands for.
func (w *Worker) strx(index uint64) (uint64, error) {
	data, err := w.c.shared.strOffsets.get(w.c.src.StrOffsets, ".debug_str_offsets")
	if err != nil {
		return 0, err
	}
	return w.indexed(data, ".debug_str_offsets", w.cur.strOffsetsBase, index, int(w.cur.offsetSize()))
}

// addrx returns the address that an index of the current unit stands for.
func (w *Worker) addrx(index uint64) (uint64, error) {
	data, err := w.c.shared.addr.get(w.c.src.Addr, ".debug_addr")
	if err != nil {
		return 0, err
	}
	base := w.cur.addrBase
	if base == 0 && w.cur.version >= 5 {
		base = 8
	}
	return w.indexed(data, ".debug_addr", base, index, int(w.cur.addrSize))
}

// indexed reads number index of a table of numbers.
func (w *Worker) indexed(data []byte, name string, base, index uint64, size int) (uint64, error) {
	n := uint64(len(data))
	if base > n || index >= (n-base)/uint64(size) {
		return 0, malformed(name, base, "index %d is outside the section of %d bytes", index, n)
	}
	b := data[base+index*uint64(size):]
	switch size {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(w.c.src.Order.Uint16(b)), nil
	case 4:
		return uint64(w.c.src.Order.Uint32(b)), nil
	}
	return w.c.src.Order.Uint64(b), nil
}
