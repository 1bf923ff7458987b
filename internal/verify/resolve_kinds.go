package verify

import "mkbtf/btf"

// step works on the top frame: it pops it, pushes what it needs, or fails.
func (r *resolver) step(f *frame) (Errno, *Error) {
	switch f.t.kind() {
	case btf.Ptr, btf.Var:
		return r.reference(f, true)
	case btf.Array:
		return r.array(f)
	case btf.Struct, btf.Union:
		return r.composite(f)
	case btf.Func:
		return r.function(f)
	case btf.DeclTag:
		return r.declTag(f)
	case btf.DataSec:
		return r.dataSec(f)
	}
	return r.reference(f, false)
}

// reference resolves modifiers, pointers and variables. Through is set for the
// latter two: a modifier that was resolved below a struct may have stopped at a
// pointer, and they must go on from there, or a loop would be missed.
func (r *resolver) reference(f *frame, through bool) (Errno, *Error) {
	next := f.t.word
	nt, ok := r.b.at(next)
	if !ok || sourceOnly(nt.kind()) {
		return r.bad(f, msgType)
	}
	if r.open(next, nt.kind()) {
		return r.push(next), nil
	}
	if through && nt.kind().IsModifier() {
		res, _ := r.resolved(next)
		if rt, _ := r.b.at(res); rt.kind() == btf.Ptr && r.open(res, btf.Ptr) {
			return r.push(res), nil
		}
	}
	final, _, ok := r.size(next)
	switch {
	case ok:
		next = final
	case f.t.kind() == btf.Var:
		return r.bad(f, msgType)
	default:
		if r.done(next) {
			next, _ = r.resolved(next)
			nt, _ = r.b.at(next)
		}
		if k := nt.kind(); k != btf.Void && k != btf.Fwd && k != btf.FuncProto {
			return r.bad(f, msgType)
		}
	}
	r.pop(next, 0)
	return 0, nil
}

func (r *resolver) array(f *frame) (Errno, *Error) {
	elem, index, n := f.t.u(0), f.t.u(1), f.t.u(2)
	it, ok := r.b.at(index)
	if !ok || noSize(it.kind()) || sourceOnly(it.kind()) {
		return r.bad(f, "Invalid index")
	}
	if r.open(index, it.kind()) {
		return r.push(index), nil
	}
	index, _, ok = r.size(index)
	if it, _ = r.b.at(index); !ok || it.kind() != btf.Int || !regularInt(it) {
		return r.bad(f, "Invalid index")
	}
	et, ok := r.b.at(elem)
	if !ok || noSize(et.kind()) || sourceOnly(et.kind()) {
		return r.bad(f, "Invalid elem")
	}
	if r.open(elem, et.kind()) {
		return r.push(elem), nil
	}
	elem, size, ok := r.size(elem)
	if !ok {
		return r.bad(f, "Invalid elem")
	}
	if et, _ = r.b.at(elem); et.kind() == btf.Int && !regularInt(et) {
		return r.bad(f, "Invalid array of int")
	}
	if uint64(size)*uint64(n) > 1<<32-1 {
		return r.bad(f, "Array size overflows U32_MAX")
	}
	r.pop(elem, size*n)
	return 0, nil
}

func (r *resolver) function(f *frame) (Errno, *Error) {
	pt, ok := r.b.at(f.t.word)
	if !ok || pt.kind() != btf.FuncProto {
		return r.bad(f, msgType)
	}
	for i := range pt.vlen() {
		if pt.u(2*i) == 0 && pt.u(2*i+1) != 0 {
			return r.bad(f, fragment("Invalid arg#%d", i+1))
		}
	}
	r.pop(f.t.word, 0)
	return 0, nil
}

func (r *resolver) declTag(f *frame) (Errno, *Error) {
	next := f.t.word
	nt, ok := r.b.at(next)
	k := nt.kind()
	if !ok || k != btf.Func && k != btf.Struct && k != btf.Union && k != btf.Var && k != btf.Typedef {
		return r.bad(f, msgType)
	}
	if r.open(next, k) {
		return r.push(next), nil
	}
	if c := f.t.u(0); int32(c) != -1 {
		if k == btf.Var || k == btf.Typedef {
			return r.bad(f, "Invalid component_idx")
		}
		if k == btf.Func {
			nt, _ = r.b.at(nt.word)
		}
		if c >= nt.vlen() {
			return r.bad(f, "Invalid component_idx")
		}
	}
	r.pop(next, 0)
	return 0, nil
}

func (r *resolver) dataSec(f *frame) (Errno, *Error) {
	r.mode = modeAny
	for i := f.next; i < f.t.vlen(); i++ {
		bad := func(msg string) (Errno, *Error) {
			return 0, r.err(f.id, f.t, EINVAL, r.b.typeLine(f.id, f.t, "")+"\n"+r.b.entryLine(f.t, i, msg))
		}
		v := f.t.u(3 * i)
		vt, ok := r.b.at(v)
		if !ok || vt.kind() != btf.Var {
			return bad("Not a VAR kind member")
		}
		if r.open(v, btf.Var) {
			f.next = i + 1 // the kernel does not come back to this entry
			return r.push(v), nil
		}
		_, size, ok := r.size(vt.word)
		switch {
		case !ok:
			return bad("Invalid type")
		case f.t.u(3*i+2) < size:
			return bad("Invalid size")
		}
	}
	r.pop(0, 0)
	return 0, nil
}

// sized resolves a type if need be and reports whether it has a size.
func (r *resolver) sized(id uint32) (bool, *Error) {
	t, ok := r.b.at(id)
	if !ok || sourceOnly(t.kind()) {
		return false, nil
	}
	if needsResolve(t.kind()) && !r.done(id) {
		if err := r.walk(id, t); err != nil {
			return false, err
		}
	}
	_, _, ok = r.size(id)
	return ok, nil
}

// funcProto is btf_func_proto_check.
func (r *resolver) funcProto(id uint32, t typ) *Error {
	bad := func(format string, args ...any) *Error {
		return r.failT(id, t, EINVAL, fragment(format, args...))
	}
	if t.word != 0 {
		if ok, err := r.sized(t.word); err != nil {
			return err
		} else if !ok {
			return bad("Invalid return type")
		}
	}
	n := t.vlen()
	if n > 0 && t.u(2*n-1) == 0 { // void: the dots of a variadic function
		if t.u(2*n-2) != 0 {
			return bad("Invalid arg#%d", n)
		}
		n--
	}
	for i := range n {
		name := t.u(2 * i)
		if name != 0 && (!r.b.nameOK(name) || !r.b.identifier(name, r.ab)) {
			return bad("Invalid arg#%d", i+1)
		}
		if ok, err := r.sized(t.u(2*i + 1)); err != nil {
			return err
		} else if !ok {
			return bad("Invalid arg#%d", i+1)
		}
	}
	return nil
}
