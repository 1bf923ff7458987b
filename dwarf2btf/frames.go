package dwarf2btf

import (
	"slices"

	"mkbtf/btf"
)

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
	const kinds = 1<<frameComposite | 1<<frameEnum | 1<<frameProto
	return kinds>>k&1 != 0
}

// frame is an open DIE with children.
type frame struct {
	off    uint32   // of the DIE in the piece
	typ    int32    // index into Worker.types, -1: none
	first  uint32   // first element in Worker.members, or in pending if inPending
	parent int32    // Worker.open of the time before
	maxBit uint32   // composite: largest bit offset of a member
	item   int32    // index of a function, variable or member that takes the tags
	dims   uint32   // array: number of dimensions
	depth  uint32   // frameOther: how many more DIEs of that kind are open
	known  uint32   // isClaimed: index in known.defs
	next   uint32   // isClaimed: index in known.members
	after  defPlace // of a definition: the one before it
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
	unsized      // the size follows from the members
	isClaimed    // taken for a known definition: no members are written down
	claimsInside // isClaimed: a definition inside it is, too
)

// maxDepth bounds the nesting of DIEs; compilers stay below 100.
const maxDepth = 1 << 14

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

// null ends the children of the innermost open DIE.
func (w *Worker) null(top *frame) {
	if top.depth > 0 {
		top.depth--
		return
	}
	if top.typ >= 0 {
		w.close(top)
	}
	w.frames = w.frames[:len(w.frames)-1]
}
