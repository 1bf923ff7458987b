package btfids

import (
	"fmt"
	"strings"

	"mkbtf/btf"
)

// Decorations say what Decorate writes.
type Decorations struct {
	Tags       bool // DECL_TAG bpf_kfunc and bpf_fastcall
	Attributes bool // address_space(1) on pointers into arenas; needs kind_flag on TYPE_TAG (Linux 6.15)
	Implicit   bool // prototypes without implicit arguments, and NAME_impl with them (Linux 7.0)
}

// Texts of tags. Generators of headers look for the first two.
const (
	tagKFunc     = "bpf_kfunc"
	tagFastCall  = "bpf_fastcall"
	tagArena     = "address_space(1)"
	implSuffix   = "_impl"
	arenaSuffix  = "__arena"
	arenaSuffix2 = "__arena__nullable"
)

// Decorate changes a table's FUNCs of kfuncs and their prototypes. The table may
// lie over a base. The result lists the kfuncs that have no FUNC in the table, which
// cannot be registered.
//
// What is there already is not added again, so that it does not matter whether
// another tool has decorated the table before. Prototypes that no function has any
// more are removed; newID translates the ids of the table into those that are left.
func Decorate(t *btf.Table, base *btf.Blob, kfuncs []KFunc, d Decorations) (missing []KFunc, newID func(btf.ID) btf.ID, err error) {
	x := &decorator{t: t, base: base, funcs: map[string]btf.ID{}, tags: map[btf.ID][]btf.ID{}}
	wanted := make([]bool, t.Strings.Len()) // a kernel has a hundred times as many functions as kfuncs
	for _, k := range kfuncs {
		for _, name := range []string{k.Name, k.Name + implSuffix} {
			if s, ok := t.Strings.Find([]byte(name)); ok {
				wanted[s] = true
			}
		}
	}
	for i := range t.Types {
		typ, id := &t.Types[i], t.Start+btf.ID(i)
		switch typ.Kind {
		case btf.Func:
			if !wanted[typ.Name] {
				continue
			}
			if name := t.Name(typ.Name); x.funcs[name] == 0 {
				x.funcs[name] = id
			}
		case btf.DeclTag:
			x.tags[typ.Ref] = append(x.tags[typ.Ref], id)
		}
	}
	for _, k := range kfuncs {
		id := x.funcs[k.Name]
		if id == 0 {
			missing = append(missing, k)
			continue
		}
		if d.Tags {
			x.tag(id, tagKFunc)
			if k.Flags&FastCall != 0 {
				x.tag(id, tagFastCall)
			}
		}
		if d.Attributes {
			if err := x.arena(id, k); err != nil {
				return missing, nil, err
			}
		}
		if d.Implicit && k.Flags&ImplicitArgs != 0 {
			if err := x.implicit(id, k); err != nil {
				return missing, nil, err
			}
		}
	}
	return missing, x.removeUnused(), nil
}

type decorator struct {
	t     *btf.Table
	base  *btf.Blob
	funcs map[string]btf.ID   // those that kfuncs, and their second halves, can be
	tags  map[btf.ID][]btf.ID // DECL_TAGs by what they are on
	left  []btf.ID            // prototypes that a FUNC does not have any more
}

// at returns a type of the table or of the base, with its members; zero for void.
func (x *decorator) at(id btf.ID) (btf.Type, []btf.Member) {
	switch {
	case x.t.Own(id):
		t := *x.t.At(id)
		return t, append([]btf.Member(nil), x.t.MembersOf(&t)...)
	case id == 0 || x.base == nil || id >= x.base.End():
		return btf.Type{}, nil
	}
	return x.base.Decode(id, nil, func(off uint32) btf.Str { return x.t.Strings.Intern(x.base.StringAt(off)) })
}

// proto returns the prototype of an own FUNC.
func (x *decorator) proto(id btf.ID, k KFunc) (btf.Type, []btf.Member, error) {
	p, params := x.at(x.t.At(id).Ref)
	if p.Kind != btf.FuncProto {
		return p, nil, fmt.Errorf("kfunc %s: type [%d] is no prototype: %w", k.Name, x.t.At(id).Ref, btf.ErrMalformed)
	}
	return p, params, nil
}

func (x *decorator) tag(id btf.ID, text string) {
	for _, tag := range x.tags[id] {
		if t := x.t.At(tag); t.Extra == ^uint32(0) && x.t.Name(t.Name) == text {
			return
		}
	}
	x.addTag(btf.Type{Kind: btf.DeclTag, Name: x.t.Strings.InternString(text), Ref: id, Extra: ^uint32(0)})
}

func (x *decorator) addTag(t btf.Type) { x.tags[t.Ref] = append(x.tags[t.Ref], x.t.Add(t)) }

// arena marks the pointers into arenas: those that the flags name and, as
// resolve_btfids does since Linux 7.3, parameters with one of two suffixes.
func (x *decorator) arena(id btf.ID, k KFunc) error {
	p, params, err := x.proto(id, k)
	if err != nil {
		return err
	}
	changed := false
	mark := func(ref *btf.ID) {
		to, ok := x.intoArena(*ref)
		changed = changed || ok
		*ref = to
	}
	if k.Flags&ArenaRet != 0 {
		mark(&p.Ref)
	}
	for i := range params {
		name := x.t.Name(params[i].Name)
		if i == 0 && k.Flags&ArenaArg1 != 0 || i == 1 && k.Flags&ArenaArg2 != 0 ||
			strings.HasSuffix(name, arenaSuffix) || strings.HasSuffix(name, arenaSuffix2) {
			mark(&params[i].Type)
		}
	}
	if changed {
		x.setProto(id, p.Ref, params)
	}
	return nil
}

// intoArena returns a pointer type whose target is marked, and whether it is
// another one. What is no pointer stays as it is.
func (x *decorator) intoArena(id btf.ID) (btf.ID, bool) {
	ptr, _ := x.at(id)
	if ptr.Kind != btf.Ptr {
		return id, false
	}
	if to, _ := x.at(ptr.Ref); to.Kind == btf.TypeTag && to.Flag && x.t.Name(to.Name) == tagArena {
		return id, false
	}
	tag := x.enter(btf.Type{Kind: btf.TypeTag, Flag: true, Name: x.t.Strings.InternString(tagArena), Ref: ptr.Ref}, nil)
	return x.enter(btf.Type{Kind: btf.Ptr, Ref: tag}, nil), true
}

// implicit splits a kfunc in two, as the verifier of Linux 7.0 wants it: NAME with
// the arguments that a BPF program gives, and NAME_impl with those of the code.
// Unless the module has a function NAME_impl, which then is the second.
func (x *decorator) implicit(id btf.ID, k KFunc) error {
	p, params, err := x.proto(id, k)
	if err != nil {
		return err
	}
	explicit := 0
	for explicit < len(params) && !x.isImplicit(params[explicit].Type) {
		explicit++
	}
	if explicit == len(params) {
		return nil // split already
	}
	if impl := k.Name + implSuffix; x.funcs[impl] == 0 {
		f := *x.t.At(id)
		f.Name = x.t.Strings.InternString(impl)
		copied := x.t.Add(f)
		x.funcs[impl] = copied
		for _, tag := range x.tags[id] {
			if t := *x.t.At(tag); x.t.Name(t.Name) != tagKFunc {
				t.Ref = copied
				x.addTag(t)
			}
		}
	}
	x.setProto(id, p.Ref, params[:explicit])
	return nil
}

// isImplicit reports whether a parameter of the type is one that the verifier
// supplies.
func (x *decorator) isImplicit(id btf.ID) bool {
	ptr, _ := x.at(id)
	if ptr.Kind != btf.Ptr {
		return false
	}
	to, _ := x.at(ptr.Ref)
	if to.Kind != btf.Struct && to.Kind != btf.Fwd {
		return false
	}
	name := x.t.Name(to.Name)
	return name == "bpf_prog_aux" || name == "btf_struct_meta"
}
