package dwarftest

import (
	"fmt"

	"mkbtf/btf"
)

// DIE is a debugging information entry. Entries are told apart by their address:
// a *DIE as the value of an attribute is a reference to it.
type DIE struct {
	Tag      uint16
	Attrs    []Attr
	Children []*DIE

	unit   *Unit
	offset uint64 // from the start of the section
}

// Attr is an attribute. Value is a uint64, int64, int, bool, string, []byte
// (blocks and expressions) or *DIE, as the form needs it. An Indirect attribute is
// written with DW_FORM_indirect.
type Attr struct {
	At       uint16
	Form     uint16
	Value    any
	Indirect bool
}

// New returns a DIE with children.
func New(tag uint16, attrs []Attr, children ...*DIE) *DIE {
	return &DIE{Tag: tag, Attrs: attrs, Children: children}
}

// Add appends children and returns the DIE.
func (d *DIE) Add(children ...*DIE) *DIE {
	d.Children = append(d.Children, children...)
	return d
}

// Offset is the place of the DIE in its section after Build.
func (d *DIE) Offset() uint64 { return d.offset }

// Unit is one unit. Kind is DW_UT_*, 0 means compile. A type unit has a
// Signature and its Type.
type Unit struct {
	Version   int
	Is64      bool
	AddrSize  int // 0 means 8
	Kind      uint8
	Types     bool // in .debug_types
	Root      *DIE
	Signature uint64
	Type      *DIE

	start uint64 // in the section
}

// Sections are the built debug sections; those without content are nil.
type Sections struct {
	Info, Types, Abbrev, Str, LineStr, StrOffsets, Addr []byte
}

// Builder collects units that share string sections. Codes is added to each
// abbreviation code, to make them large.
type Builder struct {
	Order btf.Order
	Units []*Unit
	Codes uint64

	out     Sections
	strings map[string]uint64
	lines   map[string]uint64
}

// Forms that need knowledge beyond their width.
const (
	formAddr, formBlock2, formBlock4, formData2, formData4, formData8 = 0x01, 0x03, 0x04, 0x05, 0x06, 0x07
	formString, formBlock, formBlock1, formData1, formFlag, formSdata = 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d
	formStrp, formUdata, formRefAddr, formRef1, formRef2, formRef4    = 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13
	formRef8, formRefUdata, formIndirect, formSecOffset, formExprloc  = 0x14, 0x15, 0x16, 0x17, 0x18
	formFlagPresent, formStrx, formAddrx, formData16, formLineStrp    = 0x19, 0x1a, 0x1b, 0x1e, 0x1f
	formRefSig8, formImplicitConst, formStrx1, formAddrx1             = 0x20, 0x21, 0x25, 0x29
	formRefSup4, formStrpSup, formGNURefAlt, formGNUStrpAlt           = 0x1c, 0x1d, 0x1f20, 0x1f21
)

// Build lays out all units. It panics if a value does not fit its form: that is
// an error in the test.
func (b *Builder) Build() *Sections {
	b.out = Sections{Str: []byte{0}, LineStr: []byte{0}}
	b.strings, b.lines = map[string]uint64{"": 0}, map[string]uint64{"": 0}
	// The second pass knows all offsets. Sizes are the same in both.
	for range 2 {
		b.out.Info, b.out.Types, b.out.Abbrev, b.out.StrOffsets, b.out.Addr = nil, nil, nil, nil, nil
		for _, u := range b.Units {
			b.unit(u)
		}
	}
	out := b.out
	return &out
}

func (b *Builder) unit(u *Unit) {
	out := &b.out.Info
	if u.Types {
		out = &b.out.Types
	}
	u.start = uint64(len(*out))
	abbrev := uint64(len(b.out.Abbrev))
	w := writer{b: b, u: u, at: u.start, codes: map[string]uint64{}}
	w.num(2, uint64(u.Version))
	kind := max(u.Kind, 1)
	size := u.AddrSize
	if size == 0 {
		size = 8
	}
	if u.Version >= 5 {
		w.num(1, uint64(kind))
		w.num(1, uint64(size))
		w.num(w.offset(), abbrev)
	} else {
		w.num(w.offset(), abbrev)
		w.num(1, uint64(size))
	}
	if u.Type != nil {
		w.num(8, u.Signature)
		w.num(w.offset(), u.Type.offset-u.start)
	} else if kind == 4 || kind == 5 {
		w.num(8, u.Signature)
	}
	w.die(u.Root)
	b.out.Abbrev = append(b.out.Abbrev, 0)
	if u.Is64 {
		*out = b.Order.AppendUint64(b.Order.AppendUint32(*out, 0xffffffff), uint64(len(w.buf)))
	} else {
		*out = b.Order.AppendUint32(*out, uint32(len(w.buf)))
	}
	*out = append(*out, w.buf...)
}

// writer writes one unit without its length.
type writer struct {
	b     *Builder
	u     *Unit
	at    uint64 // of the unit in its section
	buf   []byte
	codes map[string]uint64
}

func (w *writer) offset() int {
	if w.u.Is64 {
		return 8
	}
	return 4
}

// pos is the offset in the section of what is written next.
func (w *writer) pos() uint64 {
	if w.u.Is64 {
		return w.at + 12 + uint64(len(w.buf))
	}
	return w.at + 4 + uint64(len(w.buf))
}

func (w *writer) num(size int, v uint64) {
	o := w.b.Order
	switch size {
	case 1:
		w.buf = append(w.buf, byte(v))
	case 2:
		w.buf = o.AppendUint16(w.buf, uint16(v))
	case 4:
		w.buf = o.AppendUint32(w.buf, uint32(v))
	case 8:
		w.buf = o.AppendUint64(w.buf, v)
	case 3:
		b := o.AppendUint32(nil, uint32(v))
		if b[0] == byte(v) && o.Uint16([]byte{1, 0}) == 1 {
			w.buf = append(w.buf, b[:3]...)
		} else {
			w.buf = append(w.buf, b[1:]...)
		}
	default:
		panic(fmt.Sprintf("number of %d bytes", size))
	}
}

func (w *writer) die(d *DIE) {
	d.unit, d.offset = w.u, w.pos()
	w.buf = AppendULEB(w.buf, w.code(d))
	for _, a := range d.Attrs {
		if a.Indirect {
			w.buf = AppendULEB(w.buf, uint64(a.Form))
		}
		w.value(a)
	}
	if len(d.Children) == 0 {
		return
	}
	for _, c := range d.Children {
		w.die(c)
	}
	w.buf = append(w.buf, 0)
}

// code returns the abbreviation code for a DIE, adding an entry if it is new.
func (w *writer) code(d *DIE) uint64 {
	p := AppendULEB(nil, uint64(d.Tag))
	p = append(p, map[bool]byte{true: 1}[len(d.Children) > 0])
	for _, a := range d.Attrs {
		form := uint64(a.Form)
		if a.Indirect {
			form = formIndirect
		}
		p = AppendULEB(AppendULEB(p, uint64(a.At)), form)
		if form == formImplicitConst {
			p = AppendSLEB(p, int64(number(a.Value)))
		}
	}
	p = append(p, 0, 0)
	code, ok := w.codes[string(p)]
	if !ok {
		code = w.b.Codes + uint64(len(w.codes)+1)
		w.codes[string(p)] = code
		w.b.out.Abbrev = append(AppendULEB(w.b.out.Abbrev, code), p...)
	}
	return code
}
