package dwarf2btf

import (
	"slices"

	"mkbtf/btf"
)

// action says what the walk does with a DIE.
type action uint8

const (
	actSkip action = iota // look only at the children
	actMember
	actParameter
	actVarargs
	actEnumerator
	actPointer
	actModifier
	actTypedef
	actComposite
	actEnum
	actArray
	actSubrange
	actProto
	actBase
	actSubprogram
	actVariable
	actAlias
	actUnspecified
	actReference
	actOpaque
	actAnnotation
)

// isPart reports whether a DIE is part of the struct, union or enum that it is in.
func (a action) isPart() bool { return a == actMember || a == actEnumerator || a == actAnnotation }

// actionOf returns the action for a tag.
func actionOf(tag uint16) action {
	switch tag {
	case tagMember, tagInheritance:
		return actMember
	case tagFormalParameter:
		return actParameter
	case tagUnspecifiedParameters:
		return actVarargs
	case tagEnumerator:
		return actEnumerator
	case tagPointerType:
		return actPointer
	case tagConstType, tagVolatileType, tagRestrictType:
		return actModifier
	case tagTypedef, tagTemplateAlias:
		return actTypedef
	case tagStructureType, tagClassType, tagInterfaceType, tagUnionType:
		return actComposite
	case tagEnumerationType:
		return actEnum
	case tagArrayType:
		return actArray
	case tagSubrangeType:
		return actSubrange
	case tagSubroutineType:
		return actProto
	case tagBaseType:
		return actBase
	case tagSubprogram:
		return actSubprogram
	case tagVariable:
		return actVariable
	case tagAtomicType, tagPackedType, tagSharedType, tagImmutableType, tagThrownType:
		return actAlias
	case tagUnspecifiedType:
		return actUnspecified
	case tagReferenceType, tagRvalueReferenceType:
		return actReference
	case tagPtrToMemberType, tagStringType, tagSetType, tagFileType, tagCoarrayType, tagDynamicType:
		return actOpaque
	case tagLLVMAnnotation:
		return actAnnotation
	}
	return actSkip
}

// frameKind says what the children of an open DIE are to it.
type frameKind uint8

const (
	frameOther     frameKind = iota // nothing
	frameUnit                       // variables are those of the file
	frameComposite                  // members
	frameEnum                       // enumerators
	frameProto                      // parameters of a subroutine type
	frameArray                      // dimensions
	framePointer                    // type tags
	frameTagged                     // declaration tags of a typedef, variable or parameter
	frameMember                     // declaration tags of a member
	frameFunction                   // parameters and declaration tags of a function
)

// takesMembers reports whether the children end up in Type.Members.
func (k frameKind) takesMembers() bool {
	return k == frameComposite || k == frameEnum || k == frameProto
}

// frame is an open DIE with children.
type frame struct {
	off    uint32 // of the DIE in the piece
	typ    int32  // index into Worker.types, -1: none
	first  uint32 // first element in Worker.members, or in pending if inPending
	parent int32  // Worker.open of the time before
	size   uint32 // composite: in bytes
	maxBit uint32 // composite: largest bit offset of a member
	item   int32  // index of a function, variable or member that takes the tags
	dims   uint32 // array: number of dimensions
	depth  uint32 // frameOther: how many more DIEs of that kind are open
	known  uint32 // isClaimed: index in known.defs
	next   uint32 // isClaimed: index in known.members
	tag    uint16
	kind   frameKind
	flags  frameFlags
}

type frameFlags uint8

const (
	inPending  frameFlags = 1 << iota // members are in Worker.pending
	outOfOrder                        // bit offsets decrease somewhere
	bitFields                         // a member needs kind_flag
	isLate                            // a bit offset is known only when all types are
	isUnion
	unsized   // the size follows from the members
	isClaimed // taken for a known definition: no members are written down
)

// maxDepth bounds the nesting of DIEs; compilers stay below 100.
const maxDepth = 1 << 14

// walk goes over all DIEs of the current unit once.
func (w *Worker) walk() error {
	u := w.cur
	if !u.hasKids {
		return nil
	}
	if err := w.declFileTable(); err != nil {
		return err
	}
	data := w.data
	tab := u.tab
	quick := tab.quick
	if w.big {
		quick = nil
	}
	w.frames = append(w.frames[:0], frame{kind: frameUnit, typ: -1, parent: -1})
	top := &w.frames[0]
	w.open, w.claimed = -1, -1
	w.pending = w.pending[:0]
	rest := data[u.bodyStart:]
	for len(rest) > 0 {
		start := len(data) - len(rest)
		if len(rest) >= quickRoom {
			d := (*[quickRoom]byte)(rest)
			code, n := uint(d[0]), 1
			if code >= 0x80 {
				code, n = code&0x7f|uint(d[1])<<7, 2
			}
			if code < uint(len(quick)) {
				q := &quick[code]
				switch q.op {
				case quickNone:
				case quickNull:
					rest = rest[1:]
					if top.depth > 0 {
						top.depth--
						continue
					}
					if top = w.pop(top); top == nil {
						return w.err
					}
					continue
				case quickSkip:
					if !q.inline && (!q.children || top.kind == frameOther) {
						if q.children {
							if top.depth++; top.depth > maxDepth {
								return w.malformed(start, q.tag, "more than %d levels of nesting", maxDepth)
							}
						}
						rest = rest[n+int(q.total):]
						continue
					}
				case quickVariable:
					if !q.inline && top.kind != frameUnit {
						rest = rest[n+int(q.total):]
						continue
					}
				case quickMember, quickAnonymous, quickBitField, quickEnumerator, quickParameter:
					if !top.kind.takesMembers() {
						break
					}
					if top.flags&isClaimed != 0 {
						if left := w.runClaimed(top, quick, rest); len(left) < len(rest) {
							rest = left
							continue
						}
						w.unclaim(top)
					}
					if left := w.run(top, quick, rest); len(left) < len(rest) {
						rest = left
						continue
					}
				}
				if q.op != quickNone {
					size, ok := w.quick(q, top, u.base+uint32(start), rest[n:])
					if ok {
						rest = rest[n+size:]
						if q.children {
							if w.err != nil {
								return w.err
							}
							if len(w.frames) > maxDepth {
								return w.malformed(start, q.tag, "more than %d levels of nesting", maxDepth)
							}
							top = &w.frames[len(w.frames)-1]
						}
						continue
					}
				}
			}
		}
		pos := start + 1
		code := uint64(data[start])
		if code == 0 {
			rest = rest[1:]
			if top.depth > 0 {
				top.depth--
				continue
			}
			if top = w.pop(top); top == nil {
				return w.err
			}
			continue
		}
		if code >= 0x80 {
			if code, pos = w.uleb(start); pos == tooFar {
				return w.malformed(start, 0, "truncated")
			}
		}
		a := tab.lookup(code)
		if a == nil {
			return w.malformed(start, 0, "abbreviation %d is not in the table at %#x", code, u.abbrevOff)
		}
		if pos = w.attrs(a, pos); pos > len(data) {
			return w.malformed(start, a.tag, "attributes run past the end of the unit")
		}
		w.die(a, u.base+uint32(start))
		if w.err != nil {
			return w.err
		}
		if len(w.frames) > maxDepth {
			return w.malformed(start, a.tag, "more than %d levels of nesting", maxDepth)
		}
		top = &w.frames[len(w.frames)-1]
		rest = data[pos:]
	}
	if w.err != nil {
		return w.err
	}
	// Some assemblers leave out the null entry that ends the children of the root.
	if len(w.frames) > 1 {
		return w.malformed(int(top.off-u.base), top.tag, "the unit ends among its children")
	}
	return nil
}

// pop closes the innermost open DIE and returns the one that it is in, nil if that was
// the root.
func (w *Worker) pop(top *frame) *frame {
	if top.typ >= 0 {
		w.close(top)
	}
	n := len(w.frames) - 1
	w.frames = w.frames[:n]
	if n == 0 {
		return nil
	}
	return &w.frames[n-1]
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

// push opens a DIE with children.
func (w *Worker) push(off uint32, typ, item int32, tag uint16, kind frameKind) {
	if kind.takesMembers() && w.open >= 0 {
		w.setAside(&w.frames[w.open])
	}
	n := len(w.frames)
	if n < cap(w.frames) {
		w.frames = w.frames[:n+1]
	} else {
		w.frames = append(w.frames, frame{})
	}
	f := &w.frames[n]
	// One by one: as a whole it would be made elsewhere and copied.
	f.off, f.typ, f.item, f.tag, f.kind, f.parent = off, typ, item, tag, kind, int32(w.open)
	f.depth, f.flags = 0, 0
	if kind == frameArray {
		f.dims = 0
	}
	if !kind.takesMembers() {
		return
	}
	w.open = n
	f.first, f.maxBit = uint32(len(w.members)), 0
	switch kind {
	case frameComposite:
		t := &w.types[typ]
		f.size = t.Size
		if t.Kind == btf.Union {
			f.flags |= isUnion
		}
		if t.Flag {
			f.flags |= unsized
			t.Flag = false
		}
		w.names.follow(t.Name)
		w.claim(f, t)
	case frameEnum:
		t := &w.types[typ]
		w.names.follow(t.Name)
		w.claim(f, t)
	}
}

// setAside moves the members of an open type, in which another one begins, out
// of the way: the members of a type must lie together.
func (w *Worker) setAside(f *frame) {
	if f.flags&(inPending|isClaimed) != 0 {
		return
	}
	at := uint32(len(w.pending))
	w.pending = append(w.pending, w.members[f.first:]...)
	w.members = w.members[:f.first]
	f.first = at
	f.flags |= inPending
}

// addMember appends to an open type, which must be the innermost that takes members.
func (w *Worker) addMember(f *frame, m btf.Member) {
	if f.flags&inPending != 0 {
		w.pending = append(w.pending, m)
		return
	}
	w.members = append(w.members, m)
}

// close ends a type whose children have all been seen.
func (w *Worker) close(f *frame) {
	t := &w.types[f.typ]
	switch f.kind {
	case frameComposite, frameEnum, frameProto:
		if f.flags&isClaimed != 0 && w.closeClaimed(f, t) {
			w.open = int(f.parent)
			return
		}
		if f.flags&inPending != 0 {
			at := uint32(len(w.members))
			w.members = append(w.members, w.pending[f.first:]...)
			w.pending = w.pending[:f.first]
			f.first = at
		}
		w.open = int(f.parent)
		t.First, t.Len = f.first, uint32(len(w.members))-f.first
		if t.Len > btf.MaxVlen {
			w.note(f.off, f.tag, w.nameText(t.Name), "%d members; all behind the first %d left out", t.Len, btf.MaxVlen)
			t.Len = btf.MaxVlen
		}
		switch f.kind {
		case frameComposite:
			w.endComposite(t, f)
		case frameEnum:
			w.endEnum(t, f)
			w.remember(f, t)
		case frameProto:
			w.endProto(t)
		}
	case frameArray:
		w.endArray(t, f)
	}
}

// endProto puts '...' behind the parameters, once: BTF has no other place for it.
func (w *Worker) endProto(t *btf.Type) {
	ms := w.members[t.First : t.First+t.Len]
	n := slices.Index(ms, btf.Member{})
	if n < 0 || n == len(ms)-1 {
		return
	}
	named := slices.DeleteFunc(ms, func(m btf.Member) bool { return m == btf.Member{} })
	t.Len = uint32(len(named)) + 1
	w.members[t.First+t.Len-1] = btf.Member{}
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
