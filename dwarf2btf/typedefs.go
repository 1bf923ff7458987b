package dwarf2btf

import "mkbtf/btf"

// typedef writes a TYPEDEF. One whose name the kernel refuses is left out: what
// refers to it refers to its target.
func (w *Worker) typedef(a *abbrev, off uint32) int32 {
	var n uint32
	if a.has.has(slotName) {
		n = w.name(a.nameForm, w.val[slotName])
	}
	to := w.typeRef(a, off)
	if n == 0 || n&badName != 0 {
		w.note(off, a.tag, w.nameText(btf.Str(n&^badName)), "the kernel refuses the name; its target is used instead")
		w.setAlias(off, to)
		return -1
	}
	w.noteDeclFile(a)
	if a.has.has(slotAnnotation) {
		w.annotated(a, off, -1)
	}
	return w.addType(off, btf.Type{Kind: btf.Typedef, Name: btf.Str(n), Ref: btf.ID(to)})
}

// protoParameter appends a parameter to the open subroutine type. Its name is
// not kept: the reference encoder drops it.
func (w *Worker) protoParameter(a *abbrev, f *frame, off uint32) {
	t := w.typeRef(a, off)
	if t == 0 {
		w.note(off, a.tag, "", "has no type; a byte in its place")
		t = w.byteType()
	}
	w.addMember(f, btf.Member{Type: btf.ID(t)})
}
