package verify

import "mkbtf/btf"

// metaChecker looks at one record by itself (btf_check_meta).
type metaChecker struct {
	b    *blob
	ab   *Abilities
	id   uint32
	t    typ
	left uint32 // bytes of the type section behind the fixed part
}

// metas checks and indexes all own records. If the type array of the kernel is
// full, later records are checked but have no id: the kernel ignores the error.
func (b *blob) metas(ab *Abilities) *Error {
	b.offs = make([]uint32, 0, len(b.types)/24+1)
	c := metaChecker{b: b, ab: ab, id: max(b.start, 1)}
	if b.base != nil {
		c.id = b.start
	}
	for off := uint32(0); off < uint32(len(b.types)); c.id++ {
		n, err := c.record(off)
		if err != nil {
			return err
		}
		if len(b.offs) == 0 && b.base == nil {
			b.offs = append(b.offs, voidRecord)
		}
		if len(b.offs) < maxTypes {
			b.offs = append(b.offs, off)
		}
		off += n
	}
	return nil
}

// fail, failT and failB log a message plain, in the type form, in the basic form.
func (c *metaChecker) fail(no Errno, msg string) *Error {
	return &Error{Pass: PassMeta, Errno: no, Msg: msg, TypeID: c.id, Section: c.b.section, Offset: c.b.pos(c.t.off)}
}

func (c *metaChecker) failT(msg string) *Error {
	return c.fail(EINVAL, c.b.typeLine(c.id, c.t, msg))
}

func (c *metaChecker) failB(format string, args ...any) *Error {
	return c.fail(EINVAL, c.b.basicLine(c.id, c.t, fragment(format, args...)))
}

// record checks the record at off and returns its length.
func (c *metaChecker) record(off uint32) (uint32, *Error) {
	left := uint32(len(c.b.types)) - off
	if left < recordLen {
		c.t = typ{off: off}
		return 0, c.fail(EINVAL, fragment("[%d] meta_left:%d meta_needed:%d", c.id, left, recordLen))
	}
	c.t = c.b.record(off)
	c.left = left - recordLen
	k := c.t.kind()
	switch {
	case c.t.info&^c.ab.infoMask() != 0:
		return 0, c.fail(EINVAL, fragment("[%d] Invalid btf_info:%x", c.id, c.t.info))
	case k == btf.Void || k > c.ab.MaxKind:
		return 0, c.fail(EINVAL, fragment("[%d] Invalid kind:%d", c.id, uint8(k)))
	case !c.b.nameOK(c.t.name):
		return 0, c.fail(EINVAL, fragment("[%d] Invalid name_offset:%d", c.id, c.t.name))
	}
	extra := extraLen(k, c.t.vlen())
	if uint64(c.left) < extra {
		return 0, c.failB("meta_left:%d meta_needed:%d", c.left, extra)
	}
	return recordLen + uint32(extra), c.kind(k)
}

// extraLen is the size in bytes of what follows the fixed part of a record.
func extraLen(k btf.Kind, vlen uint32) uint64 {
	switch k {
	case btf.Int, btf.Var, btf.DeclTag:
		return 4
	case btf.Array:
		return 12
	case btf.Struct, btf.Union, btf.DataSec, btf.Enum64:
		return 12 * uint64(vlen)
	case btf.Enum, btf.FuncProto:
		return 8 * uint64(vlen)
	}
	return 0
}

func (c *metaChecker) kind(k btf.Kind) *Error {
	switch k {
	case btf.Int:
		return c.int()
	case btf.Ptr, btf.Typedef, btf.Volatile, btf.Const, btf.Restrict, btf.TypeTag:
		return c.ref(k)
	case btf.Fwd:
		return c.fwd()
	case btf.Array:
		return c.array()
	case btf.Struct, btf.Union:
		return c.composite()
	case btf.Enum, btf.Enum64:
		return c.enum()
	case btf.FuncProto:
		return c.funcProto()
	case btf.Func:
		return c.function()
	case btf.Var:
		return c.variable()
	case btf.DataSec:
		return c.dataSec()
	case btf.Float:
		return c.float()
	}
	return c.declTag()
}

const (
	msgVlen  = "vlen != 0"
	msgKflag = "Invalid btf_info kind_flag"
	msgName  = "Invalid name"
	msgType  = "Invalid type_id"
)

// noVlenKflag is the check that most kinds share.
func (c *metaChecker) noVlenKflag() *Error {
	switch {
	case c.t.vlen() != 0:
		return c.failT(msgVlen)
	case c.t.kflag():
		return c.failT(msgKflag)
	}
	return nil
}

func (c *metaChecker) int() *Error {
	if err := c.noVlenKflag(); err != nil {
		return err
	}
	d := c.t.u(0)
	if d&0xf0000000 != 0 {
		return c.failB("Invalid int_data:%x", d)
	}
	bits := d&0xff + d>>16&0xff
	switch {
	case bits > 128:
		return c.failT("nr_bits exceeds 128")
	case bytesFor(bits) > c.t.word:
		return c.failT("nr_bits exceeds type_size")
	}
	switch d >> 24 {
	case 0, btf.IntSigned, btf.IntChar, btf.IntBool:
		return nil
	}
	return c.fail(ENOTSUPP, c.b.typeLine(c.id, c.t, "Unsupported encoding"))
}

// bytesFor rounds bits up to bytes.
func bytesFor(bits uint32) uint32 {
	n := bits / 8
	if bits%8 != 0 {
		n++
	}
	return n
}

func (c *metaChecker) ref(k btf.Kind) *Error {
	name := c.t.name == 0
	switch k {
	case btf.Typedef:
		name = c.b.reqName(c.t.name, c.ab)
	case btf.TypeTag:
		name = c.text()
	}
	switch {
	case c.t.vlen() != 0:
		return c.failT(msgVlen)
	case c.t.kflag() && (k != btf.TypeTag || !c.ab.TagKindFlag):
		return c.failT(msgKflag)
	case c.t.word > btf.MaxID:
		return c.failT(msgType)
	case !name:
		return c.failT(msgName)
	}
	return nil
}

// text reports whether the name is text as the tags want it: not empty.
func (c *metaChecker) text() bool {
	s, ok := c.b.str(c.t.name)
	return ok && len(s) > 0
}

func (c *metaChecker) fwd() *Error {
	switch {
	case c.t.vlen() != 0:
		return c.failT(msgVlen)
	case c.t.word != 0:
		return c.failT("type != 0")
	case !c.b.reqName(c.t.name, c.ab):
		return c.failT(msgName)
	}
	return nil
}

// badRef is the rule of those references that must not be void.
func badRef(id uint32) bool { return id == 0 || id > btf.MaxID }

func (c *metaChecker) array() *Error {
	if c.t.name != 0 {
		return c.failT(msgName)
	}
	if err := c.noVlenKflag(); err != nil {
		return err
	}
	switch {
	case c.t.word != 0:
		return c.failT("size != 0")
	case badRef(c.t.u(0)):
		return c.failT("Invalid elem")
	case badRef(c.t.u(1)):
		return c.failT("Invalid index")
	}
	return nil
}

func (c *metaChecker) composite() *Error {
	if !c.b.optName(c.t.name, c.ab) {
		return c.failT(msgName)
	}
	last := uint32(0)
	for i := range c.t.vlen() {
		m := c.t.member(i)
		bad := func(format string, args ...any) *Error {
			return c.fail(EINVAL, c.b.memberLine(c.t, m, fragment(format, args...)))
		}
		switch {
		case !c.b.nameOK(m.name):
			return bad("Invalid member name_offset:%d", m.name)
		case !c.b.optName(m.name, c.ab):
			return bad(msgName)
		case badRef(m.typ):
			return bad(msgType)
		case c.t.kind() == btf.Union && m.offs != 0, m.offs < last:
			return bad("Invalid member bits_offset")
		case bytesFor(m.offs) > c.t.word:
			return bad("Member bits_offset exceeds its struct size")
		}
		last = m.offs
	}
	return nil
}

func (c *metaChecker) enum() *Error {
	words := uint32(2)
	if c.t.kind() == btf.Enum64 {
		words = 3
	}
	size := c.t.word
	switch {
	case c.t.kflag() && c.ab.MaxKind < btf.Enum64:
		return c.failT(msgKflag)
	case size == 0 || size > 8 || size&(size-1) != 0:
		return c.failT("Unexpected size")
	case !c.b.optName(c.t.name, c.ab):
		return c.failT(msgName)
	}
	for i := range c.t.vlen() {
		name := c.t.u(words * i)
		switch {
		case !c.b.nameOK(name):
			return c.fail(EINVAL, fragment("\tInvalid name_offset:%d", name))
		case !c.b.reqName(name, c.ab):
			return c.failT(msgName)
		}
	}
	return nil
}

func (c *metaChecker) funcProto() *Error {
	switch {
	case c.t.name != 0:
		return c.failT(msgName)
	case c.t.kflag():
		return c.failT(msgKflag)
	}
	return nil
}

func (c *metaChecker) function() *Error {
	switch {
	case !c.b.reqName(c.t.name, c.ab):
		return c.failT(msgName)
	case c.t.vlen() > btf.LinkGlobal:
		return c.failT("Invalid func linkage")
	case c.t.kflag():
		return c.failT(msgKflag)
	}
	return nil
}

func (c *metaChecker) variable() *Error {
	if err := c.noVlenKflag(); err != nil {
		return err
	}
	switch {
	case !c.b.reqName(c.t.name, c.ab):
		return c.failT(msgName)
	case badRef(c.t.word):
		return c.failT(msgType)
	case c.t.u(0) > btf.LinkGlobal:
		return c.failT("Linkage not supported")
	}
	return nil
}

func (c *metaChecker) dataSec() *Error {
	size := c.t.word
	switch {
	case size == 0:
		return c.failT("size == 0")
	case c.t.kflag():
		return c.failT(msgKflag)
	case c.t.name == 0 || !c.b.sectionName(c.t.name, c.ab):
		return c.failT(msgName)
	}
	var sum uint64
	last := uint32(0)
	for i := range c.t.vlen() {
		off, n := c.t.u(3*i+1), c.t.u(3*i+2)
		bad := func(msg string) *Error { return c.fail(EINVAL, c.b.entryLine(c.t, i, msg)) }
		switch {
		case badRef(c.t.u(3 * i)):
			return bad(msgType)
		case off < last || off >= size:
			return bad("Invalid offset")
		case n == 0 || n > size:
			return bad("Invalid size")
		}
		last = off + n // wraps in 32 bits, as in the kernel
		if last > size {
			return bad("Invalid offset+size")
		}
		sum += uint64(n)
	}
	if sum > uint64(size) {
		return c.failT("Invalid btf_info size")
	}
	return nil
}

func (c *metaChecker) float() *Error {
	if err := c.noVlenKflag(); err != nil {
		return err
	}
	switch c.t.word {
	case 2, 4, 8, 12, 16:
		return nil
	}
	return c.failT("Invalid type_size")
}

func (c *metaChecker) declTag() *Error {
	switch {
	case !c.text():
		return c.failT("Invalid value")
	case c.t.vlen() != 0:
		return c.failT(msgVlen)
	case c.t.kflag() && !c.ab.TagKindFlag:
		return c.failT(msgKflag)
	case int32(c.t.u(0)) < -1:
		return c.failT("Invalid component_idx")
	}
	return nil
}
