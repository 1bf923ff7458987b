package diff

import (
	"fmt"
	"strconv"

	"mkbtf/btf"
)

// explainer lists in what two types differ.
type explainer struct {
	r       *run
	details []Detail
	steps   int // references that may still be followed
}

// Bound of the references followed for one pair: input may branch without end.
const maxRefs = 100000

// explain lists the differences of two types whose contents differ: one of A, one
// of B. It lists at least one.
func (r *run) explain(a, b btf.ID) []Detail {
	e := &explainer{r: r, steps: maxRefs}
	e.types("", a, b, maxDepth)
	if len(e.details) == 0 {
		e.add("", "content", r.describe(0, a), r.describe(1, b))
	}
	return e.details
}

func (e *explainer) full() bool { return len(e.details) > e.r.opts.Details || e.steps < 0 }

func (e *explainer) add(where, what, a, b string) {
	switch {
	case e.full():
	case len(e.details) == e.r.opts.Details:
		e.details = append(e.details, Detail{What: "more differences, which are not listed"})
	default:
		e.details = append(e.details, Detail{where, what, a, b})
	}
}

func (e *explainer) num(where, what string, a, b uint32) {
	if a != b {
		e.add(where, what, strconv.FormatUint(uint64(a), 10), strconv.FormatUint(uint64(b), 10))
	}
}

func (e *explainer) text(where, what, a, b string) {
	if a != b {
		e.add(where, what, a, b)
	}
}

// types compares what stands in two types; where is the way to them.
func (e *explainer) types(where string, a, b btf.ID, depth int) {
	if depth == 0 || e.full() {
		return
	}
	ta, as := e.r.sides[0].at(a)
	tb, bs := e.r.sides[1].at(b)
	if ta.Kind != tb.Kind {
		e.add(where, "kind", ta.Kind.String(), tb.Kind.String())
		return
	}
	switch ta.Kind {
	case btf.Int:
		e.num(where, "size", ta.Size, tb.Size)
		e.num(where, "bits", btf.IntBits(ta.Extra), btf.IntBits(tb.Extra))
		e.num(where, "bit offset", btf.IntOffset(ta.Extra), btf.IntOffset(tb.Extra))
		e.num(where, "encoding", btf.IntEncoding(ta.Extra), btf.IntEncoding(tb.Extra))
	case btf.Float:
		e.num(where, "size", ta.Size, tb.Size)
	case btf.Fwd:
		e.text(where, "declares", tagWord(ta), tagWord(tb))
	case btf.Struct, btf.Union:
		e.num(where, "size", ta.Size, tb.Size)
		e.members(where, as, bs, depth)
	case btf.Enum, btf.Enum64:
		e.num(where, "size", ta.Size, tb.Size)
		e.text(where, "signedness", signedness(ta), signedness(tb))
		e.enumerators(where, ta, tb, as, bs)
	case btf.Func, btf.Var:
		e.num(where, "linkage", ta.Extra, tb.Extra)
		e.refs(where, "type", ta.Ref, tb.Ref, depth)
	case btf.FuncProto:
		e.refs(where+"(return)", "type", ta.Ref, tb.Ref, depth)
		e.parameters(where, as, bs, depth)
	case btf.DataSec:
		e.num(where, "size", ta.Size, tb.Size)
		e.variables(where, as, bs)
	case btf.Array:
		e.num(where, "elements", ta.Size, tb.Size)
		e.refs(where+"[]", "type", ta.Ref, tb.Ref, depth)
		e.refs(where+"[]", "index type", btf.ID(ta.Extra), btf.ID(tb.Extra), depth)
	default:
		e.refs(where, "type", ta.Ref, tb.Ref, depth)
	}
}

func signedness(t *btf.Type) string {
	if t.Flag {
		return "signed"
	}
	return "unsigned"
}

// refs compares two references.
func (e *explainer) refs(where, what string, a, b btf.ID, depth int) {
	e.steps--
	if e.full() || e.same(a, b) || depth == 0 {
		return
	}
	ta, as := e.r.sides[0].at(a)
	tb, bs := e.r.sides[1].at(b)
	alike := ta.Kind == tb.Kind && !isNamed(ta) && !isNamed(tb) && a != 0 && b != 0
	switch {
	case alike && (ta.Kind.IsComposite() || ta.Kind.IsEnum()):
		e.types(where, a, b, depth-1)
		return
	case alike && ta.Kind == btf.FuncProto && len(as) == len(bs):
		e.types(where, a, b, depth-1)
		return
	case alike && (ta.Kind == btf.Ptr || ta.Kind == btf.Const || ta.Kind == btf.Volatile || ta.Kind == btf.Restrict),
		alike && ta.Kind == btf.Array && ta.Size == tb.Size && e.same(btf.ID(ta.Extra), btf.ID(tb.Extra)),
		alike && ta.Kind == btf.TypeTag && ta.Name == tb.Name && ta.Flag == tb.Flag:
		if e.inPlace(a, b) {
			e.refs(where, what, ta.Ref, tb.Ref, depth-1)
			return
		}
	}
	x, y := e.r.typeText(0, a), e.r.typeText(1, b)
	if x == y {
		what += ", leads to another definition of the name"
		x, y = fmt.Sprintf("%s [%d]", x, a), fmt.Sprintf("%s [%d]", y, b)
	}
	e.add(where, what, x, y)
}

// inPlace reports whether two chains of pointers, arrays and qualifiers end in
// bodies without a name, whose elements say more than the whole type in C would. A
// prototype is easier to read as a whole, unless it reads the same.
func (e *explainer) inPlace(a, b btf.ID) bool {
	end := func(side int, id btf.ID) btf.Kind {
		for range maxDepth {
			t, _ := e.r.sides[side].at(id)
			switch t.Kind {
			case btf.Ptr, btf.Const, btf.Volatile, btf.Restrict, btf.Array, btf.TypeTag:
				id = t.Ref
				continue
			}
			if isNamed(t) {
				return btf.Void
			}
			return t.Kind
		}
		return btf.Void
	}
	k := end(0, a)
	if k != end(1, b) {
		return false
	}
	return k.IsComposite() || k.IsEnum() || k == btf.FuncProto && e.r.typeText(0, a) == e.r.typeText(1, b)
}

// same reports whether two references count as the same, and has a look at where
// they lead if they do.
func (e *explainer) same(a, b btf.ID) bool {
	if e.r.reference(0, a) != e.r.reference(1, b) {
		return false
	}
	e.r.originRef(a, b, a)
	return true
}

// reference is what a reference counts as in the final comparison.
func (r *run) reference(side int, id btf.ID) uint64 {
	t, _ := r.sides[side].at(id)
	if id == 0 || t.Kind == btf.Void || isNamed(t) {
		return r.final[side].ref(id)
	}
	return r.final[side].of(id)
}
