package dwarf2btf

import (
	"fmt"
	"sort"

	"mkbtf/btf"
)

// judge sets the flags of a function: whether its parameters lie where a tracer
// that knows only the prototype will look for them. Types have their final ids.
func (w *Worker) judge(i int, out *Function) error {
	f := &w.functions[i]
	if f.external {
		out.Flags |= FuncExternal
	}
	proto := &w.protos[f.proto]
	params := w.members[proto.First : proto.First+proto.Len]
	out.Likeness = w.likeness(proto.Ref, params)
	w.use(w.unitOf(f.off))
	if w.cur.clang && f.noCall {
		out.Flags |= FuncChanged
		w.explain(out, "the calling convention was changed")
	}
	regs := &w.c.registers
	slot := 0
	ordinal := 0
	wrong := ""
	for k := f.first; k < f.last; k++ {
		p := &w.params[k]
		if p.function != int32(i) || p.kind != rawNamed {
			continue
		}
		m := &params[ordinal]
		if p.origin != 0 {
			if was, ok := w.ordinalOf(p.origin); ok && was != ordinal {
				out.Flags |= FuncReordered
				w.explain(out, "parameter '%s' was number %d and is number %d", w.result.Name(m.Name), was+1, ordinal+1)
			}
		}
		if len(regs.args) > 0 && ordinal >= len(regs.args) && w.isPackedStruct(m.Type) {
			out.Flags |= FuncUncertain
			w.explain(out, "parameter '%s' is a packed struct on the stack", w.result.Name(m.Name))
		}
		ordinal++
		first, n := regs.take(&slot, w.sizeOf(m.Type), uint64(w.c.wordSize()))
		if p.locForm == 0 {
			out.Flags |= FuncOptimized
			if f.lowPC != 0 {
				w.explain(out, "parameter '%s' has no place", w.result.Name(m.Name))
			}
			continue
		}
		if n == 0 {
			continue // not in a register, or this machine's are not known
		}
		at, err := w.parameterPlace(p.locForm, p.loc)
		if err != nil {
			return err
		}
		switch {
		case !at.known:
			out.Flags |= FuncOptimized
			w.explain(out, "parameter '%s' is in no register at the entry", w.result.Name(m.Name))
		case !regs.matches(first, n, at.reg, w.cur.clang && !f.noCall):
			out.Flags |= FuncWrongRegister
			if wrong == "" && w.c.opts.Explain {
				wrong = fmt.Sprintf("parameter '%s' lies in %s, not in %s", w.result.Name(m.Name), regs.name(at.reg), regs.name(regs.args[first]))
			}
		}
	}
	if out.Flags&FuncWrongRegister != 0 {
		for j := range params {
			if w.isComposite(params[j].Type) {
				out.Flags &^= FuncWrongRegister // how structs are passed is not modelled
				return nil
			}
		}
		if wrong != "" && out.Flags&(FuncReordered|FuncUncertain) == 0 {
			out.Why = wrong // weighs more than a parameter without a place
		}
	}
	return nil
}

// explain keeps the first reason why a function may be left out.
func (w *Worker) explain(out *Function, format string, args ...any) {
	if w.c.opts.Explain && out.Why == "" {
		out.Why = fmt.Sprintf(format, args...)
	}
}

// take assigns registers to the next parameter, of size bytes. n is how many it
// takes, beginning with the first-th; 0 if it lies on the stack.
func (r *registers) take(slot *int, size, word uint64) (first, n int) {
	if len(r.args) == 0 {
		return 0, 0
	}
	n = 1
	switch {
	case size > 2*word:
		if r.onStack {
			return 0, 0
		}
	case size > word && r.pairs:
		n = 2
		if r.even {
			*slot += *slot & 1
		}
	}
	if *slot+n > len(r.args) {
		if !r.onStack {
			*slot = len(r.args) // what follows goes to the stack as well
		}
		return 0, 0
	}
	first = *slot
	*slot += n
	return first, n
}

// matches reports whether a parameter that takes n registers from the first-th on
// may be said to lie in reg. clang's entries need not be about the entry of the
// function, so that either register of a pair will do.
func (r *registers) matches(first, n int, reg uint64, loose bool) bool {
	if reg == r.args[first] {
		return true
	}
	return loose && n == 2 && reg == r.args[first+1]
}

// ordinalOf returns the position of a parameter, given by its DIE, among those of
// its function.
func (w *Worker) ordinalOf(off uint32) (int, bool) {
	k := sort.Search(len(w.params), func(k int) bool { return w.params[k].off >= off })
	if k == len(w.params) || w.params[k].off != off {
		return 0, false
	}
	function := w.params[k].function
	first := int(w.functions[function].first)
	if k-first > 1<<12 {
		return 0, false // no function of a compiler
	}
	n := 0
	for j := first; j < k; j++ {
		if w.params[j].function == function && w.params[j].kind == rawNamed {
			n++
		}
	}
	return n, true
}

// isComposite reports whether a type is a struct or union behind its typedefs
// and qualifiers.
func (w *Worker) isComposite(id btf.ID) bool {
	for range maxAliases {
		t := w.typeAt(id)
		if t == nil || !t.Kind.IsModifier() {
			return t != nil && t.Kind.IsComposite()
		}
		id = t.Ref
	}
	return false
}

// isPackedStruct reports whether a type is, without typedefs, a named struct that
// must have been packed: a member lies where its alignment would not put it, or
// the size is no multiple of the largest alignment.
func (w *Worker) isPackedStruct(id btf.ID) bool {
	t := w.typeAt(id)
	if t == nil || t.Kind != btf.Struct || t.Name == 0 {
		return false
	}
	if t.Extra != 0 {
		w.known.needed = true
	}
	largest := uint64(1)
	for _, m := range w.members[t.First : t.First+t.Len] {
		align := w.alignOf(m.Type, 0)
		if m.Bits == 0 && uint64(m.Off/8)%align != 0 {
			return true
		}
		largest = max(largest, align)
	}
	return uint64(t.Size)%largest != 0
}

// alignOf returns the natural alignment of a type in bytes.
func (w *Worker) alignOf(id btf.ID, depth int) uint64 {
	t := w.typeAt(id)
	if t == nil || depth > maxChain {
		return 1
	}
	switch t.Kind {
	case btf.Int, btf.Float, btf.Enum, btf.Enum64:
		n := uint64(t.Size)
		return max(1, n&-n)
	case btf.Ptr:
		return uint64(w.c.wordSize())
	case btf.Array, btf.Typedef, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
		return w.alignOf(t.Ref, depth+1)
	case btf.Struct, btf.Union:
		if t.Len > 64 {
			return uint64(w.c.wordSize()) // a parameter of that kind does not exist
		}
		if t.Extra != 0 {
			w.known.needed = true
		}
		align := uint64(1)
		for _, m := range w.members[t.First : t.First+t.Len] {
			if depth < 2 {
				align = max(align, w.alignOf(m.Type, depth+1))
			}
		}
		return align
	}
	return 1
}
