package dwarf2btf

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sort"

	"mkbtf/btf"
)

// Converter turns the DWARF of one file into BTF, piece by piece. It is safe for
// use by several goroutines, each with a Worker of its own.
type Converter struct {
	src      *Source
	opts     Options
	excluded []uint16

	sections []infoSection
	abbrevs  [][]byte // .debug_abbrev sections
	tables   []abbrevTable
	str      []byte
	lineStr  []byte

	units       []unitHeader
	bySignature map[uint64]int32 // type unit
	order       []int32          // units by piece of work
	starts      []int32          // first unit of each piece in order, and the end
	symbols     *Symbols
	shared      sharedSections
	perCPU      addressRange
	registers   registers
}

// New reads the unit headers and finds out which units belong together. The
// error wraps ErrNoDWARF if the file has no debug information.
func New(src *Source, opts Options) (*Converter, error) {
	if err := checkSource(src); err != nil {
		return nil, err
	}
	c := &Converter{src: src, opts: opts, excluded: opts.ExcludeLanguages}
	if c.excluded == nil {
		c.excluded = DefaultExcluded()
	}
	bytes := func(s Section) (b []byte, err error) {
		if s != nil {
			if b, err = s.Bytes(); err != nil {
				return nil, unreadable(s.Name(), 0, err)
			}
		}
		return b, nil
	}
	for _, s := range src.Abbrev {
		b, err := bytes(s)
		if err != nil {
			return nil, err
		}
		c.abbrevs = append(c.abbrevs, b)
	}
	var err error
	if c.str, err = bytes(src.Str); err != nil {
		return nil, err
	}
	if c.lineStr, err = bytes(src.LineStr); err != nil {
		return nil, err
	}
	for i, s := range slices.Concat(src.Info, src.Types) {
		c.sections = append(c.sections, infoSection{Section: s, abbrev: i % len(c.abbrevs), types: i >= len(src.Info)})
	}
	for i := range c.sections {
		if err := c.readHeaders(int32(i)); err != nil {
			return nil, err
		}
	}
	if err := c.readTables(); err != nil {
		return nil, err
	}
	c.perCPU = perCPURange(src)
	var variables addressRange
	switch opts.Variables {
	case PerCPUVariables:
		variables = c.perCPU
	case AllVariables:
		variables.hi = math.MaxUint64
	}
	if c.symbols, err = newSymbols(src, variables); err != nil {
		return nil, err
	}
	c.registers = registersOf(src.Machine)
	if err := c.group(); err != nil {
		return nil, err
	}
	return c, nil
}

// Len is the number of independent pieces of work: units, or groups of units
// that refer to each other.
func (c *Converter) Len() int { return len(c.starts) - 1 }

// Size is the number of bytes of debug information in a piece of work.
func (c *Converter) Size(i int) uint64 {
	n := uint64(0)
	for _, u := range c.pieces(i) {
		n += uint64(c.units[u].size)
	}
	return n
}

// Symbols is the table of the file's functions, to which Function.Group refers.
func (c *Converter) Symbols() *Symbols { return c.symbols }

// pieces returns the units of a piece of work.
func (c *Converter) pieces(i int) []int32 { return c.order[c.starts[i]:c.starts[i+1]] }

// NewWorker returns a worker with a string pool of its own.
func (c *Converter) NewWorker() *Worker { return c.NewWorkerWith(btf.NewStrings()) }

// NewWorkerWith returns a worker that interns names in a given pool.
func (c *Converter) NewWorkerWith(strings *btf.Strings) *Worker {
	w := &Worker{c: c, result: btf.NewTable(1, strings), tables: map[int32]*unitTable{}}
	w.setConverter(c)
	w.names.init(strings, c.opts.NamePrefix)
	w.known.byNode = map[uint32]uint32{}
	w.known.reset()
	return w
}

func (w *Worker) setConverter(c *Converter) {
	w.c, w.big, w.mixed = c, c.src.Order == binary.BigEndian, nil
	if c.src.Relocatable {
		w.mixed = c.str // the linker has not merged the strings of the units
	}
}

// Reuse makes a worker of another Converter one of c: what NewWorker does, in the same
// memory. What the worker has made is not valid any more. Its strings stay if they are
// few, as the next file mostly has the same; then the result is true. What it has learned
// may stay with them: if the nodes do not, Unlearn must be called.
func (c *Converter) Reuse(w *Worker) (kept bool) {
	w.unload()
	clear(w.tables)
	before := w.Strings().Len()
	w.names.next(c.opts.NamePrefix)
	kept = w.Strings().Len() == before
	if !kept || !w.c.src.Relocatable || !c.src.Relocatable || len(w.known.members) > keptKnown {
		w.known.reset()
	}
	clear(w.inlined)
	w.groupNames = w.groupNames[:0]
	w.setConverter(c)
	w.strInt, w.strUchar = 0, 0
	return kept
}

// Worker converts one piece of work at a time. It is not safe for concurrent use.
type Worker struct {
	decoder    // of the current unit
	c          *Converter
	result     *btf.Table
	names      nameCache
	inlined    []uint32 // by hash: offset of a name that no symbol has, plus 1; nil: not needed yet
	groupNames []uint32 // by group: its name as names.intern has it, 0: not known
	strInt     btf.Str  // "int"
	strUchar   btf.Str  // "unsigned char"

	tables     map[int32]*unitTable // by number in Converter.tables
	freeTables []*unitTable

	units []loadedUnit
	cur   *loadedUnit

	offsets offsetSet
	alias   map[uint32]uint32 // DIEs that stand for another type: offset to offset, 0: void
	types   []btf.Type        // of DIEs, in their order
	members []btf.Member
	pending []btf.Member // of types in which others are nested
	frames  []frame
	known   known
	mixed   []byte // .debug_str of a file that may have the same string more than once, else nil
	open    int    // index into frames of the innermost one that takes members, -1: none

	extra    []btf.Type // types without a DIE; see extraRef
	byteRef  uint32     // unsigned char, as stand-in; 0: not made yet
	intRef   uint32     // array index; 0: not met yet
	arrays   bool
	dims     []uint64 // of the arrays that are open
	late     []lateField
	unsorted []lateStruct
	enums64  []lateEnum
	specs    []lateName
	forward  []btf.ID // modifiers that lead to a type behind them
	declFile []uint32

	functions []rawFunction
	named     []namedFunction // of functions, those whose symbols are not known yet
	touched   uint32          // see findGroups
	params    []rawParam
	protos    []btf.Type
	variables []rawVariable
	tags      []rawTag
	fileNames []string
	locBuf    []byte

	out Unit
	err error
}

// Strings is the pool in which the worker interns names.
func (w *Worker) Strings() *btf.Strings { return w.result.Strings }

// languageText names the language of units that are left out by default.
func languageText(lang uint16) string {
	switch lang {
	case LangRust, langRustOld:
		return "Rust"
	case LangCPlusPlus, LangCPlusPlus03, LangCPlusPlus11, LangCPlusPlus14, LangCPlusPlus17, LangCPlusPlus20, LangCPlusPlus23:
		return "C++"
	}
	return fmt.Sprintf("the language %#x", lang)
}

// Convert turns piece i into types. nil without an error means that there is
// nothing to keep: an excluded language or an assembler unit. The result is
// valid until the next call.
func (w *Worker) Convert(i int) (*Unit, error) {
	w.known.off = false
	u, err := w.convert(i)
	if w.known.needed {
		return w.ConvertAnew(i)
	}
	return u, err
}

// ConvertAnew is Convert without regard to what was learned of earlier units, for when
// Holds says no.
func (w *Worker) ConvertAnew(i int) (*Unit, error) {
	w.known.off = true
	return w.convert(i)
}

func (w *Worker) convert(i int) (*Unit, error) {
	if i < 0 || i >= w.c.Len() {
		return nil, fmt.Errorf("dwarf2btf: piece %d of %d", i, w.c.Len())
	}
	w.reset()
	pieces := w.c.pieces(i)
	total := uint64(0)
	for _, u := range pieces {
		total += uint64(w.c.units[u].size)
	}
	if total > maxUnit {
		h := &w.c.units[pieces[0]]
		return nil, &Error{Section: w.c.sections[h.section].Name(), Offset: h.off, Msg: fmt.Sprintf("%d units that refer to each other have %d bytes", len(pieces), total), Err: ErrTooLarge}
	}
	keep := false
	for _, u := range pieces {
		l, err := w.load(u)
		if err != nil {
			return nil, w.inUnit(err)
		}
		keep = keep || !l.excluded
		if l.excluded && l.language != LangMipsAssembler && l.language != LangAssembly && w.c.opts.Note != nil {
			w.c.opts.Note(Note{w.c.sections[l.section].Name(), l.off, tagCompileUnit, l.name, "left out, since it is in " + languageText(l.language)})
		}
	}
	if !keep {
		return nil, nil
	}
	if w.types == nil {
		w.reserve(total)
	}
	w.offsets.reset(int(total))
	for k := range w.units {
		u := &w.units[k]
		if u.excluded {
			continue
		}
		w.use(u)
		if err := w.walk(); err != nil {
			return nil, w.inUnit(err)
		}
	}
	if err := w.finish(); err != nil {
		return nil, w.inUnit(err)
	}
	u := &w.units[0]
	if w.names.full {
		return nil, w.inUnit(&Error{Section: w.c.sections[u.section].Name(), Offset: u.off, Msg: fmt.Sprintf("names of more than %d bytes in all", maxNames), Err: ErrTooLarge})
	}
	w.out.Name = u.name
	w.out.Offset = u.off
	w.out.Language = u.language
	return &w.out, nil
}

// longestShown is as much of a name as messages show.
const longestShown = 200

// inUnit adds the name of the current unit to an error.
func (w *Worker) inUnit(err error) error {
	if w.cur == nil || w.cur.name == "" {
		return err
	}
	name := w.cur.name
	if len(name) > longestShown {
		name = name[:longestShown] + "..."
	}
	return fmt.Errorf("unit %q: %w", name, err)
}

func (w *Worker) reset() {
	w.unload()
	w.types, w.members, w.pending, w.frames = w.types[:0], w.members[:0], w.pending[:0], w.frames[:0]
	w.extra, w.byteRef, w.intRef, w.arrays, w.dims = w.extra[:0], 0, 0, false, w.dims[:0]
	w.late, w.unsorted, w.enums64, w.specs = w.late[:0], w.unsorted[:0], w.enums64[:0], w.specs[:0]
	w.forward, w.declFile = w.forward[:0], w.declFile[:0]
	w.functions, w.named, w.params, w.protos, w.variables, w.tags = w.functions[:0], w.named[:0], w.params[:0], w.protos[:0], w.variables[:0], w.tags[:0]
	w.fileNames = w.fileNames[:0]
	w.known.claims, w.known.owners, w.known.fresh, w.known.needed = w.known.claims[:0], w.known.owners[:0], w.known.fresh[:0], false
	w.open, w.err = -1, nil
	clear(w.alias)
	w.out = Unit{Functions: w.out.Functions[:0], Variables: w.out.Variables[:0]}
}

// malformed returns an error about the DIE at a position of the current unit.
func (w *Worker) malformed(pos int, tag uint16, format string, args ...any) error {
	return &Error{
		Section: w.c.sections[w.cur.section].Name(), Offset: w.cur.off + uint64(pos), Tag: tag,
		Msg: fmt.Sprintf(format, args...), Err: ErrMalformed,
	}
}

// fail records the first error that a handler of the walk meets.
func (w *Worker) fail(off uint32, tag uint16, format string, args ...any) {
	if w.err == nil {
		section, at := w.where(off)
		w.err = &Error{Section: section, Offset: at, Tag: tag, Msg: fmt.Sprintf(format, args...), Err: ErrMalformed}
	}
}

// where returns the section and the offset in it of a DIE of the current piece.
func (w *Worker) where(off uint32) (section string, at uint64) {
	u := w.unitOf(off)
	return w.c.sections[u.section].Name(), u.off + uint64(off-u.base)
}

// unitOf returns the loaded unit that holds an offset of the current piece.
func (w *Worker) unitOf(off uint32) *loadedUnit {
	if u := w.cur; u != nil && off-u.base < u.size {
		return u // nearly always there is no other one
	}
	i := sort.Search(len(w.units), func(i int) bool { return off < w.units[i].base+w.units[i].size })
	if i == len(w.units) {
		i = 0
	}
	return &w.units[i]
}
