package dump

import (
	"bufio"
	"io"
	"strconv"
	"unicode/utf8"

	"mkbtf/btf"
)

// JSON writes types of a blob with the names of fields and values of "bpftool -j btf
// dump file FILE": one object {"types":[...]}, a type in a line. Without
// ids it writes all own types of the blob. Bytes of names that are not UTF-8
// become U+FFFD. The error is that of w.
func JSON(w io.Writer, b *btf.Blob, ids ...btf.ID) error {
	p := jsonPrinter{printer: printer{w: bufio.NewWriterSize(w, 1<<16), b: b}}
	if _, err := p.w.WriteString(`{"types":[`); err != nil {
		return err
	}
	sep := "\n"
	write := func(id btf.ID) error {
		p.line = append(p.line[:0], sep...)
		sep = ",\n"
		p.record(id)
		_, err := p.w.Write(p.line)
		return err
	}
	if err := each(b, ids, write); err != nil {
		return err
	}
	if _, err := p.w.WriteString("\n]}\n"); err != nil {
		return err
	}
	return p.w.Flush()
}

// each calls f for ids or, if there are none, for all own types of a blob, until it
// fails.
func each(b *btf.Blob, ids []btf.ID, f func(btf.ID) error) error {
	for _, id := range ids {
		if err := f(id); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		for id := b.Start(); id < b.End(); id++ {
			if err := f(id); err != nil {
				return err
			}
		}
	}
	return nil
}

type jsonPrinter struct{ printer }

func (p *jsonPrinter) record(id btf.ID) {
	var t btf.Type
	t, p.ms = p.b.Decode(id, p.ms[:0], func(off uint32) btf.Str { return btf.Str(off) })
	p.num(`{"id":`, uint32(id))
	p.text(`,"kind":"`, t.Kind.String())
	p.name(`","name":`, t.Name)

	switch t.Kind {
	case btf.Int:
		p.num(`,"size":`, t.Size)
		p.num(`,"bits_offset":`, btf.IntOffset(t.Extra))
		p.num(`,"nr_bits":`, btf.IntBits(t.Extra))
		p.quoted(`,"encoding":`, btf.EncodingName(t.Extra))
	case btf.Float:
		p.num(`,"size":`, t.Size)
	case btf.Ptr, btf.Const, btf.Volatile, btf.Restrict, btf.Typedef, btf.TypeTag:
		p.num(`,"type_id":`, uint32(t.Ref))
	case btf.Array:
		p.num(`,"type_id":`, uint32(t.Ref))
		p.num(`,"index_type_id":`, t.Extra)
		p.num(`,"nr_elems":`, t.Size)
	case btf.Struct, btf.Union:
		p.num(`,"size":`, t.Size)
		p.list(&t, "members", func(m *btf.Member) {
			p.name(`{"name":`, m.Name)
			p.num(`,"type_id":`, uint32(m.Type))
			p.num(`,"bits_offset":`, m.Off)
			if m.Bits != 0 {
				p.num(`,"bitfield_size":`, m.Bits)
			}
		})
	case btf.Enum, btf.Enum64:
		p.quoted(`,"encoding":`, signedness(t.Flag))
		p.num(`,"size":`, t.Size)
		p.list(&t, "values", func(m *btf.Member) {
			p.name(`{"name":`, m.Name)
			p.line = append(p.line, `,"val":`...)
			switch {
			case t.Flag && t.Kind == btf.Enum:
				p.line = strconv.AppendInt(p.line, int64(int32(m.Off)), 10)
			case t.Flag:
				p.line = strconv.AppendInt(p.line, int64(m.Value()), 10)
			default:
				p.line = strconv.AppendUint(p.line, m.Value(), 10)
			}
		})
	case btf.Fwd:
		p.quoted(`,"fwd_kind":`, fwdKind(t.Flag))
	case btf.Func:
		p.num(`,"type_id":`, uint32(t.Ref))
		p.quoted(`,"linkage":`, linkage(t.Extra))
	case btf.FuncProto:
		p.num(`,"ret_type_id":`, uint32(t.Ref))
		p.list(&t, "params", func(m *btf.Member) {
			p.name(`{"name":`, m.Name)
			p.num(`,"type_id":`, uint32(m.Type))
		})
	case btf.Var:
		p.num(`,"type_id":`, uint32(t.Ref))
		p.quoted(`,"linkage":`, linkage(t.Extra))
	case btf.DataSec:
		p.num(`,"size":`, t.Size)
		p.list(&t, "vars", func(m *btf.Member) {
			p.num(`{"type_id":`, uint32(m.Type))
			p.num(`,"offset":`, m.Off)
			p.num(`,"size":`, m.Bits)
		})
	case btf.DeclTag:
		p.num(`,"type_id":`, uint32(t.Ref))
		p.line = strconv.AppendInt(append(p.line, `,"component_idx":`...), int64(int32(t.Extra)), 10)
	}
	p.line = append(p.line, '}')
}

// list writes the number of elements and the elements; element leaves out the last
// brace.
func (p *jsonPrinter) list(t *btf.Type, label string, element func(*btf.Member)) {
	p.num(`,"vlen":`, t.Len)
	p.text(`,"`, label)
	p.line = append(p.line, `":[`...)
	for i := range p.ms {
		if i > 0 {
			p.line = append(p.line, ',')
		}
		element(&p.ms[i])
		p.line = append(p.line, '}')
	}
	p.line = append(p.line, ']')
}

func (p *jsonPrinter) quoted(label, s string) {
	p.line = append(append(append(append(p.line, label...), '"'), s...), '"')
}

// name writes a name, or "(anon)" if there is none.
func (p *jsonPrinter) name(label string, off btf.Str) {
	s := p.b.StringAt(uint32(off))
	if len(s) == 0 {
		p.quoted(label, "(anon)")
		return
	}
	p.line = append(append(p.line, label...), '"')
	for len(s) > 0 {
		switch c := s[0]; {
		case c == '"' || c == '\\':
			p.line = append(p.line, '\\', c)
		case c < ' ' || c == 0x7f:
			const hex = "0123456789abcdef"
			p.line = append(p.line, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		case c < utf8.RuneSelf:
			p.line = append(p.line, c)
		default:
			r, n := utf8.DecodeRune(s)
			p.line = utf8.AppendRune(p.line, r)
			s = s[n:]
			continue
		}
		s = s[1:]
	}
	p.line = append(p.line, '"')
}
