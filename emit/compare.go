package emit

import (
	"bytes"
	"cmp"

	"mkbtf/btf"
)

// comparison orders two types by content. Its budget bounds what crafted types can
// make it do; types that are still alike then count as equal.
type comparison struct {
	t      *btf.Table
	budget int
}

func newComparison(t *btf.Table) *comparison { return &comparison{t, 2000} }

// types compares names, kinds, numbers and then what the types lead to. Below the
// first level a type with a name stands for itself without its members.
func (c *comparison) types(a, b btf.ID, members bool) int {
	if a == b || c.budget == 0 {
		return 0
	}
	c.budget--
	if !c.t.Own(a) || !c.t.Own(b) {
		return cmp.Compare(a, b)
	}
	x, y := c.t.At(a), c.t.At(b)
	if d := c.names(x.Name, y.Name); d != 0 {
		return d
	}
	if d := cmp.Or(
		cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Size, y.Size),
		cmp.Compare(x.Len, y.Len), compareBool(x.Flag, y.Flag),
	); d != 0 {
		return d
	}
	if x.Kind != btf.Array && x.Extra != y.Extra {
		return cmp.Compare(x.Extra, y.Extra)
	}
	if x.Kind.HasRef() {
		if d := c.types(x.Ref, y.Ref, false); d != 0 {
			return d
		}
	}
	if x.Name != 0 && !members {
		return 0
	}
	xs, ys := c.t.MembersOf(x), c.t.MembersOf(y)
	for i := range xs {
		if d := cmp.Or(c.names(xs[i].Name, ys[i].Name), cmp.Compare(xs[i].Off, ys[i].Off), cmp.Compare(xs[i].Bits, ys[i].Bits)); d != 0 {
			return d
		}
	}
	if x.Kind.HasMemberTypes() {
		for i := range xs {
			if d := c.types(xs[i].Type, ys[i].Type, false); d != 0 {
				return d
			}
		}
	}
	return 0
}

func (c *comparison) names(a, b btf.Str) int {
	if a == b {
		return 0
	}
	return bytes.Compare(c.t.Strings.Bytes(a), c.t.Strings.Bytes(b))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
