package relocate

import (
	"fmt"

	"mkbtf/btf"
)

// importer makes one table that stands alone of a module's own types and of what
// they refer to in their old base: the unit that dedup works on. Own types come
// first, in their order.
type importer struct {
	in  *btf.Blob // the module's BTF
	old *btf.Blob // its base
	// entries: old is a .BTF.base, whose structs have no members.
	entries bool
	to      *target
	u       *btf.Table

	own      map[tag]bool      // tags that the module defines
	embedded map[btf.ID]bool   // types of in and old that own types hold by value
	several  map[string]int    // of old: how many STRUCTs and UNIONs have a name
	fromOld  map[btf.ID]btf.ID // id in old to id in u
	fromNew  map[btf.ID]btf.ID // id in the kernel to id in u
	fwd      map[tag]btf.ID    // FWDs that were made
	shells   map[tag]shell     // structs without members that stand for the kernel's
	depth    int
	err      error
	notes    []string
	carrying map[string]bool
}

// tag is what C calls a struct, union or enum by.
type tag struct {
	kind btf.Kind // Struct, Union or Enum
	name btf.Str
}

// shell is what becomes of a struct that is only pointed to if the kernel has none.
type shell struct {
	size uint32
}

// deepest bounds how deep types without a tag may nest. Compilers stay far below.
const deepest = 2000

func tagOf(k btf.Kind, flag bool, name btf.Str) (tag, bool) {
	if name == 0 {
		return tag{}, false
	}
	switch k {
	case btf.Struct, btf.Union:
		return tag{k, name}, true
	case btf.Enum, btf.Enum64:
		return tag{btf.Enum, name}, true
	case btf.Fwd:
		if flag {
			return tag{btf.Union, name}, true
		}
		return tag{btf.Struct, name}, true
	}
	return tag{}, false
}

func (x *importer) name(off uint32) btf.Str { return x.u.Strings.Intern(x.in.StringAt(off)) }

// run fills the table.
func (x *importer) run() error {
	x.own, x.embedded, x.several = map[tag]bool{}, map[btf.ID]bool{}, map[string]int{}
	x.fromOld, x.fromNew, x.fwd = map[btf.ID]btf.ID{}, map[btf.ID]btf.ID{}, map[tag]btf.ID{}
	x.shells, x.carrying = map[tag]shell{}, map[string]bool{}
	x.findEmbedded()
	for id := x.old.Start(); id < x.old.End(); id++ {
		if r := x.old.Record(id); r.Kind().IsComposite() && r.NameOff != 0 {
			x.several[string(x.old.StringAt(r.NameOff))]++
		}
	}
	for id := x.in.Start(); id < x.in.End(); id++ {
		r := x.in.Record(id)
		if t, ok := tagOf(r.Kind(), r.Flag(), x.name(r.NameOff)); ok && r.Kind() != btf.Fwd && r.Vlen() > 0 {
			x.own[t] = true
		}
	}
	x.u.Types = make([]btf.Type, x.in.End()-x.in.Start())
	for i := range x.u.Types {
		x.takeOwn(i)
	}
	return x.err
}

// takeOwn enters an own type at its place.
func (x *importer) takeOwn(i int) {
	id := x.in.Start() + btf.ID(i)
	t, ms := x.in.Decode(id, nil, x.name)
	t = x.cut(id, t, len(ms))
	x.enter(btf.ID(i)+1, t, ms, func(ref btf.ID) btf.ID {
		if ref >= x.in.Start() {
			return ref - x.in.Start() + 1
		}
		return x.take(ref)
	})
}

// cut makes a declaration of a struct without members that is only pointed to: it
// stands for one of the kernel's (emit writes such, and so does --keep own). In
// self-contained BTF one of size 0 is what the source has, an empty struct; over a
// larger .BTF.base it can be what became of a FWD.
func (x *importer) cut(id btf.ID, t btf.Type, members int) btf.Type {
	k, ok := tagOf(t.Kind, t.Flag, t.Name)
	if !ok || !t.Kind.IsComposite() || members > 0 || x.embedded[id] || x.own[k] || t.Size == 0 && x.alone() {
		return t
	}
	x.shells[k] = shell{t.Size}
	return btf.Type{Kind: btf.Fwd, Name: t.Name, Flag: t.Kind == btf.Union}
}

// alone reports whether the module's BTF is self-contained: its base is one INT.
func (x *importer) alone() bool {
	return x.entries && x.old.End() == x.old.Start()+1 && x.old.Record(x.old.Start()).Kind() == btf.Int
}

// enter puts a type with its members at an id, references translated.
func (x *importer) enter(at btf.ID, t btf.Type, ms []btf.Member, ref func(btf.ID) btf.ID) {
	if t.Kind.HasRef() {
		t.Ref = ref(t.Ref)
	}
	if t.Kind == btf.Array {
		t.Extra = uint32(ref(btf.ID(t.Extra)))
	}
	if t.Kind.HasMemberTypes() {
		for i := range ms {
			ms[i].Type = ref(ms[i].Type)
		}
	}
	t.First, t.Len = uint32(len(x.u.Members)), uint32(len(ms))
	if t.Kind == btf.Fwd {
		t.Len = 0
	} else {
		x.u.Members = append(x.u.Members, ms...)
	}
	*x.u.At(at) = t
}

// take brings in a type of the old base.
func (x *importer) take(id btf.ID) btf.ID {
	if id == 0 {
		return 0
	}
	if to, ok := x.fromOld[id]; ok {
		return to
	}
	r := x.old.Record(id)
	t := btf.Type{Kind: r.Kind(), Flag: r.Flag(), Name: x.u.Strings.Intern(x.old.StringAt(r.NameOff)), Size: r.SizeType}
	k, tagged := tagOf(t.Kind, t.Flag, t.Name)
	var to btf.ID
	switch {
	case t.Kind == btf.Func || t.Kind == btf.Var || t.Kind == btf.DataSec:
		x.fail(fmt.Errorf("own types refer to the %s '%s' of the base: %w", t.Kind, x.u.Name(t.Name), btf.ErrMalformed))
	case t.Kind == btf.Fwd:
		to = x.declare(k)
	case !tagged || t.Kind.IsEnum() && !x.entries:
		return x.copyOld(id)
	case !x.entries && x.several[x.u.Name(t.Name)] > 1: // the name does not tell which
		return x.copyOld(id)
	default:
		to = x.stand(id, k, t)
	}
	x.fromOld[id] = to
	return to
}

// stand finds what a type of the old base stands for in the kernel.
func (x *importer) stand(id btf.ID, k tag, t btf.Type) btf.ID {
	name := x.u.Strings.Bytes(t.Name)
	there, m := x.to.find(t.Kind, name, t.Size, x.embedded[id])
	if there != 0 {
		return x.use(there)
	}
	what := cName(k, string(name))
	switch {
	case x.embedded[id] && m.why == missSize:
		x.fail(fmt.Errorf("embeds %s: %w", m.text(what, t.Size), ErrABI))
		return 0
	case !x.entries:
		x.note("carries %s", m.text(what, t.Size))
		return x.copyOld(id)
	case x.embedded[id]:
		x.fail(fmt.Errorf("embeds %s: %w", m.text(what, t.Size), ErrABI))
		return 0
	}
	x.note("carries name and size of %s", m.text(what, t.Size))
	if t.Kind.IsEnum() {
		t.Kind = btf.Enum // one without enumerators counts as declared
		return x.u.Add(t)
	}
	if m.why == missAbsent && !x.own[k] {
		x.shells[k] = shell{t.Size}
		return x.declare(k)
	}
	return x.u.AddWith(btf.Type{Kind: t.Kind, Name: t.Name, Size: t.Size}, nil)
}

// use refers to a type of the kernel: by declaring it where the name tells which
// one it is, else by its content.
func (x *importer) use(id btf.ID) btf.ID {
	b := x.to.base.Blob
	r := b.Record(id)
	name := b.StringAt(r.NameOff)
	k, ok := tagOf(r.Kind(), r.Flag(), x.u.Strings.Intern(name))
	if ok && !r.Kind().IsEnum() && !x.own[k] && len(x.to.named[string(name)]) == 1 {
		return x.declare(k)
	}
	return x.copyNew(id)
}

// declare returns a FWD of a tag.
func (x *importer) declare(k tag) btf.ID {
	id, ok := x.fwd[k]
	if !ok {
		id = x.u.Add(btf.Type{Kind: btf.Fwd, Name: k.name, Flag: k.kind == btf.Union})
		x.fwd[k] = id
	}
	return id
}

// copyOld enters a type of the old base with its content.
func (x *importer) copyOld(id btf.ID) btf.ID {
	to := x.u.Add(btf.Type{})
	x.fromOld[id] = to // before what can lead back to it
	return x.copy(x.old, id, to, x.take)
}

// copyNew enters a type of the kernel with its content. What it refers to by a tag
// is declared: dedup finds the type by its content as far as that.
func (x *importer) copyNew(id btf.ID) btf.ID {
	if id == 0 {
		return 0
	}
	if to, ok := x.fromNew[id]; ok {
		return to
	}
	to := x.u.Add(btf.Type{})
	x.fromNew[id] = to
	return x.copy(x.to.base.Blob, id, to, func(ref btf.ID) btf.ID {
		r := x.to.base.Blob.Record(ref)
		k, tagged := tagOf(r.Kind(), r.Flag(), x.u.Strings.Intern(x.to.base.Blob.StringAt(r.NameOff)))
		if tagged && !r.Kind().IsEnum() {
			return x.declare(k)
		}
		return x.copyNew(ref)
	})
}

func (x *importer) copy(b *btf.Blob, id, to btf.ID, ref func(btf.ID) btf.ID) btf.ID {
	if x.depth++; x.depth > deepest {
		x.fail(fmt.Errorf("type [%d] is nested more than %d deep: %w", id, deepest, btf.ErrMalformed))
	}
	if x.err == nil {
		t, ms := b.Decode(id, nil, func(off uint32) btf.Str { return x.u.Strings.Intern(b.StringAt(off)) })
		x.enter(to, t, ms, ref)
	}
	x.depth--
	return to
}

func (x *importer) fail(err error) {
	if x.err == nil {
		x.err = err
	}
}

func (x *importer) note(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !x.carrying[s] {
		x.carrying[s] = true
		x.notes = append(x.notes, s)
	}
}

// cName is how C names a tag.
func cName(k tag, name string) string {
	switch k.kind {
	case btf.Struct:
		return "struct " + name
	case btf.Union:
		return "union " + name
	}
	return "enum " + name
}
