package verify

import "mkbtf/btf"

// maxDepth is how many types the kernel holds open at once while it resolves.
const maxDepth = 32

// resolution is what pass G finds out about the types of a blob.
type resolution struct {
	state []visit
	id    []uint32 // what a modifier, pointer, variable, array ... stands for
	size  []uint32 // of an array in bytes
}

type visit uint8

const (
	visitNew visit = iota
	visitOpen
	visitDone
)

type resolveMode uint8

const (
	modeAny    resolveMode = iota
	modePtr                // below a pointer: stop at everything but modifiers and pointers
	modeStruct             // below a struct or array: stop at pointers too
)

// frame is a type that waits for those it needs.
type frame struct {
	id   uint32
	t    typ
	next uint32 // member to go on with
}

// resolver is the walk of btf_check_all_types: it makes sure that sizes are known,
// members fit, references lead to kinds that make sense, and nothing contains
// itself. The kernel makes it for BPF_BTF_LOAD only.
type resolver struct {
	b     *blob
	ab    *Abilities
	res   *resolution
	stack []frame
	mode  resolveMode
	// trueEnums: see resolveAll.
	trueEnums bool
}

func needsResolve(k btf.Kind) bool {
	switch k {
	case btf.Ptr, btf.Struct, btf.Union, btf.Array, btf.Var, btf.Func, btf.DeclTag, btf.DataSec:
		return true
	}
	return k.IsModifier()
}

// sourceOnly are kinds that nothing else may refer to.
func sourceOnly(k btf.Kind) bool { return k == btf.Var || k == btf.DeclTag || k == btf.DataSec }

func noSize(k btf.Kind) bool {
	return k == btf.Void || k == btf.Fwd || k == btf.Func || k == btf.FuncProto || k == btf.DeclTag
}

// regularInt reports whether an INT fills bytes of a size that C has.
func regularInt(t typ) bool {
	d := t.u(0)
	bits := d & 0xff
	if d>>16&0xff != 0 || bits%8 != 0 {
		return false
	}
	switch bits / 8 {
	case 1, 2, 4, 8, 16:
		return true
	}
	return false
}

// resolve runs pass G over the own types of b as BPF_BTF_LOAD does, up to the
// first error. The base, if any, must have been resolved.
func (b *blob) resolve(ab *Abilities) *Error {
	if errs := b.resolveUpTo(ab, 1, false); len(errs) > 0 {
		return errs[0]
	}
	return nil
}

// maxProblems is how many errors of one blob are told.
const maxProblems = 20

// resolveAll goes on after errors and returns the first few. It takes an enum for
// as wide as it is, where the kernel takes it for 32 bits.
func (b *blob) resolveAll(ab *Abilities) []*Error { return b.resolveUpTo(ab, maxProblems, true) }

func (b *blob) resolveUpTo(ab *Abilities, limit int, trueEnums bool) (errs []*Error) {
	n := len(b.offs)
	r := resolver{b: b, ab: ab, trueEnums: trueEnums, stack: make([]frame, 0, maxDepth), res: &resolution{
		state: make([]visit, n), id: make([]uint32, n), size: make([]uint32, n),
	}}
	b.res = r.res
	first := b.start
	if b.base == nil {
		first = 1
	}
	for id := first; id < b.nrTypes(); id++ {
		t, _ := b.at(id)
		var err *Error
		if needsResolve(t.kind()) && !r.done(id) {
			err = r.walk(id, t)
		} else if t.kind() == btf.FuncProto {
			err = r.funcProto(id, t)
		}
		if err == nil {
			continue
		}
		if len(errs) < limit {
			errs = append(errs, err)
		}
		if limit == 1 {
			return errs
		}
		for _, f := range r.stack {
			r.res.state[f.id-b.start] = visitDone
		}
		r.stack = r.stack[:0]
	}
	return errs
}

// done reports whether a type has been resolved; of the base, all have.
func (r *resolver) done(id uint32) bool {
	if id < r.b.start {
		t, _ := r.b.at(id)
		return needsResolve(t.kind())
	}
	return r.res.state[id-r.b.start] == visitDone
}

// resolved is the type that stands for id, 0 if none does.
func (r *resolver) resolved(id uint32) (res, size uint32) {
	b := r.b
	for id < b.start {
		b = b.base
	}
	i := id - b.start
	if b.res == nil || i >= uint32(len(b.res.id)) {
		return 0, 0
	}
	return b.res.id[i], b.res.size[i]
}

// sink reports whether the walk does not go below a type.
func (r *resolver) sink(k btf.Kind) bool {
	switch r.mode {
	case modeAny:
		return !needsResolve(k)
	case modePtr:
		return !k.IsModifier() && k != btf.Ptr
	}
	return !k.IsModifier() && k != btf.Array && !k.IsComposite()
}

// open reports whether the walk must first go below a type.
func (r *resolver) open(id uint32, k btf.Kind) bool { return !r.sink(k) && !r.done(id) }

// size returns the type, behind one step of modifiers, that gives id its size, and
// the size in bytes (btf_type_id_size).
func (r *resolver) size(id uint32) (final, size uint32, ok bool) {
	t, ok := r.b.at(id)
	if !ok || noSize(t.kind()) {
		return 0, 0, false
	}
	if t.kind().IsModifier() || t.kind() == btf.Var {
		id, _ = r.resolved(id)
		if t, ok = r.b.at(id); !ok || noSize(t.kind()) {
			return 0, 0, false
		}
	}
	switch k := t.kind(); k {
	case btf.Int, btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Float, btf.DataSec:
		return id, t.word, true
	case btf.Array:
		_, n := r.resolved(id)
		return id, n, true
	case btf.Ptr:
		return id, uint32(r.ab.PointerSize), true
	}
	return 0, 0, false
}

// push opens a type, or says why it cannot.
func (r *resolver) push(id uint32) Errno {
	if len(r.stack) == maxDepth {
		return E2BIG
	}
	if id < r.b.start || r.res.state[id-r.b.start] != visitNew {
		return EEXIST
	}
	r.res.state[id-r.b.start] = visitOpen
	t, _ := r.b.at(id)
	r.stack = append(r.stack, frame{id: id, t: t})
	if r.mode == modeAny {
		switch t.kind() {
		case btf.Ptr:
			r.mode = modePtr
		case btf.Struct, btf.Union, btf.Array:
			r.mode = modeStruct
		}
	}
	return 0
}

func (r *resolver) pop(id, size uint32) {
	f := r.stack[len(r.stack)-1]
	r.stack = r.stack[:len(r.stack)-1]
	i := f.id - r.b.start
	r.res.id[i], r.res.size[i], r.res.state[i] = id, size, visitDone
}

// walk resolves a type and all that it needs.
func (r *resolver) walk(id uint32, t typ) *Error {
	r.mode = modeAny
	no := r.push(id)
	for no == 0 && len(r.stack) > 0 {
		var err *Error
		if no, err = r.step(&r.stack[len(r.stack)-1]); err != nil {
			return err
		}
	}
	switch {
	case no == E2BIG:
		return r.failT(id, t, E2BIG, "Exceeded max resolving depth:32")
	case no != 0:
		return r.failT(id, t, no, "Loop detected")
	case !r.plausible(id, t):
		return r.failT(id, t, EINVAL, "Invalid resolve state")
	}
	return nil
}

// plausible is the kernel's check of its own result (btf_resolve_valid).
func (r *resolver) plausible(id uint32, t typ) bool {
	res, size := r.resolved(id)
	switch k := t.kind(); k {
	case btf.Struct, btf.Union, btf.DataSec:
		return res == 0 && size == 0
	case btf.DeclTag, btf.Func:
		return res != 0 && size == 0
	case btf.Array:
		elem, n, ok := r.size(t.u(0))
		if !ok {
			return false
		}
		et, _ := r.b.at(elem)
		return !et.kind().IsModifier() && t.u(2)*n == size
	}
	rt, ok := r.b.at(res)
	k := rt.kind()
	return ok && !k.IsModifier() && k != btf.Var && k != btf.DataSec
}

func (r *resolver) err(id uint32, t typ, no Errno, msg string) *Error {
	return &Error{Pass: PassResolve, Errno: no, Msg: msg, TypeID: id, Section: r.b.section, Offset: r.b.pos(t.off)}
}

func (r *resolver) failT(id uint32, t typ, no Errno, msg string) *Error {
	return r.err(id, t, no, r.b.typeLine(id, t, msg))
}

func (r *resolver) bad(f *frame, msg string) (Errno, *Error) {
	return 0, r.failT(f.id, f.t, EINVAL, msg)
}
