package dwarf2btf

import (
	"mkbtf/btf"
)

// rawFunction is a subprogram with code (or an abstract instance of one) whose
// name a symbol of the file has.
type rawFunction struct {
	off   uint32
	first uint32 // parameters in w.params; those of nested functions may lie between
	last  uint32

	name     btf.Str
	linkage  btf.Str
	group    int32
	proto    int32 // index into w.protos, -1: no candidate after all
	lowPC    uint64
	origin   uint32 // DIE of the abstract instance, 0: none
	external bool
	noCall   bool // DW_CC_nocall
}

// groupUnknown is the group of a function whose name stands in another DIE.
const groupUnknown = -2

// groupAny is Function.Group of a function without a symbol.
const groupAny = -1

// rawKind tells named parameters from the dots.
type rawKind uint8

const (
	rawNamed rawKind = iota
	rawVarargs
	// rawRepeated is a second DIE for a parameter: GCC adds one behind the others for
	// a parameter that it knows to be constant in an inlined part of the function.
	rawRepeated
)

// rawParam is a parameter of a subprogram.
type rawParam struct {
	off      uint32
	function int32 // index into w.functions
	kind     rawKind

	hasConst bool   // DW_AT_const_value
	locForm  uint16 // of DW_AT_location, 0: none
	origin   uint32 // DIE of the parameter that this is an instance of, 0: none
	loc      uint64
}

// subprogram looks at a subprogram and returns its index in w.functions, -1 if
// it can be no FUNC: only declared, or without a symbol.
func (w *Worker) subprogram(a *abbrev, off uint32) int32 {
	if a.has.has(slotDeclaration) && w.val[slotDeclaration] != 0 {
		return -1
	}
	group := int32(groupUnknown)
	if a.has.has(slotName) {
		if v := w.val[slotName]; a.has&(1<<slotLowPC|1<<slotRanges) != 0 && a.nameForm == formStrp && v < uint64(len(w.c.str)) && v < noOffset {
			group = groupAny // for the moment
			w.named = append(w.named, namedFunction{function: int32(len(w.functions)), off: uint32(v)})
		} else if group = w.symbolGroup(a.nameForm); group < 0 && !w.c.opts.AllFunctions {
			return -1
		}
	} else if !a.has.has(slotAbstractOrigin) && !a.has.has(slotSpecification) {
		return -1
	}
	w.functions = append(w.functions, rawFunction{off: off, first: uint32(len(w.params)), group: group})
	return int32(len(w.functions) - 1)
}

// symbolGroup finds the function symbols for the name of the current DIE.
func (w *Worker) symbolGroup(form uint16) int32 {
	if form == formIndirect {
		form = w.actual[slotName]
	}
	v := w.val[slotName]
	if form == formStrp && v < noOffset && !w.c.src.Relocatable {
		// Inline functions of headers come again in every unit, and the linker has merged
		// their names.
		if w.inlined == nil {
			w.inlined = make([]uint32, 1<<inlinedBits)
		}
		e := &w.inlined[uint32(v)*0x9e3779b1>>(32-inlinedBits)]
		if *e == uint32(v)+1 {
			return groupAny
		}
		group := w.findGroup(form, v)
		if group < 0 {
			*e = uint32(v) + 1
		}
		return group
	}
	return w.findGroup(form, v)
}

const inlinedBits = 15

// findGroup is symbolGroup for a name that nothing is known of.
func (w *Worker) findGroup(form uint16, v uint64) int32 {
	if form == formStrp && v < uint64(len(w.c.str)) {
		if hash, n, ok := btf.HashText(w.c.str[v:], maxName); ok && n > 0 && n <= maxName {
			return w.c.symbols.findHashed(w.c.str[v:][:n], hash)
		}
	}
	b, err := w.text(form, v)
	if err != nil {
		w.setErr(err)
		return groupAny
	}
	if len(b) == 0 {
		return groupAny
	}
	return w.c.symbols.find(b)
}

// maxOrigins bounds the chain of abstract origins and specifications.
const maxOrigins = 8

// origin returns the DIE that the current one is an instance or a completion of,
// 0 if there is none.
func (w *Worker) origin(a *abbrev, off uint32) uint32 {
	for _, s := range [...]slot{slotAbstractOrigin, slotSpecification} {
		if a.has.has(s) {
			return w.ref(w.formAt(a, s), w.val[s], off, a.tag)
		}
	}
	return 0
}

// readFunctions reads the subprograms that the walk collected and writes their
// prototypes. Left out is what turns out to have no symbol, a parameter without a
// name, or a name that the kernel refuses.
func (w *Worker) readFunctions() error {
	for i := range w.params {
		w.functions[w.params[i].function].last = uint32(i) + 1
	}
	w.findGroups()
	for i := range w.functions {
		f := &w.functions[i]
		f.proto = -1
		if f.group == groupAny && !w.c.opts.AllFunctions {
			continue
		}
		ret, ok, err := w.readFunction(i)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		first := len(w.members)
		if ok, err = w.readParameters(i); err != nil {
			return err
		}
		if !ok {
			w.members = w.members[:first]
			continue
		}
		f.proto = int32(len(w.protos))
		w.protos = append(w.protos, btf.Type{
			Kind: btf.FuncProto, Ref: btf.ID(ret), First: uint32(first), Len: uint32(len(w.members) - first),
		})
	}
	return nil
}

// readFunction fills in a function from its DIE and those that it is an instance
// of. ok is false if it is no candidate.
func (w *Worker) readFunction(i int) (ret uint32, ok bool, err error) {
	f := &w.functions[i]
	off := f.off
	for n := range maxOrigins {
		a, err := w.dieAt(off)
		if err != nil {
			return 0, false, err
		}
		if a.tag != tagSubprogram {
			return 0, false, w.malformed(int(off-w.cur.base), a.tag, "is no subprogram, but the origin of one")
		}
		if f.name == 0 && a.has.has(slotName) {
			if f.group == groupUnknown {
				if f.group = w.symbolGroup(a.nameForm); f.group < 0 && !w.c.opts.AllFunctions {
					return 0, false, w.err
				}
			}
			if f.group >= 0 {
				f.name = btf.Str(w.nameOf(f.group))
			} else {
				f.name = btf.Str(w.name(w.formAt(a, slotName), w.val[slotName]))
			}
		}
		if n == 0 {
			if f.lowPC, err = w.entry(a); err != nil {
				return 0, false, err
			}
		}
		if f.linkage == 0 && a.has.has(slotLinkageName) {
			f.linkage = btf.Str(w.name(w.formAt(a, slotLinkageName), w.val[slotLinkageName]) &^ badName)
		}
		f.external = f.external || a.has.has(slotExternal) && w.val[slotExternal] != 0
		f.noCall = f.noCall || a.has.has(slotCallingConvention) && w.val[slotCallingConvention] == ccNoCall
		if ret == 0 {
			ret = w.typeRef(a, off)
		}
		if a.has.has(slotAnnotation) && w.c.opts.Features.DeclTags {
			chain := w.ref(w.formAt(a, slotAnnotation), w.val[slotAnnotation], off, a.tag)
			if err := w.chainTags(chain, onFunction, uint32(i)); err != nil {
				return 0, false, err
			}
			if a, err = w.dieAt(off); err != nil {
				return 0, false, err
			}
		}
		next := w.origin(a, off)
		if w.err != nil {
			return 0, false, w.err
		}
		if next == 0 {
			break
		}
		if f.origin == 0 {
			f.origin = next
		}
		off = next
	}
	if f.name == 0 {
		return 0, false, nil
	}
	if uint32(f.name)&badName != 0 {
		w.note(f.off, tagSubprogram, w.nameText(f.name&^badName), "the kernel refuses the name; left out")
		return 0, false, nil
	}
	return ret, true, nil
}

// chainTags adds the tags of a GCC annotation chain.
func (w *Worker) chainTags(chain uint32, owner tagOwner, target uint32) error {
	texts, err := w.chain(chain, declTagName)
	for _, text := range texts {
		w.tags = append(w.tags, rawTag{target: target, component: -1, text: text, owner: owner})
	}
	return err
}

// readParameters appends the parameters of a function to w.members. ok is false
// if one has no name.
func (w *Worker) readParameters(i int) (ok bool, err error) {
	f := w.functions[i]
	first := len(w.members)
	variadic := false
	for k := f.first; k < f.last; k++ {
		p := &w.params[k]
		if p.function != int32(i) {
			continue
		}
		if variadic {
			w.note(p.off, tagFormalParameter, "", "stands behind '...'; function '%s' left out", w.nameText(f.name))
			return false, nil
		}
		if p.kind == rawVarargs {
			variadic = true
			w.members = append(w.members, btf.Member{})
			continue
		}
		var m btf.Member
		off := p.off
		for n := range maxOrigins {
			a, err := w.dieAt(off)
			if err != nil {
				return false, err
			}
			if m.Name == 0 && a.has.has(slotName) {
				m.Name = btf.Str(w.name(w.formAt(a, slotName), w.val[slotName]))
			}
			if m.Type == 0 {
				m.Type = btf.ID(w.typeRef(a, off))
			}
			if n == 0 {
				p.hasConst = a.has.has(slotConstValue)
				if a.has.has(slotLocation) {
					p.locForm, p.loc = w.formAt(a, slotLocation), w.val[slotLocation]
				}
			}
			next := w.origin(a, off)
			if n == 0 && next != 0 && w.seenBefore(f.first, k, int32(i), next) {
				p.kind = rawRepeated
				break
			}
			if a.has.has(slotAnnotation) && w.c.opts.Features.DeclTags && w.err == nil {
				chain := w.ref(w.formAt(a, slotAnnotation), w.val[slotAnnotation], off, a.tag)
				if err := w.chainTags(chain, onParameter, k); err != nil {
					return false, err
				}
			}
			if w.err != nil {
				return false, w.err
			}
			if next == 0 {
				break
			}
			if n == 0 {
				p.origin = next
			}
			off = next
		}
		if p.kind == rawRepeated {
			continue
		}
		switch {
		case m.Name == 0:
			return false, nil
		case uint32(m.Name)&badName != 0:
			w.note(p.off, tagFormalParameter, w.nameText(m.Name&^badName), "the kernel refuses the name; function '%s' left out", w.nameText(f.name))
			return false, nil
		case m.Type == 0:
			w.note(p.off, tagFormalParameter, w.nameText(m.Name), "has no type; function '%s' left out", w.nameText(f.name))
			return false, nil
		}
		w.members = append(w.members, m)
	}
	if n := len(w.members) - first; n > btf.MaxVlen {
		w.note(f.off, tagSubprogram, w.nameText(f.name), "%d parameters; left out", n)
		return false, nil
	}
	return true, nil
}

// seenBefore reports whether an earlier parameter of the same function, behind
// first, is an instance of the same origin.
func (w *Worker) seenBefore(first, k uint32, function int32, origin uint32) bool {
	first = max(first, k-min(k, 64)) // more would only help hostile input
	for ; first < k; first++ {
		if p := &w.params[first]; p.function == function && p.origin == origin && p.kind == rawNamed {
			return true
		}
	}
	return false
}

// entry returns the address of the current DIE's code, 0 if it has none.
func (w *Worker) entry(a *abbrev) (uint64, error) {
	switch {
	case a.has.has(slotLowPC):
		return w.address(w.formAt(a, slotLowPC), w.val[slotLowPC])
	case a.has.has(slotRanges):
		return w.firstRange(w.formAt(a, slotRanges), w.val[slotRanges])
	}
	return 0, nil
}

// address decodes an address attribute of the current unit.
func (w *Worker) address(form uint16, v uint64) (uint64, error) {
	switch form {
	case formAddrx, formAddrx1, formAddrx2, formAddrx3, formAddrx4, formGNUAddrIndex:
		return w.addrx(v)
	}
	return v, nil
}

// emitFunctions fills Unit.Functions. Prototypes have the ids behind n.
func (w *Worker) emitFunctions(n int) error {
	for i := range w.functions {
		f := &w.functions[i]
		if f.proto < 0 {
			continue
		}
		u := w.unitOf(f.off)
		addr := f.lowPC
		if addr != 0 && f.group >= 0 {
			addr = w.c.symbols.entry(f.group, addr)
		}
		out := Function{
			Name: f.name, Linkage: f.linkage, Proto: btf.ID(n + int(f.proto) + 1), LowPC: addr, DIE: u.off + uint64(f.off-u.base), Group: f.group,
		}
		if err := w.judge(i, &out); err != nil {
			return err
		}
		if f.lowPC == 0 && f.group >= 0 {
			if addr := w.c.symbols.address(f.group); addr != 0 {
				in, err := w.hasCode(f.off, addr)
				if err != nil {
					return err
				}
				if in {
					out.Flags |= FuncFolded
				}
			}
		}
		var moved []int32
		if w.c.opts.Copies && f.group >= 0 {
			if y := w.c.symbols.copyAt(f.group, addr); y != nil {
				var err error
				if moved, err = w.fitCopy(i, &out, w.c.symbols.suffix(y)); err != nil {
					return err
				}
			}
		}
		if len(w.tags) > 0 {
			out.Tags = w.functionTags(i, moved)
		}
		w.out.Functions = append(w.out.Functions, out)
	}
	return nil
}

// functionTags returns the tags on a function and on its parameters. moved, if not
// nil, says which parameter became which; -1: none.
func (w *Worker) functionTags(i int, moved []int32) []Tag {
	f := &w.functions[i]
	list := w.tagsOf(onFunction, uint32(i), -1, nil)
	n := int32(0)
	for k := f.first; k < f.last; k++ {
		if w.params[k].function != int32(i) || w.params[k].kind == rawRepeated {
			continue
		}
		switch {
		case moved == nil:
			list = w.tagsOf(onParameter, k, n, list)
		case moved[n] >= 0:
			list = w.tagsOf(onParameter, k, moved[n], list)
		}
		n++
	}
	return list
}
