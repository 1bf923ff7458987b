package verify

import (
	"fmt"
	"strings"

	"mkbtf/btf"
)

// maxFragment is what one print of the kernel's log holds at most, the NUL
// included (BPF_VERIFIER_TMP_LOG_SIZE).
const maxFragment = 1024

// fragment formats what the kernel prints at once.
func fragment(format string, args ...any) string {
	s := fmt.Sprintf(format, args...)
	if len(s) >= maxFragment {
		s = s[:maxFragment-1]
	}
	return s
}

// basicLine is the log line of a type without its details.
func (b *blob) basicLine(id uint32, t typ, msg string) string {
	return fragment("[%d] %s %s", id, t.kind(), b.name(t.name)) + suffix(msg)
}

// typeLine is the log line of a type with its details.
func (b *blob) typeLine(id uint32, t typ, msg string) string {
	return fragment("[%d] %s %s ", id, t.kind(), b.name(t.name)) + b.details(t) + suffix(msg)
}

func suffix(msg string) string {
	if msg == "" {
		return ""
	}
	return " " + msg
}

// details is what follows the name of a type in the log, by kind.
func (b *blob) details(t typ) string {
	switch k := t.kind(); k {
	case btf.Int:
		d := t.u(0)
		return fmt.Sprintf("size=%d bits_offset=%d nr_bits=%d encoding=%s", t.word, d>>16&0xff, d&0xff, btf.EncodingName(d))
	case btf.Array:
		return fmt.Sprintf("type_id=%d index_type_id=%d nr_elems=%d", t.u(0), t.u(1), t.u(2))
	case btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.DataSec:
		return fmt.Sprintf("size=%d vlen=%d", t.word, t.vlen())
	case btf.Fwd:
		if t.kflag() {
			return "union"
		}
		return "struct"
	case btf.FuncProto:
		return b.protoDetails(t)
	case btf.Var:
		return fmt.Sprintf("type_id=%d linkage=%d", t.word, t.u(0))
	case btf.Float:
		return fmt.Sprintf("size=%d", t.word)
	case btf.DeclTag:
		return fmt.Sprintf("type=%d component_idx=%d", t.word, int32(t.u(0)))
	}
	return fmt.Sprintf("type_id=%d", t.word)
}

func (b *blob) protoDetails(t typ) string {
	var s strings.Builder
	fmt.Fprintf(&s, "return=%d args=(", t.word)
	n := t.vlen()
	if n == 0 {
		s.WriteString("void")
	}
	for i := range n {
		if i > 0 {
			s.WriteString(", ")
		}
		if i == n-1 && t.u(2*i+1) == 0 {
			s.WriteString("vararg")
		} else {
			s.WriteString(fragment("%d %s", t.u(2*i+1), b.name(t.u(2*i))))
		}
	}
	return s.String() + ")"
}

// member is a member of a STRUCT or UNION, decoded by the kind_flag of its owner.
type member struct {
	name, typ  uint32
	bits, offs uint32 // bit-field width (0 if none) and bit offset
	raw        uint32 // the word that holds both
}

func (t typ) member(i uint32) member {
	m := member{name: t.u(3 * i), typ: t.u(3*i + 1), raw: t.u(3*i + 2)}
	m.offs = m.raw
	if t.kflag() {
		m.bits, m.offs = m.raw>>24, m.raw&0xffffff
	}
	return m
}

// memberLine is the log line of a member of t.
func (b *blob) memberLine(t typ, m member, msg string) string {
	if t.kflag() {
		return fragment("\t%s type_id=%d bitfield_size=%d bits_offset=%d", b.name(m.name), m.typ, m.bits, m.offs) + suffix(msg)
	}
	return fragment("\t%s type_id=%d bits_offset=%d", b.name(m.name), m.typ, m.offs) + suffix(msg)
}

// entryLine is the log line of an entry of a DATASEC.
func (b *blob) entryLine(t typ, i uint32, msg string) string {
	return fmt.Sprintf("\t type_id=%d offset=%d size=%d", t.u(3*i), t.u(3*i+1), t.u(3*i+2)) + suffix(msg)
}
