package dwarf2btf

import (
	"fmt"

	"mkbtf/internal/grow"
)

// step decodes one attribute of interest. Fixed-size attributes of no interest
// before it are part of skip; those of variable size are steps into slotNone.
type step struct {
	mask  uint64 // of the bits that an opFixed value has, little endian
	imm   uint64 // the value of DW_FORM_implicit_const and flag_present
	skip  uint32 // bytes before the value
	form  uint16
	op    decoding
	width uint8 // bytes of an opFixed value
	shift uint8 // 64 minus the bits of an opFixed value, for big endian
	slot  slot
}

// abbrev is one entry of .debug_abbrev, compiled into what is to be done with
// DIEs that use it.
type abbrev struct {
	steps    []step
	has      attrMask // slots that the steps fill
	tail     uint32   // bytes behind the last step
	tag      uint16   // 0: no such abbreviation
	nameForm uint16
	typeForm uint16
	act      action
	children bool
	plain    bool // a member at a constant byte offset, without bit size and annotations
}

// form returns the form of an attribute, 0 if the abbreviation does not have it.
func (a *abbrev) form(s slot) uint16 {
	for i := range a.steps {
		if a.steps[i].slot == s {
			return a.steps[i].form
		}
	}
	return 0
}

// abbrevKey identifies a table. The same bytes compile differently for units of another
// version or format.
type abbrevKey struct {
	section int
	off     uint64
	declKind
}

// abbrevTable is one table of .debug_abbrev, which does not change once it was read.
type abbrevTable struct {
	known  *declarations
	dense  []uint32          // by code: number in known, 0: none
	sparse map[uint64]uint32 // codes that would make dense too large
	// crossing is set if an attribute of interest may lead to another unit.
	crossing bool
	err      error // the table is malformed
}

// lookup returns the entry for a code, nil if there is none.
func (t *abbrevTable) lookup(code uint64) *abbrev {
	n := uint32(0)
	if code < uint64(len(t.dense)) {
		n = t.dense[code]
	} else {
		n = t.sparse[code]
	}
	if n == 0 {
		return nil
	}
	return &t.known.long[n]
}

// readTables reads the tables of all units, each once. What is malformed is left to those
// who read the unit to report.
func (c *Converter) readTables() error {
	seen := map[abbrevKey]int32{}
	kinds := map[declKind]*declarations{}
	total, read := 0, 0
	for _, s := range c.abbrevs {
		total += len(s)
	}
	var arena []uint32
	for i := range c.units {
		h := &c.units[i]
		key := abbrevKey{h.abbrevSec, h.abbrevOff, declKind{h.version, h.addrSize, h.is64}}
		n, ok := seen[key]
		if !ok {
			known := kinds[key.declKind]
			if known == nil {
				known = newDeclarations(key.declKind, c.opts.DeclFiles, total)
				kinds[key.declKind] = known
			}
			t := abbrevTable{known: known, dense: arena[len(arena):]}
			size, err := t.compile(c.abbrevs[h.abbrevSec], h.abbrevOff)
			if read += size; read > abbrevsAtLeast+abbrevsForEach*total {
				return malformed(".debug_abbrev", h.abbrevOff, "the tables of units overlap, or are too many for their size")
			}
			if t.err = err; cap(arena)-len(arena) >= len(t.dense) {
				arena = arena[:len(arena)+len(t.dense)]
			}
			if t.dense = t.dense[:len(t.dense):len(t.dense)]; cap(arena)-len(arena) < 1<<10 {
				arena = make([]uint32, 0, 1<<14)
			}
			n = int32(len(c.tables))
			c.tables = append(c.tables, t)
			seen[key] = n
		}
		h.table = n
	}
	for _, s := range c.src.Abbrev {
		if s.Size() >= largeSection {
			release(s, 0, s.Size())
		}
	}
	return nil
}

// What is read of abbreviations: abbrevsForEach bytes for each of the sections, since
// units of another version can have the same table, and abbrevsAtLeast. Tables that
// overlap would take memory without end.
const (
	abbrevsForEach = 4
	abbrevsAtLeast = 1 << 20
)

// compile reads the table at off of a .debug_abbrev section. It returns how many bytes it
// has read. The memory of dense is used.
func (t *abbrevTable) compile(section []byte, off uint64) (int, error) {
	if off > uint64(len(section)) {
		return 0, malformed(".debug_abbrev", off, "a unit's table lies outside the section of %d bytes", len(section))
	}
	type sparse struct {
		code uint64
		n    uint32
	}
	var far []sparse
	known, dense := t.known, t.dense[:0]
	p := section[off:]
	pos, entries := 0, uint64(0)
	bad := func(format string, args ...any) (int, error) {
		return pos, malformed(".debug_abbrev", off+uint64(pos), format, args...)
	}
	for pos < len(p) { // old assemblers leave out the 0 at the end of the section
		code, n := uint64(p[pos]), 1
		if code >= 0x80 {
			if code, n = uleb128(p[pos:]); n == 0 {
				return bad("truncated")
			}
		}
		if pos += n; code == 0 {
			break
		}
		number, size, err := known.number(p[pos:])
		if pos += size; err != nil {
			return bad("abbreviation %d: %v", code, err)
		}
		t.crossing = t.crossing || known.cross[number]
		// Compilers number from 1 without gaps. Whatever else there is must not take
		// memory in proportion to the numbers.
		if entries++; code >= 2*entries+64 {
			far = append(far, sparse{code, number})
			continue
		}
		for uint64(len(dense)) <= code {
			dense = append(dense, 0)
		}
		if dense[code] != 0 {
			return bad("abbreviation %d is there twice", code)
		}
		dense[code] = number
	}
	t.dense = dense
	for _, f := range far {
		if t.lookup(f.code) != nil {
			return bad("abbreviation %d is there twice", f.code)
		}
		if f.code < uint64(len(dense)) {
			dense[f.code] = f.n
			continue
		}
		if t.sparse == nil {
			t.sparse = make(map[uint64]uint32, len(far))
		}
		t.sparse[f.code] = f.n
	}
	return pos, nil
}

// unitTable is a table with what the walk needs at once.
type unitTable struct {
	*abbrevTable
	quick []quickDIE // by code, as many as dense
}

// table returns the table for a unit. Tables are kept for as long as the current piece of
// work needs them, and a few longer.
func (w *Worker) table(h *unitHeader) (*unitTable, error) {
	t := &w.c.tables[h.table]
	if t.err != nil {
		return nil, fmt.Errorf("unit at %#x: %w", h.off, t.err)
	}
	if u := w.tables[h.table]; u != nil {
		return u, nil
	}
	var u *unitTable
	if n := len(w.freeTables); n > 0 {
		u, w.freeTables = w.freeTables[n-1], w.freeTables[:n-1]
	} else {
		u = new(unitTable)
	}
	u.abbrevTable, u.quick = t, grow.Scratch(u.quick, len(t.dense))
	for code, n := range t.dense {
		u.quick[code] = t.known.quick[n]
	}
	if len(u.quick) > 0 && t.dense[0] == 0 {
		u.quick[0].op = quickNull
	}
	w.tables[h.table] = u
	return u, nil
}

// keptTables is the number of tables that outlive a piece of work.
const keptTables = 8

// dropTables makes the memory of tables that nobody uses any more available
// again, unless they are few.
func (w *Worker) dropTables() {
	if len(w.tables) <= keptTables {
		return
	}
	for _, t := range w.tables {
		if len(w.freeTables) <= keptTables {
			t.abbrevTable = nil
			w.freeTables = append(w.freeTables, t)
		}
	}
	clear(w.tables)
}
