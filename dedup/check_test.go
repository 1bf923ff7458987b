package dedup

import (
	"fmt"

	"mkbtf/btf"
)

// checker proves what the package promises about one run, slowly and without
// using anything of the package itself: soundness (every input type agrees with
// what it became) and completeness (no two types of the output are equal).
type checker struct {
	units  []*btf.Table
	became [][]btf.ID // by unit, by id
	out    *btf.Table
	base   *btf.Table // nil: none
	// declaredOnly[out id][name]: some unit that holds a type that became out id
	// does not define that name, or defines it more than once.
	declaredOnly map[btf.ID]map[string]bool
	defines      []map[string]int
}

func tagOf(t *btf.Table, typ *btf.Type) string {
	c := ""
	switch typ.Kind {
	case btf.Struct:
		c = "struct "
	case btf.Union:
		c = "union "
	case btf.Enum, btf.Enum64:
		c = "enum "
	case btf.Fwd:
		c = "struct "
		if typ.Flag {
			c = "union "
		}
	default:
		return ""
	}
	if typ.Name == 0 {
		return ""
	}
	return c + t.Name(typ.Name)
}

func declares(typ *btf.Type) bool {
	return typ.Kind == btf.Fwd || (typ.Kind == btf.Enum || typ.Kind == btf.Enum64) && typ.Len == 0
}

func newChecker(units []*btf.Table, became [][]btf.ID, out, base *btf.Table) *checker {
	c := &checker{units: units, became: became, out: out, base: base, declaredOnly: map[btf.ID]map[string]bool{}}
	names := map[string]bool{}
	for _, u := range units {
		d := map[string]int{}
		for i := range u.Types {
			if tag := tagOf(u, &u.Types[i]); tag != "" {
				names[tag] = true
				if !declares(&u.Types[i]) {
					d[tag]++
				}
			}
		}
		c.defines = append(c.defines, d)
	}
	for u, tab := range units {
		for i := range tab.Types {
			if tag := tagOf(tab, &tab.Types[i]); tag == "" || declares(&tab.Types[i]) {
				continue
			}
			id := became[u][i+1]
			if c.declaredOnly[id] == nil {
				c.declaredOnly[id] = map[string]bool{}
			}
			for n := range names {
				if c.defines[u][n] != 1 {
					c.declaredOnly[id][n] = true
				}
			}
		}
	}
	return c
}

// table returns where an output id lives.
func (c *checker) table(id btf.ID) (*btf.Table, *btf.Type) {
	if id >= c.out.Start {
		return c.out, c.out.At(id)
	}
	return c.base, c.base.At(id)
}

// sound checks every type of every unit.
func (c *checker) sound() error {
	for u, tab := range c.units {
		for i := range tab.Types {
			id := btf.ID(i + 1)
			if err := c.agree(u, id, c.became[u][id]); err != nil {
				return fmt.Errorf("unit %d [%d] %s '%s' -> [%d]: %w", u, id, tab.Types[i].Kind, tab.Name(tab.Types[i].Name), c.became[u][id], err)
			}
		}
	}
	return nil
}

// agree compares a type with what it became, one level deep; references must
// have become what the output refers to, or be let off by link.
func (c *checker) agree(u int, id, out btf.ID) error {
	in := c.units[u].At(id)
	if out == 0 {
		return fmt.Errorf("became void")
	}
	tab, got := c.table(out)
	if err := c.sameShape(u, in, tab, got, declares(in)); err != nil {
		return err
	}
	if declares(in) && !declares(got) {
		return nil
	}
	return c.links(u, in, out, out, false)
}

// sameShape compares all but references.
func (c *checker) sameShape(u int, in *btf.Type, tab *btf.Table, got *btf.Type, declared bool) error {
	it := c.units[u]
	if declared {
		if a, b := tagOf(it, in), tagOf(tab, got); a != b {
			return fmt.Errorf("declaration of %s became %s", a, b)
		}
		return nil
	}
	if in.Kind != got.Kind || it.Name(in.Name) != tab.Name(got.Name) || in.Size != got.Size || in.Len != got.Len {
		return fmt.Errorf("%s '%s' size %d vlen %d became %s '%s' size %d vlen %d", in.Kind, it.Name(in.Name), in.Size, in.Len, got.Kind, tab.Name(got.Name), got.Size, got.Len)
	}
	if in.Kind != btf.Array && in.Extra != got.Extra || in.Flag != got.Flag && !in.Kind.IsEnum() {
		return fmt.Errorf("other data or flag")
	}
	a, b := it.MembersOf(in), tab.MembersOf(got)
	for i := range a {
		if a[i].Off != b[i].Off || a[i].Bits != b[i].Bits {
			return fmt.Errorf("member %d: other place or value", i)
		}
		if it.Name(a[i].Name) != tab.Name(b[i].Name) && !(in.Kind == btf.FuncProto && out(c, got)) {
			return fmt.Errorf("member %d: other name", i)
		}
	}
	return nil
}

// out reports whether a type belongs to the base (names of parameters inside a
// base type are not compared).
func out(c *checker, t *btf.Type) bool {
	if c.base == nil {
		return false
	}
	for i := range c.base.Types {
		if &c.base.Types[i] == t {
			return true
		}
	}
	return false
}

// links checks the references of in, which holder (a tagged type of the output,
// or the type itself) refers to as out does.
func (c *checker) links(u int, in *btf.Type, got, holder btf.ID, byPointer bool) error {
	tab, o := c.table(got)
	it := c.units[u]
	if in.Kind.HasRef() {
		if err := c.link(u, in.Ref, o.Ref, holder, byPointer || in.Kind == btf.Ptr || in.Kind == btf.FuncProto); err != nil {
			return err
		}
	}
	if in.Kind.HasMemberTypes() {
		a, b := it.MembersOf(in), tab.MembersOf(o)
		for i := range a {
			if err := c.link(u, a[i].Type, b[i].Type, holder, byPointer || in.Kind == btf.FuncProto); err != nil {
				return fmt.Errorf("member %d '%s': %w", i, it.Name(a[i].Name), err)
			}
		}
	}
	return nil
}

func (c *checker) link(u int, id, got, holder btf.ID, byPointer bool) error {
	if id == 0 || got == 0 {
		if id != got {
			return fmt.Errorf("reference to [%d] became [%d]", id, got)
		}
		return nil
	}
	if c.became[u][id] == got {
		return nil
	}
	in := c.units[u].At(id)
	tab, o := c.table(got)
	if got < c.out.Start { // decorations of the base that nobody can observe
		for o.Kind == btf.TypeTag {
			got = o.Ref
			tab, o = c.table(got)
		}
	}
	tag := tagOf(c.units[u], in)
	if tag == "" {
		if err := c.sameShape(u, in, tab, o, false); err != nil {
			return fmt.Errorf("leads to another type: %w", err)
		}
		return c.links(u, in, got, holder, byPointer)
	}
	if tag != tagOf(tab, o) {
		return fmt.Errorf("reference to %s became %s", tag, tagOf(tab, o))
	}
	switch {
	case declares(in):
		return nil
	case !byPointer:
		return fmt.Errorf("%s held by value is another one", tag)
	case holder < c.out.Start:
		return nil
	}
	if c.declaredOnly[holder][tag] {
		return nil
	}
	return fmt.Errorf("reference to %s leads to another one, though no unit leaves it open", tag)
}

// complete checks that no two types of the output (with the base) are equal, by
// partition refinement over all of them.
func (c *checker) complete() error {
	n := int(c.out.End())
	class := make([]int, n)
	count := 0
	for {
		seen := map[string]int{}
		next := make([]int, n)
		for id := btf.ID(1); id < c.out.End(); id++ {
			tab, t := c.table(id)
			if t.Kind == btf.Var || t.Kind == btf.DataSec {
				seen[fmt.Sprint("var", id)] = len(seen) + 1
				next[id] = len(seen)
				continue
			}
			cp := *t
			cp.First = 0
			key := fmt.Sprint(cp.Kind, tab.Name(cp.Name), cp.Size, cp.Len, cp.Flag)
			if t.Kind != btf.Array {
				key += fmt.Sprint("x", cp.Extra)
			}
			if t.Kind.HasRef() {
				key += fmt.Sprint("r", class[cp.Ref])
			}
			for _, m := range tab.MembersOf(t) {
				key += fmt.Sprint("m", tab.Name(m.Name), m.Off, m.Bits)
				if t.Kind.HasMemberTypes() {
					key += fmt.Sprint("t", class[m.Type])
				}
			}
			if seen[key] == 0 {
				seen[key] = len(seen) + 1
			}
			next[id] = seen[key]
		}
		class = next
		if len(seen) == count {
			break
		}
		count = len(seen)
	}
	first := map[int]btf.ID{}
	for id := btf.ID(1); id < c.out.End(); id++ {
		tab, t := c.table(id)
		if f, ok := first[class[id]]; ok {
			if id >= c.out.Start && t.Kind != btf.Func {
				return fmt.Errorf("[%d] and [%d] are equal: %s '%s'", f, id, t.Kind, tab.Name(t.Name))
			}
			continue
		}
		first[class[id]] = id
	}
	return nil
}
