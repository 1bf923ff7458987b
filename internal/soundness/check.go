// Package soundness proves what package dedup promises about one run, slowly and
// sharing no code with it: that every type agrees with what it became, and that
// the output has no two equal types. It is for tests.
package soundness

import (
	"fmt"
	"hash/maphash"

	"mkbtf/btf"
)

// Checker holds one run: what went in and what came out.
type Checker struct {
	units   []*btf.Table
	became  [][]btf.ID // by unit, by id
	out     *btf.Table
	base    *btf.Table       // nil: none
	defines []map[string]int // by unit: how often it defines a tag
	holders map[btf.ID][]int // units that hold a tagged type which became that one
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

// New prepares a check. became[u][id] is what type id of units[u] became; base is
// what out lies over, nil if nothing.
func New(units []*btf.Table, became [][]btf.ID, out, base *btf.Table) *Checker {
	c := &Checker{units: units, became: became, out: out, base: base, holders: map[btf.ID][]int{}}
	for u, tab := range units {
		d := map[string]int{}
		for i := range tab.Types {
			if tag := tagOf(tab, &tab.Types[i]); tag != "" && !declares(&tab.Types[i]) {
				d[tag]++
				id := became[u][i+1]
				c.holders[id] = append(c.holders[id], u)
			}
		}
		c.defines = append(c.defines, d)
	}
	return c
}

// leftOpen reports whether a unit that holds a type that became holder does not
// say which definition of a tag it means: it has none, or several.
func (c *Checker) leftOpen(holder btf.ID, tag string) bool {
	for _, u := range c.holders[holder] {
		if c.defines[u][tag] != 1 {
			return true
		}
	}
	return false
}

// table returns where an output id lives.
func (c *Checker) table(id btf.ID) (*btf.Table, *btf.Type) {
	if id >= c.out.Start {
		return c.out, c.out.At(id)
	}
	return c.base, c.base.At(id)
}

// Sound checks every type of every unit.
func (c *Checker) Sound() error {
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
func (c *Checker) agree(u int, id, out btf.ID) error {
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
func (c *Checker) sameShape(u int, in *btf.Type, tab *btf.Table, got *btf.Type, declared bool) error {
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
		if it.Name(a[i].Name) != tab.Name(b[i].Name) && !(in.Kind == btf.FuncProto && tab != c.out) {
			return fmt.Errorf("member %d: other name", i)
		}
	}
	return nil
}

// links checks the references of in, which holder (a tagged type of the output,
// or the type itself) refers to as out does.
func (c *Checker) links(u int, in *btf.Type, got, holder btf.ID, byPointer bool) error {
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

func (c *Checker) link(u int, id, got, holder btf.ID, byPointer bool) error {
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
	if c.leftOpen(holder, tag) {
		return nil
	}
	return fmt.Errorf("reference to %s leads to another one, though no unit leaves it open", tag)
}

// Complete checks that no two types of the output, the base included, are equal, by
// partition refinement over all of them. FUNCs may equal one of the base, VARs and
// DATASECs are never compared.
func (c *Checker) Complete() error {
	n := int(c.out.End())
	class := make([]uint64, n)
	count := 0
	seed := maphash.MakeSeed()
	var key []byte
	word := func(vs ...uint64) {
		for _, v := range vs {
			for i := range 8 {
				key = append(key, byte(v>>(8*i)))
			}
		}
	}
	for {
		seen := map[uint64]bool{}
		next := make([]uint64, n)
		for id := btf.ID(1); id < c.out.End(); id++ {
			tab, t := c.table(id)
			key = key[:0]
			if t.Kind == btf.Var || t.Kind == btf.DataSec {
				word(uint64(id))
			} else {
				flag := uint64(0)
				if t.Flag {
					flag = 1
				}
				key = append(append(key, tab.Name(t.Name)...), 0)
				word(uint64(t.Kind), flag, uint64(t.Size), uint64(t.Len))
				if t.Kind == btf.Array {
					word(class[t.Extra])
				} else {
					word(uint64(t.Extra))
				}
				if t.Kind.HasRef() {
					word(class[t.Ref])
				}
				for _, m := range tab.MembersOf(t) {
					key = append(append(key, tab.Name(m.Name)...), 0)
					word(uint64(m.Off), uint64(m.Bits))
					if t.Kind.HasMemberTypes() {
						word(class[m.Type])
					}
				}
			}
			h := maphash.Bytes(seed, key)
			next[id] = h
			seen[h] = true
		}
		class = next
		if len(seen) == count {
			break
		}
		count = len(seen)
	}
	first := map[uint64]btf.ID{}
	for id := btf.ID(1); id < c.out.End(); id++ {
		tab, t := c.table(id)
		f, ok := first[class[id]]
		if !ok {
			first[class[id]] = id
		} else if id >= c.out.Start && t.Kind != btf.Func {
			return fmt.Errorf("[%d] and [%d] are equal: %s '%s'", f, id, t.Kind, tab.Name(t.Name))
		}
	}
	return nil
}
