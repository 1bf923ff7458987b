package diff

import (
	"fmt"
	"strconv"
	"strings"

	"mkbtf/btf"
)

// Bounds of the C text of one type: input may nest and branch without end.
const (
	maxSteps = 200 // types visited
	maxDepth = 40
	maxText  = 400 // bytes of a declarator
)

// texter writes types as C would declare them.
type texter struct {
	r     *run
	side  int
	steps int
}

// typeText is the type in C, without a name.
func (r *run) typeText(side int, id btf.ID) string { return r.declText(side, id, "") }

// declText is the declaration of a name with that type.
func (r *run) declText(side int, id btf.ID, name string) string {
	x := texter{r: r, side: side, steps: maxSteps}
	return x.decl(id, name, maxDepth)
}

// decl declares inner with a type: C declarators grow from the name outwards.
func (x *texter) decl(id btf.ID, inner string, depth int) string {
	x.steps--
	if x.steps < 0 || depth == 0 || len(inner) > maxText {
		return "..." + spaced(inner)
	}
	t, ms := x.r.sides[x.side].at(id)
	name := x.r.name(t.Name)
	switch t.Kind {
	case btf.Void:
		return "void" + spaced(inner)
	case btf.Ptr:
		inner = "*" + inner
		if target, _ := x.r.sides[x.side].at(t.Ref); target.Kind == btf.Array || target.Kind == btf.FuncProto {
			inner = "(" + inner + ")"
		}
		return x.decl(t.Ref, inner, depth-1)
	case btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
		return x.qualified(t, inner, depth)
	case btf.Array:
		return x.decl(t.Ref, inner+"["+strconv.FormatUint(uint64(t.Size), 10)+"]", depth-1)
	case btf.FuncProto:
		return x.decl(t.Ref, inner+"("+x.params(ms, depth)+")", depth-1)
	case btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Fwd:
		word := tagWord(t)
		if t.Name == 0 {
			name = x.body(t, ms, depth)
		}
		return word + " " + name + spaced(inner)
	case btf.Func:
		return x.decl(t.Ref, name, depth-1)
	case btf.Var:
		return x.decl(t.Ref, name, depth-1)
	}
	if t.Name == 0 {
		name = t.Kind.String()
	}
	return name + spaced(inner)
}

// qualified writes a qualifier or a type tag where C has it: right of the star if a
// pointer is qualified, else on the left.
func (x *texter) qualified(t *btf.Type, inner string, depth int) string {
	word := map[btf.Kind]string{btf.Const: "const", btf.Volatile: "volatile", btf.Restrict: "restrict"}[t.Kind]
	if t.Kind == btf.TypeTag {
		word = "tag(" + x.r.name(t.Name) + ")"
		if t.Flag {
			word = "attribute(" + x.r.name(t.Name) + ")"
		}
	}
	target := t
	for range maxDepth {
		target, _ = x.r.sides[x.side].at(target.Ref)
		switch target.Kind {
		case btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
		case btf.Ptr:
			return x.decl(t.Ref, " "+word+spaced(inner), depth-1)
		default:
			return word + " " + x.decl(t.Ref, inner, depth-1)
		}
	}
	return word + " " + x.decl(t.Ref, inner, depth-1)
}

func (x *texter) params(ms []btf.Member, depth int) string {
	if len(ms) == 0 {
		return "void"
	}
	var b strings.Builder
	for i := range ms {
		if i > 0 {
			b.WriteString(", ")
		}
		if b.Len() > maxText {
			return b.String() + "..."
		}
		if ms[i].Name == 0 && ms[i].Type == 0 && i == len(ms)-1 {
			b.WriteString("...")
			break
		}
		b.WriteString(x.decl(ms[i].Type, x.r.name(ms[i].Name), depth-1))
	}
	return b.String()
}

// body is what stands between the braces of a type without a name.
func (x *texter) body(t *btf.Type, ms []btf.Member, depth int) string {
	var b strings.Builder
	b.WriteString("{ ")
	for i := range ms {
		if b.Len() > maxText {
			b.WriteString("... ")
			break
		}
		m := &ms[i]
		if t.Kind.IsEnum() {
			fmt.Fprintf(&b, "%s = %s, ", x.r.name(m.Name), valueText(t, m))
			continue
		}
		b.WriteString(x.decl(m.Type, x.r.name(m.Name), depth-1))
		if m.Bits != 0 {
			fmt.Fprintf(&b, ":%d", m.Bits)
		}
		b.WriteString("; ")
	}
	b.WriteByte('}')
	return b.String()
}

func tagWord(t *btf.Type) string {
	switch {
	case t.Kind.IsEnum():
		return "enum"
	case t.Kind == btf.Union || t.Kind == btf.Fwd && t.Flag:
		return "union"
	}
	return "struct"
}

// valueText is the value of an enumerator.
func valueText(t *btf.Type, m *btf.Member) string {
	switch v := m.Value(); {
	case t.Flag && t.Kind == btf.Enum:
		return strconv.FormatInt(int64(int32(v)), 10)
	case t.Flag:
		return strconv.FormatInt(int64(v), 10)
	default:
		return strconv.FormatUint(v, 10)
	}
}

// spaced puts a space before a name, none before an array or parameter list.
func spaced(inner string) string {
	switch {
	case inner == "" || inner[0] == '[' || inner[0] == ' ':
		return inner
	}
	return " " + inner
}

// clean makes a name fit for a terminal: control characters become \xNN.
func clean(name []byte) string {
	bad := func(c byte) bool { return c < ' ' || c == 0x7f }
	for i := range name {
		if !bad(name[i]) {
			continue
		}
		var b strings.Builder
		for _, c := range name {
			if bad(c) {
				fmt.Fprintf(&b, "\\x%02x", c)
				continue
			}
			b.WriteByte(c)
		}
		return b.String()
	}
	return string(name)
}

// describe says in a few words what a type is, for entries without details.
func (r *run) describe(side int, id btf.ID) string {
	t, _ := r.sides[side].at(id)
	switch t.Kind {
	case btf.Int:
		return fmt.Sprintf("size %d, %d bits, encoding %d", t.Size, btf.IntBits(t.Extra), btf.IntEncoding(t.Extra))
	case btf.Float:
		return fmt.Sprintf("size %d", t.Size)
	case btf.Fwd:
		return tagWord(t)
	case btf.DataSec:
		return fmt.Sprintf("size %d, %d variables", t.Size, t.Len)
	case btf.Typedef:
		return "typedef " + r.declText(side, t.Ref, r.name(t.Name))
	case btf.DeclTag:
		target, _ := r.sides[side].at(t.Ref)
		return fmt.Sprintf("%s on %s '%s', component %d", r.name(t.Name), target.Kind, r.name(target.Name), int32(t.Extra))
	case btf.Struct, btf.Union:
		if t.Name != 0 {
			return fmt.Sprintf("size %d, %d members", t.Size, t.Len)
		}
	case btf.Enum, btf.Enum64:
		if t.Name != 0 {
			return fmt.Sprintf("size %d, %d values", t.Size, t.Len)
		}
	}
	return r.typeText(side, id)
}
