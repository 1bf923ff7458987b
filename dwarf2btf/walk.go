package dwarf2btf

import (
	"mkbtf/btf"
)

// walk goes over all DIEs of the current unit once.
func (w *Worker) walk() error {
	u := w.cur
	if !u.hasKids {
		return nil
	}
	if err := w.declFileTable(); err != nil {
		return err
	}
	w.frames = append(w.frames[:0], frame{kind: frameUnit, typ: -1, parent: -1})
	w.open, w.known.last = -1, 0
	w.pending = w.pending[:0]
	for rest := w.data[u.bodyStart:]; len(rest) > 0 && len(w.frames) > 0; {
		var err error
		if len(rest) >= quickRoom && !w.big {
			if rest, err = w.walkQuick(rest); err != nil {
				return err
			}
			if len(w.frames) == 0 {
				break
			}
		}
		if rest, err = w.walkLong(rest); err != nil {
			return err
		}
	}
	if w.err != nil {
		return w.err
	}
	// Some assemblers leave out the null entry that ends the children of the root.
	if len(w.frames) > 1 {
		top := &w.frames[len(w.frames)-1]
		return w.malformed(int(top.off-u.base), top.tag, "the unit ends among its children")
	}
	return nil
}

// walkLong takes in the DIE that rest begins with, whatever it is, and returns what is
// left behind it.
func (w *Worker) walkLong(rest []byte) ([]byte, error) {
	u := w.cur
	start := len(w.data) - len(rest)
	code, pos := w.uleb(start)
	if pos == tooFar {
		return nil, w.malformed(start, 0, "truncated")
	}
	if code == 0 {
		w.null(&w.frames[len(w.frames)-1])
		return rest[1:], w.err
	}
	a := u.tab.lookup(code)
	if a == nil {
		return nil, w.malformed(start, 0, "abbreviation %d is not in the table at %#x", code, u.abbrevOff)
	}
	if pos = w.attrs(a, pos); pos > len(w.data) {
		return nil, w.malformed(start, a.tag, "attributes run past the end of the unit")
	}
	w.die(a, u.base+uint32(start))
	if w.err != nil {
		return nil, w.err
	}
	if len(w.frames) > maxDepth {
		return nil, w.tooDeep(start, a.tag)
	}
	return w.data[pos:], nil
}

func (w *Worker) tooDeep(start int, tag uint16) error {
	return w.malformed(start, tag, "more than %d levels of nesting", maxDepth)
}

// die does what the DIE at off calls for, whose attributes have been decoded, and
// opens it if it has children.
func (w *Worker) die(a *abbrev, off uint32) {
	f := &w.frames[len(w.frames)-1]
	kind, typ, item := frameOther, int32(-1), int32(-1)
	if f.flags&isClaimed != 0 && a.act.isPart() {
		w.unclaim(f)
	}
	switch a.act {
	case actSkip:
	case actMember:
		if f.kind == frameComposite {
			item = w.member(a, f, off)
			kind = frameMember
		}
	case actParameter:
		switch f.kind {
		case frameFunction:
			item = int32(len(w.params))
			w.params = append(w.params, rawParam{off: off, function: f.item, kind: rawNamed})
			kind = frameTagged
		case frameProto:
			w.protoParameter(a, f, off)
		}
	case actVarargs:
		switch f.kind {
		case frameFunction:
			w.params = append(w.params, rawParam{off: off, function: f.item, kind: rawVarargs})
		case frameProto:
			w.addMember(f, btf.Member{})
		}
	case actEnumerator:
		if f.kind == frameEnum {
			w.enumerator(a, f, off)
		}
	case actPointer:
		typ = w.pointer(a, off)
		kind = framePointer
	case actModifier:
		w.addType(off, btf.Type{Kind: modifierKind(a.tag), Ref: btf.ID(w.typeRef(a, off))})
	case actTypedef:
		typ = w.typedef(a, off)
		kind = frameTagged
	case actComposite:
		if typ = w.composite(a, off); typ >= 0 {
			kind = frameComposite
		}
	case actEnum:
		if typ = w.enum(a, off); typ >= 0 {
			kind = frameEnum
		}
	case actArray:
		typ = w.array(a, off)
		kind = frameArray
	case actSubrange:
		if f.kind == frameArray {
			w.dimension(a, f)
		} else {
			w.subrange(a, off)
		}
	case actProto:
		typ = w.addType(off, btf.Type{Kind: btf.FuncProto, Ref: btf.ID(w.typeRef(a, off))})
		kind = frameProto
	case actBase:
		w.baseType(a, off)
	case actSubprogram:
		if item = w.subprogram(a, off); item >= 0 {
			kind = frameFunction
		}
	case actVariable:
		if f.kind == frameUnit {
			if item = w.variable(a, off); item >= 0 {
				kind = frameTagged
			}
		}
	case actAlias:
		w.setAlias(off, w.typeRef(a, off))
	case actUnspecified:
		w.setAlias(off, 0)
	case actReference:
		w.addType(off, btf.Type{Kind: btf.Ptr, Ref: btf.ID(w.typeRef(a, off))})
		w.note(off, a.tag, "", "written as a pointer")
	case actOpaque:
		w.opaque(a, off)
	case actAnnotation:
		w.annotation(off)
	}
	if a.children && w.err == nil {
		w.push(off, typ, item, a.tag, kind)
	}
}

// addType appends the type that the DIE at off stands for and returns its index.
func (w *Worker) addType(off uint32, t btf.Type) int32 {
	w.offsets.add(off)
	w.types = append(w.types, t)
	return int32(len(w.types) - 1)
}

// newType is addType for a type whose fields the caller fills in.
func (w *Worker) newType(off uint32, kind btf.Kind) *btf.Type {
	w.offsets.add(off)
	n := len(w.types)
	if n < cap(w.types) {
		w.types = w.types[:n+1]
	} else {
		w.types = append(w.types, btf.Type{})
	}
	t := &w.types[n]
	*t = btf.Type{Kind: kind}
	return t
}

// addExtra appends a type that has no DIE and returns a reference to it.
func (w *Worker) addExtra(t btf.Type) uint32 {
	w.extra = append(w.extra, t)
	return extraRef | uint32(len(w.extra)-1)
}

// modifierKind maps const, volatile and restrict.
func modifierKind(tag uint16) btf.Kind {
	switch tag {
	case tagConstType:
		return btf.Const
	case tagVolatileType:
		return btf.Volatile
	}
	return btf.Restrict
}
