package dump

import (
	"bufio"
	"io"
	"strconv"

	"mkbtf/btf"
)

// Text writes types of a blob, without ids all its own, a line each and a line that starts
// with a tab for each of its elements, in the words of bpftool: the same bytes, with two
// exceptions that valid BTF does not meet. Control characters in names are written
// as \xNN, since names are one line of text whatever the file says; and kinds
// of DATASEC entries that do not exist are left out. Like bpftool, Text does not
// show the kind_flag of tags. The error is that of w.
func Text(w io.Writer, b *btf.Blob, ids ...btf.ID) error {
	p := printer{w: bufio.NewWriterSize(w, 1<<16), b: b}
	err := each(b, ids, func(id btf.ID) error {
		p.line = p.line[:0]
		p.record(id)
		p.line = append(p.line, '\n')
		_, err := p.w.Write(p.line)
		return err
	})
	if err != nil {
		return err
	}
	return p.w.Flush()
}

type printer struct {
	w    *bufio.Writer
	b    *btf.Blob
	line []byte       // the type that is being printed
	ms   []btf.Member // its elements; Name holds the string offset
}

func (p *printer) record(id btf.ID) {
	var t btf.Type
	t, p.ms = p.b.Decode(id, p.ms[:0], func(off uint32) btf.Str { return btf.Str(off) })
	p.line = append(p.line, '[')
	p.line = strconv.AppendUint(p.line, uint64(id), 10)
	p.line = append(append(p.line, "] "...), t.Kind.String()...)
	p.line = append(p.line, ' ')
	p.name(t.Name)

	switch t.Kind {
	case btf.Int:
		p.num(" size=", t.Size)
		p.num(" bits_offset=", btf.IntOffset(t.Extra))
		p.num(" nr_bits=", btf.IntBits(t.Extra))
		p.text(" encoding=", btf.EncodingName(t.Extra))
	case btf.Float:
		p.num(" size=", t.Size)
	case btf.Ptr, btf.Const, btf.Volatile, btf.Restrict, btf.Typedef, btf.TypeTag:
		p.num(" type_id=", uint32(t.Ref))
	case btf.Array:
		p.num(" type_id=", uint32(t.Ref))
		p.num(" index_type_id=", t.Extra)
		p.num(" nr_elems=", t.Size)
	case btf.Struct, btf.Union:
		p.num(" size=", t.Size)
		p.num(" vlen=", t.Len)
		p.members()
	case btf.Enum, btf.Enum64:
		p.text(" encoding=", signedness(t.Flag))
		p.num(" size=", t.Size)
		p.num(" vlen=", t.Len)
		p.enumerators(t.Kind, t.Flag)
	case btf.Fwd:
		p.text(" fwd_kind=", fwdKind(t.Flag))
	case btf.Func:
		p.num(" type_id=", uint32(t.Ref))
		p.text(" linkage=", linkage(t.Extra))
	case btf.FuncProto:
		p.num(" ret_type_id=", uint32(t.Ref))
		p.num(" vlen=", t.Len)
		for _, m := range p.ms {
			p.element(m.Name)
			p.num(" type_id=", uint32(m.Type))
		}
	case btf.Var:
		p.num(" type_id=", uint32(t.Ref))
		p.text(", linkage=", linkage(t.Extra))
	case btf.DataSec:
		p.num(" size=", t.Size)
		p.num(" vlen=", t.Len)
		p.variables()
	case btf.DeclTag:
		p.num(" type_id=", uint32(t.Ref))
		p.text(" component_idx=", "")
		p.line = strconv.AppendInt(p.line, int64(int32(t.Extra)), 10)
	}
}

func (p *printer) members() {
	for _, m := range p.ms {
		p.element(m.Name)
		p.num(" type_id=", uint32(m.Type))
		p.num(" bits_offset=", m.Off)
		if m.Bits != 0 {
			p.num(" bitfield_size=", m.Bits)
		}
	}
}

func (p *printer) enumerators(k btf.Kind, signed bool) {
	for i := range p.ms {
		m := &p.ms[i]
		p.element(m.Name)
		p.line = append(p.line, " val="...)
		switch v := m.Value(); {
		case k == btf.Enum && signed:
			p.line = strconv.AppendInt(p.line, int64(int32(v)), 10)
		case k == btf.Enum:
			p.line = strconv.AppendUint(p.line, v, 10)
		case signed:
			p.line = append(strconv.AppendInt(p.line, int64(v), 10), "LL"...)
		default:
			p.line = append(strconv.AppendUint(p.line, v, 10), "ULL"...)
		}
	}
}

func (p *printer) variables() {
	for _, m := range p.ms {
		p.num("\n\ttype_id=", uint32(m.Type))
		p.num(" offset=", m.Off)
		p.num(" size=", m.Bits)
		if v := p.b.Record(m.Type); v.Kind() != btf.Void {
			p.text(" (", v.Kind().String())
			p.line = append(p.line, ' ')
			p.name(btf.Str(v.NameOff))
			p.line = append(p.line, ')')
		}
	}
}

// element starts the line of a member, an enumerator or a parameter.
func (p *printer) element(name btf.Str) {
	p.line = append(p.line, "\n\t"...)
	p.name(name)
}

func (p *printer) num(label string, v uint32) {
	p.line = strconv.AppendUint(append(p.line, label...), uint64(v), 10)
}

func (p *printer) text(label, s string) {
	p.line = append(append(p.line, label...), s...)
}

func (p *printer) name(off btf.Str) {
	s := p.b.StringAt(uint32(off))
	if len(s) == 0 {
		p.line = append(p.line, "'(anon)'"...)
		return
	}
	p.line = append(p.line, '\'')
	p.line = append(appendClean(p.line, s), '\'')
}

func signedness(signed bool) string {
	if signed {
		return "SIGNED"
	}
	return "UNSIGNED"
}

func fwdKind(union bool) string {
	if union {
		return "union"
	}
	return "struct"
}

func linkage(l uint32) string {
	switch l {
	case btf.LinkStatic:
		return "static"
	case btf.LinkGlobal:
		return "global"
	case btf.LinkExtern:
		return "extern"
	}
	return "(unknown)"
}
