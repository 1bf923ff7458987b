package dwarf2btf

import (
	"bytes"
	"cmp"
	"slices"

	"mkbtf/btf"
)

// copyParam is a parameter of a copy that the optimizer made of a function.
type copyParam struct {
	now   int  // position among the parameters of the DIE
	was   int  // position among those of the source
	regs  int  // registers that it takes, 0: it lies on the stack
	slot  int  // position of the first one among those for parameters; -1: it has no place
	split bool // what is left of it may be a parameter of another type
}

// fitCopy fits the prototype of a copy to the parameters that it takes: GCC lists those
// that are left first and the others behind them, without a place. A parameter
// stays if its register is the next one; one without a place is gone if the next
// one that has a place has taken its register, or if none follows; and is passed
// though not used if exactly its registers are skipped. Of a pointer or struct that
// IPA-SRA removed (.isra) there may be a field left, of which DWARF says nothing
// (DW_OP_GNU_parameter_ref is all there is): without proof to the contrary the
// function is marked FuncWrongRegister. moved says what became of each parameter,
// -1: it is gone; nil if the prototype is as it was.
func (w *Worker) fitCopy(i int, out *Function, suffix []byte) (moved []int32, err error) {
	proto := &w.protos[w.functions[i].proto]
	params := w.members[proto.First : proto.First+proto.Len]
	list, variadic, err := w.copyParams(i, params, bytes.Contains(suffix, []byte(".isra")))
	if err != nil {
		return nil, err
	}
	keep, lost, fits := fit(list, len(w.c.registers.args))
	out.Flags = out.Flags&^(FuncOptimized|FuncReordered|FuncWrongRegister) | FuncFitted
	if len(w.c.registers.args) == 0 || !fits {
		out.Flags |= FuncWrongRegister
		w.explain(out, "the parameters of the copy are not known")
		return nil, nil
	}
	if lost == 0 && slices.IsSortedFunc(list, func(a, b copyParam) int { return cmp.Compare(a.now, b.now) }) {
		return nil, nil
	}
	moved = slices.Repeat([]int32{-1}, len(params))
	old := slices.Clone(params)
	n := 0
	for k, p := range list {
		if keep[k] {
			params[n], moved[p.now] = old[p.now], int32(n)
			n++
		}
	}
	if variadic {
		params[n], moved[len(params)-1] = btf.Member{}, int32(n)
		n++
	}
	proto.Len = uint32(n)
	out.Likeness = w.likeness(proto.Ref, params[:n])
	return moved, nil
}

// copyParams lists the parameters of a copy in the order of the source.
func (w *Worker) copyParams(i int, params []btf.Member, isra bool) (list []copyParam, variadic bool, err error) {
	f := &w.functions[i]
	regs := &w.c.registers
	w.use(w.unitOf(f.off))
	for k := f.first; k < f.last; k++ {
		p := &w.params[k]
		if p.function != int32(i) || p.kind == rawRepeated {
			continue
		}
		if p.kind == rawVarargs {
			variadic = true
			continue
		}
		c := copyParam{now: len(list), was: len(list), slot: -1}
		if p.origin != 0 {
			if was, ok := w.ordinalOf(p.origin); ok {
				c.was = was
			}
		}
		m := &params[c.now]
		free := 0
		_, c.regs = regs.take(&free, w.sizeOf(m.Type), uint64(w.c.wordSize()))
		c.split = isra && (w.isComposite(m.Type) || w.isPointer(m.Type))
		if p.locForm != 0 {
			at, err := w.parameterPlace(p.locForm, p.loc)
			if err != nil {
				return nil, false, err
			}
			if at.known {
				c.slot = slices.Index(regs.args, at.reg)
			}
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b copyParam) int { return cmp.Compare(a.was, b.was) })
	return list, variadic, nil
}

// fit tells which parameters a copy takes, given those of the source in order and
// the number of registers for them. fits is false if that cannot be told.
func fit(list []copyParam, registers int) (keep []bool, lost int, fits bool) {
	for _, p := range list {
		if registers -= p.regs; p.regs == 0 || registers < 0 {
			return nil, 0, false // on the stack, where nothing can be told
		}
	}
	keep = make([]bool, len(list))
	next, first := 0, 0 // register, and first parameter of those without a place before this one
	for k, p := range list {
		if p.slot < 0 {
			continue
		}
		unused, split := 0, false
		for _, q := range list[first:k] {
			unused += q.regs
			split = split || q.split
		}
		switch {
		case p.slot == next: // the others are gone
			lost += k - first
		case p.slot == next+unused && !split:
			for j := first; j < k; j++ {
				keep[j] = true
			}
		default:
			return nil, 0, false
		}
		keep[k], next, first = true, p.slot+p.regs, k+1
	}
	for _, q := range list[first:] {
		if lost++; q.split {
			return nil, 0, false
		}
	}
	return keep, lost, true
}

// isPointer reports whether a type is a pointer behind its typedefs and qualifiers.
func (w *Worker) isPointer(id btf.ID) bool {
	for range maxAliases {
		t := w.typeAt(id)
		if t == nil || !t.Kind.IsModifier() {
			return t != nil && t.Kind == btf.Ptr
		}
		id = t.Ref
	}
	return false
}
