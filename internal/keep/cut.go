package keep

import (
	"mkbtf/btf"
	"mkbtf/dedup"
)

// Cut returns a table without a base that holds the roots in full, and what they
// need. Types of base (what t lies over; nil: nothing) can be among both. With roots
// nil all types of t itself are roots.
//
// A struct or union is full if a chain from a root leads to it with at most hops
// pointers to structs or unions on the way. One that is only met behind more
// pointers stays without members, with its kind, name and size: BPF programs can
// pass such a pointer on and compare it, but not look behind it. A declaration
// becomes the same, of size 0: BPF cannot even read a pointer to a FWD (kernel:
// btf_ctx_access). All other types are never cut. A DECL_TAG is kept where it is a root
// and its target is full.
//
// The strings of the result are in the pool of t, which is otherwise left alone. No
// two types of the result are equal.
func Cut(t *btf.Table, base *btf.Blob, roots []btf.ID, hops int) *btf.Table {
	c := &cutter{t: t, base: base, hops: hops, met: make([]bool, t.End()), full: make([]bool, t.End())}
	if roots == nil {
		for id := t.Start; id < t.End(); id++ {
			c.meet(id)
		}
	}
	for _, id := range roots {
		c.meet(id)
	}
	c.walk()
	out := c.build()
	dedup.Minimise(out)
	return out
}

// cutter walks the graph of types by distance, in pointers, from the roots.
type cutter struct {
	t    *btf.Table
	base *btf.Blob
	hops int
	met  []bool // by id: belongs in the result
	full []bool // by id: and is looked into
	near []btf.ID
	far  []btf.ID // one pointer further away than near
	tmp  []btf.Member
}

func (c *cutter) meet(id btf.ID) {
	if id != 0 && !c.full[id] {
		c.near = append(c.near, id)
	}
}

// at returns a type of the table or its base without names, valid until the next call.
func (c *cutter) at(id btf.ID) (btf.Type, []btf.Member) {
	if c.t.Own(id) {
		t := c.t.At(id)
		return *t, c.t.MembersOf(t)
	}
	t, ms := c.base.Decode(id, c.tmp[:0], func(off uint32) btf.Str { return btf.Str(off) })
	c.tmp = ms
	return t, ms
}

func (c *cutter) walk() {
	for distance := 0; len(c.near) > 0; distance++ {
		for len(c.near) > 0 {
			id := c.near[len(c.near)-1]
			c.near = c.near[:len(c.near)-1]
			if c.full[id] {
				continue
			}
			c.met[id] = true
			t, ms := c.at(id)
			if t.Kind.IsComposite() && distance > c.hops {
				continue
			}
			c.full[id] = true
			c.follow(&t, ms)
		}
		c.near, c.far = c.far, c.near
	}
}

// follow puts what a type refers to into the queues.
func (c *cutter) follow(t *btf.Type, ms []btf.Member) {
	if t.Kind.HasMemberTypes() {
		for i := range ms {
			c.meet(ms[i].Type)
		}
	}
	if t.Kind == btf.Array {
		c.meet(btf.ID(t.Extra))
	}
	switch {
	case t.Kind == btf.Ptr && c.leadsToComposite(t.Ref):
		if !c.full[t.Ref] {
			c.far = append(c.far, t.Ref)
		}
	case t.Kind.HasRef():
		c.meet(t.Ref)
	}
}

// maxChain bounds modifiers and arrays on the way to something else. The kernel
// takes 32 modifiers; in crafted BTF they may go round in circles.
const maxChain = 1000

// leadsToComposite reports whether a type is a struct or union behind modifiers and
// arrays.
func (c *cutter) leadsToComposite(id btf.ID) bool {
	for range maxChain {
		if id == 0 {
			return false
		}
		t, _ := c.at(id)
		if !t.Kind.IsModifier() && t.Kind != btf.Array {
			return t.Kind.IsComposite()
		}
		id = t.Ref
	}
	return false
}

// shell is a struct or union without members.
type shell struct {
	kind btf.Kind
	name btf.Str
	size uint32
}

// build copies what was met, in the order of the ids.
func (c *cutter) build() *btf.Table {
	out := btf.NewTable(1, c.t.Strings)
	ids := make([]btf.ID, len(c.met))
	shells := map[shell]btf.ID{}
	for i, met := range c.met {
		id := btf.ID(i)
		if !met {
			continue
		}
		t, ms := c.at(id)
		if id < c.t.Start {
			c.intern(&t, ms)
		}
		if t.Kind == btf.DeclTag && !c.tagged(t.Ref) {
			continue
		}
		s, cut := asShell(&t)
		if cut || t.Kind.IsComposite() && !c.full[id] {
			if shells[s] == 0 {
				shells[s] = out.Add(btf.Type{Kind: s.kind, Name: s.name, Size: s.size})
			}
			ids[id] = shells[s]
			continue
		}
		ids[id] = out.AddWith(t, ms)
	}
	for i := range out.Types {
		out.Refs(&out.Types[i], func(ref *btf.ID) { *ref = ids[*ref] })
	}
	return out
}

// asShell returns what is left of a struct or union, or of a declaration, and whether it
// is a declaration.
func asShell(t *btf.Type) (s shell, declaration bool) {
	s = shell{t.Kind, t.Name, t.Size}
	if t.Kind != btf.Fwd {
		return s, false
	}
	s.kind, s.size = btf.Struct, 0
	if t.Flag {
		s.kind = btf.Union
	}
	return s, true
}

// tagged reports whether a DECL_TAG on that type is kept.
func (c *cutter) tagged(id btf.ID) bool {
	t, _ := c.at(id)
	return c.full[id] && t.Kind != btf.Fwd
}

// intern replaces string offsets of the base by strings of the pool.
func (c *cutter) intern(t *btf.Type, ms []btf.Member) {
	t.Name = c.t.Strings.Intern(c.base.StringAt(uint32(t.Name)))
	for i := range ms {
		ms[i].Name = c.t.Strings.Intern(c.base.StringAt(uint32(ms[i].Name)))
	}
}
