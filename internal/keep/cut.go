package keep

import (
	"mkbtf/btf"
	"mkbtf/dedup"
)

// Cut returns a table without a base that holds the roots in full, and what they
// need. Types of base (what t lies over; nil: nothing) can be among both. With roots
// nil they are all that t itself defines: structs, unions, enums, typedefs, functions,
// variables and tags, but not what has no meaning by itself, such as pointers.
//
// A struct or union is full if a chain from a root leads to it with at most hops
// pointers on the way. What roots point to beyond that stays without members, with its
// kind, name and size: BPF programs can pass such a pointer on and compare it, but not
// look behind it. A declaration becomes the same, of size 0: BPF cannot even read a
// pointer to a FWD (kernel: btf_ctx_access).
//
// Of named structs and unions that are no roots, pointers beyond that become pointers to void
// unless a root points there too, and so do pointers to functions: a program reads them
// alike, and needs the kernel's types for going on, for calling and for implementing
// (struct_ops). Nothing else is cut: integers, enums and what holds them stay complete.
// A DECL_TAG is kept where it is a root.
//
// The strings of the result are in the pool of t, which is otherwise left alone. No
// two types of the result are equal.
func Cut(t *btf.Table, base *btf.Blob, roots []btf.ID, hops int) *btf.Table {
	c := &cutter{
		t: t, base: base, hops: hops,
		root: make([]bool, t.End()), met: make([]bool, t.End()), full: make([]bool, t.End()),
	}
	if roots == nil {
		roots = definitions(t)
	}
	for _, id := range roots {
		c.root[id] = true
		c.near = append(c.near, id)
	}
	c.walk()
	out := c.build()
	dedup.Minimise(out)
	return out
}

func definitions(t *btf.Table) []btf.ID {
	var ids []btf.ID
	for i := range t.Types {
		switch t.Types[i].Kind {
		case btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Typedef, btf.Func, btf.Var, btf.DataSec, btf.DeclTag:
			ids = append(ids, t.Start+btf.ID(i))
		}
	}
	return ids
}

// cutter walks the graph of types by distance, in pointers, from the roots.
type cutter struct {
	t    *btf.Table
	base *btf.Blob
	hops int
	root []bool   // by id
	met  []bool   // by id: belongs in the result
	full []bool   // by id: and is looked into
	near []btf.ID // at the distance that is being walked
	held []btf.ID // at that distance too, but what leads there is in no root
	far  []btf.ID // one pointer further away
	tmp  []btf.Member
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
		c.drain(&c.near, distance, false)
		c.drain(&c.held, distance, true)
		c.near, c.far = c.far, c.near
	}
}

// drain looks into the types of a queue and what they lead to without a pointer to a
// struct. inHeld says that this is in structs that are no roots.
func (c *cutter) drain(queue *[]btf.ID, distance int, inHeld bool) {
	meet := func(id btf.ID) { *queue = append(*queue, id) }
	for len(*queue) > 0 {
		id := (*queue)[len(*queue)-1]
		*queue = (*queue)[:len(*queue)-1]
		if id == 0 || c.full[id] {
			continue
		}
		c.met[id] = true
		t, ms := c.at(id)
		if t.Kind.IsComposite() {
			if distance > c.hops {
				continue
			}
			if !c.root[id] && !inHeld && t.Name != 0 { // without a name: part of the root
				c.held = append(c.held, id)
				continue
			}
		}
		c.full[id] = true
		if t.Kind != btf.Ptr || !c.isFar(t.Ref, inHeld) {
			follow(&t, ms, meet)
		} else if !inHeld || distance < c.hops {
			c.far = append(c.far, t.Ref)
		}
	}
}

// isFar reports whether a pointer to the type leads one step away.
func (c *cutter) isFar(id btf.ID, inHeld bool) bool {
	switch k := c.end(id); k {
	case btf.Struct, btf.Union:
		return true
	case btf.FuncProto, btf.Fwd:
		return inHeld
	}
	return false
}

func follow(t *btf.Type, ms []btf.Member, meet func(btf.ID)) {
	if t.Kind.HasMemberTypes() {
		for i := range ms {
			meet(ms[i].Type)
		}
	}
	if t.Kind == btf.Array {
		meet(btf.ID(t.Extra))
	}
	if t.Kind.HasRef() {
		meet(t.Ref)
	}
}

// maxChain bounds modifiers and arrays on the way to something else. The kernel
// takes 32 modifiers; in crafted BTF they may go round in circles.
const maxChain = 1000

// end is the kind of a type behind its modifiers and arrays.
func (c *cutter) end(id btf.ID) btf.Kind {
	for range maxChain {
		if id == 0 {
			break
		}
		t, _ := c.at(id)
		if !t.Kind.IsModifier() && t.Kind != btf.Array {
			return t.Kind
		}
		id = t.Ref
	}
	return btf.Void
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
