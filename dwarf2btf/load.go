package dwarf2btf

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"mkbtf/internal/grow"
)

// loadedUnit is a unit of the current piece of work.
type loadedUnit struct {
	*unitHeader
	index int32  // in Converter.units
	base  uint32 // what to add to offsets in the unit to get offsets in the piece
	data  []byte // from the header on
	buf   []byte // memory for data, kept
	tab   *unitTable

	name      string
	compDir   string
	fileBase  uint32 // first of the unit's files in Worker.fileNames
	language  uint16
	excluded  bool
	clang     bool // made by clang or another LLVM compiler
	hasKids   bool
	bodyStart int // position of the first DIE below the root

	strOffsetsBase uint64
	addrBase       uint64
	loclistsBase   uint64
	rnglistsBase   uint64
	lowPC          uint64
	highPC         uint64
	rangesForm     uint16 // of DW_AT_ranges, if hasRanges
	hasRanges      bool
	rangesRead     bool
	rangesAt       uint64
	ranges         []addressRange // of the unit's code, if rangesRead
	stmtList       uint64
	hasLines       bool
}

// unload forgets the units of the last piece of work but keeps their memory.
func (w *Worker) unload() {
	w.dropTables()
	w.units, w.cur, w.data = w.units[:0], nil, nil
}

// load reads a unit and its root DIE and appends it to the current piece.
func (w *Worker) load(index int32) (*loadedUnit, error) {
	h := &w.c.units[index]
	base := uint32(0)
	n := len(w.units)
	if n > 0 {
		base = w.units[n-1].base + w.units[n-1].size
	}
	w.units = slices.Grow(w.units, 1)[:n+1]
	u := &w.units[n]
	*u = loadedUnit{unitHeader: h, index: index, base: base, buf: u.buf}
	s := &w.c.sections[h.section]
	fail := func(sentinel error, format string, args ...any) error {
		return &Error{Section: s.Name(), Offset: h.off, Msg: fmt.Sprintf(format, args...), Err: sentinel}
	}
	var err error
	if w.c.src.Relocatable { // so that data lies in buf; of others it lies in a mapping
		u.buf = grow.Scratch(u.buf, int(h.size))[:0]
	}
	if u.data, err = s.Read(h.off, uint64(h.size), u.buf); err != nil {
		return nil, fail(err, "%v", err)
	}
	if uint64(len(u.data)) != uint64(h.size) {
		return nil, fail(ErrMalformed, "read %d bytes of a unit of %d", len(u.data), h.size)
	}
	if u.tab, err = w.table(h); err != nil {
		return nil, err
	}
	w.use(u)
	if h.kind == utSplitCompile || h.kind == utSplitType {
		return nil, fail(ErrSplitDWARF, isDWO)
	}
	return u, w.root(u)
}

// use makes u the current unit of the decoder.
func (w *Worker) use(u *loadedUnit) {
	w.cur, w.data, w.head = u, u.data, u.unitHeader
}

// root reads the root DIE of the current unit.
func (w *Worker) root(u *loadedUnit) error {
	start := int(u.firstDIE)
	u.excluded, u.bodyStart = true, len(u.data)
	if start >= len(u.data) {
		return nil
	}
	code, pos := w.uleb(start)
	if pos == tooFar {
		return w.malformed(start, 0, "truncated")
	}
	if code == 0 {
		return nil
	}
	a := u.tab.lookup(code)
	if a == nil {
		return w.malformed(start, 0, "abbreviation %d is not in the table at %#x", code, u.abbrevOff)
	}
	if pos = w.attrs(a, pos); pos > len(u.data) {
		return w.malformed(start, a.tag, "attributes run past the end of the unit")
	}
	switch a.tag {
	case tagCompileUnit, tagPartialUnit, tagTypeUnit, tagSkeletonUnit:
	default:
		return w.malformed(start, a.tag, "not the root of a unit")
	}
	u.bodyStart, u.hasKids = pos, a.children

	// Names may be indices that need the base, so that comes first.
	u.strOffsetsBase = 8
	if u.is64 {
		u.strOffsetsBase = 16
	}
	if u.version < 5 {
		u.strOffsetsBase = 0
	}
	for _, b := range []struct {
		slot slot
		to   *uint64
	}{
		{slotStrOffsetsBase, &u.strOffsetsBase},
		{slotAddrBase, &u.addrBase},
		{slotLoclistsBase, &u.loclistsBase},
		{slotRnglistsBase, &u.rnglistsBase},
		{slotStmtList, &u.stmtList},
	} {
		if a.has.has(b.slot) {
			*b.to = w.val[b.slot]
		}
	}
	u.hasLines = a.has.has(slotStmtList)
	if a.has.has(slotLowPC) {
		// The base of ranges. Without a readable one they are relative to 0.
		u.lowPC, _ = w.address(w.formAt(a, slotLowPC), w.val[slotLowPC])
	}
	if u.hasRanges = a.has.has(slotRanges); u.hasRanges {
		u.rangesForm, u.rangesAt = w.formAt(a, slotRanges), w.val[slotRanges]
	}
	if a.has.has(slotHighPC) {
		switch form := w.formAt(a, slotHighPC); form {
		case formData1, formData2, formData4, formData8, formUdata, formSdata, formImplicitConst:
			u.highPC = u.lowPC + w.val[slotHighPC]
		default:
			u.highPC, _ = w.address(form, w.val[slotHighPC])
		}
	}
	text := func(s slot) string {
		if !a.has.has(s) {
			return ""
		}
		b, err := w.text(w.formAt(a, s), w.val[s])
		if err != nil {
			return ""
		}
		return string(b)
	}
	u.name = text(slotName)
	if w.c.opts.DeclFiles {
		u.compDir = text(slotCompDir)
	}
	if a.tag == tagSkeletonUnit || u.kind == utSkeleton || a.has.has(slotDwoName) {
		return &Error{
			Section: w.c.sections[u.section].Name(), Offset: u.off, Tag: a.tag, Err: ErrSplitDWARF,
			Msg: fmt.Sprintf("the types lie in '%s': build without -gsplit-dwarf", text(slotDwoName)),
		}
	}
	if a.has.has(slotLanguage) {
		u.language = uint16(w.val[slotLanguage])
	}
	if a.has.has(slotProducer) {
		if b, err := w.text(w.formAt(a, slotProducer), w.val[slotProducer]); err == nil {
			u.clang = bytes.Contains(b, []byte("clang")) || strings.Contains(string(b), "LLVM")
		}
	}
	u.excluded = slices.Contains(w.c.excluded, u.language)
	return nil
}

// formAt returns the form of an attribute of the DIE that was decoded last.
func (w *Worker) formAt(a *abbrev, s slot) uint16 {
	if f := a.form(s); f != formIndirect {
		return f
	}
	return w.actual[s]
}
