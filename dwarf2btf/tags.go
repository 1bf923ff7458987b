package dwarf2btf

import (
	"mkbtf/btf"
)

// dropped is the component of a tag whose member was left out.
const dropped = -2

// tagOwner says what a tag is on.
type tagOwner uint8

const (
	onType      tagOwner = iota // target: offset of the DIE of a type
	onPointer                   // target: index of a PTR; type tags
	onFunction                  // target: index in Worker.functions
	onParameter                 // target: index in Worker.params
	onVariable                  // target: index in Worker.variables
)

// rawTag is a btf_decl_tag or, from GCC, the head of a chain of them.
type rawTag struct {
	target    uint32
	component int32 // member, -1: the thing itself
	text      btf.Str
	chain     uint32 // offset of the first DW_TAG_GNU_annotation; 0: text holds
	owner     tagOwner
}

// The names of annotations that BTF knows.
const (
	declTagName = "btf_decl_tag"
	typeTagName = "btf_type_tag"
)

// annotation reads a DW_TAG_LLVM_annotation, which belongs to the open DIE.
func (w *Worker) annotation(off uint32) {
	a, f := w.annotationOf(off)
	if a == nil {
		return
	}
	name, text := w.annotationText(a, off)
	if w.err != nil || text == 0 {
		return
	}
	t := rawTag{target: f.off, component: -1, text: text}
	switch {
	case name == typeTagName && f.kind == framePointer:
		if w.c.opts.Features.TypeTags {
			p := &w.types[f.typ]
			// The tag that comes last stands next to the star.
			p.Ref = btf.ID(w.addExtra(btf.Type{Kind: btf.TypeTag, Name: text, Ref: p.Ref}))
		}
		return
	case name != declTagName:
		return
	case f.kind == frameComposite, f.kind == frameTagged && f.tag == tagTypedef:
	case f.kind == frameMember:
		t.target, t.component = w.frames[len(w.frames)-2].off, f.item
	case f.kind == frameFunction:
		t.owner, t.target = onFunction, uint32(f.item)
	case f.kind == frameTagged && f.tag == tagFormalParameter:
		t.owner, t.target = onParameter, uint32(f.item)
	case f.kind == frameTagged && f.tag == tagVariable:
		t.owner, t.target = onVariable, uint32(f.item)
	default:
		return
	}
	if w.c.opts.Features.DeclTags && (f.item >= 0 || f.kind == frameComposite || f.typ >= 0) {
		w.tags = append(w.tags, t)
	}
}

// annotationOf returns the abbreviation of the DIE that the walk is at, and the
// frame that holds it.
func (w *Worker) annotationOf(off uint32) (*abbrev, *frame) {
	code, _ := w.uleb(int(off - w.cur.base))
	return w.cur.tab.lookup(code), &w.frames[len(w.frames)-1]
}

// annotationText returns the name and the value of the annotation that was
// decoded last; 0 for a value that is empty or no string.
func (w *Worker) annotationText(a *abbrev, off uint32) (name string, text btf.Str) {
	if !a.has.has(slotName) || !a.has.has(slotConstValue) {
		return "", 0
	}
	b, err := w.text(w.formAt(a, slotName), w.val[slotName])
	if err != nil {
		w.setErr(err)
		return "", 0
	}
	name = string(b)
	if name != declTagName && name != typeTagName {
		return name, 0
	}
	n := w.name(w.formAt(a, slotConstValue), w.val[slotConstValue]) &^ badName
	return name, btf.Str(n)
}

func (w *Worker) setErr(err error) {
	if w.err == nil {
		w.err = err
	}
}

// annotated notes the DW_AT_GNU_annotation of the current DIE, a type or a member
// of it.
func (w *Worker) annotated(a *abbrev, target uint32, component int32) {
	if w.c.opts.Features.DeclTags {
		chain := w.ref(w.formAt(a, slotAnnotation), w.val[slotAnnotation], target, a.tag)
		w.tags = append(w.tags, rawTag{target: target, component: component, chain: chain})
	}
}

// pointer writes a PTR.
func (w *Worker) pointer(a *abbrev, off uint32) int32 {
	typ := w.addType(off, btf.Type{Kind: btf.Ptr, Ref: btf.ID(w.typeRef(a, off))})
	if a.has.has(slotAnnotation) && w.c.opts.Features.TypeTags {
		chain := w.ref(w.formAt(a, slotAnnotation), w.val[slotAnnotation], off, a.tag)
		w.tags = append(w.tags, rawTag{target: uint32(typ), chain: chain, owner: onPointer})
	}
	return typ
}

// maxTags bounds the length of a chain of annotations.
const maxTags = 256

// readAnnotations follows GCC's chains of annotations and replaces them by one
// tag each.
func (w *Worker) readAnnotations() error {
	n := len(w.tags)
	for i := 0; i < n; i++ {
		t := w.tags[i]
		if t.chain == 0 {
			continue
		}
		w.tags[i].component = dropped
		want := declTagName
		if t.owner == onPointer {
			want = typeTagName
		}
		texts, err := w.chain(t.chain, want)
		if err != nil {
			return err
		}
		if t.owner != onPointer {
			for _, text := range texts {
				w.tags = append(w.tags, rawTag{target: t.target, component: t.component, text: text, owner: t.owner})
			}
			continue
		}
		// The chain has the order of BTF: its head stands next to the PTR.
		p := &w.types[t.target]
		for k := len(texts) - 1; k >= 0; k-- {
			p.Ref = btf.ID(w.addExtra(btf.Type{Kind: btf.TypeTag, Name: texts[k], Ref: p.Ref}))
		}
	}
	return nil
}

// chain returns the values of a chain of DW_TAG_GNU_annotation that have a name.
func (w *Worker) chain(off uint32, name string) ([]btf.Str, error) {
	var texts []btf.Str
	for range maxTags {
		a, err := w.dieAt(off)
		if err != nil {
			return nil, err
		}
		if a.tag != tagGNUAnnotation {
			return nil, w.malformed(int(off-w.cur.base), a.tag, "is no annotation")
		}
		more := a.has.has(slotAnnotation)
		if more {
			next := w.ref(w.formAt(a, slotAnnotation), w.val[slotAnnotation], off, a.tag)
			if got, text := w.annotationText(a, off); got == name && text != 0 {
				texts = append(texts, text)
			}
			off = next
		} else if got, text := w.annotationText(a, off); got == name && text != 0 {
			texts = append(texts, text)
		}
		if w.err != nil {
			return nil, w.err
		}
		if !more {
			return texts, nil
		}
	}
	return nil, w.malformed(int(off-w.cur.base), tagGNUAnnotation, "chain of more than %d annotations", maxTags)
}

// emitDeclTags appends the DECL_TAGs on types. The kernel takes them on STRUCT,
// UNION and TYPEDEF only (btf_decl_tag_resolve).
func (w *Worker) emitDeclTags() {
	for i := range w.tags {
		t := &w.tags[i]
		if t.owner != onType || t.component == dropped || t.text == 0 {
			continue
		}
		n, ok := w.offsets.index(t.target)
		if ok {
			typ := &w.types[n]
			ok = typ.Kind.IsComposite() && t.component < int32(typ.Len) || typ.Kind == btf.Typedef && t.component < 0
		}
		if !ok {
			w.note(t.target, 0, "", "tag '%s' is on a type that cannot have one; left out", w.nameText(t.text))
			continue
		}
		w.addExtra(btf.Type{Kind: btf.DeclTag, Name: t.text, Ref: btf.ID(n + 1), Extra: uint32(t.component)})
	}
}

// tagsOf returns the tags on a function, a parameter or a variable.
func (w *Worker) tagsOf(owner tagOwner, target uint32, component int32, list []Tag) []Tag {
	for i := range w.tags {
		if t := &w.tags[i]; t.owner == owner && t.target == target && t.component != dropped && t.text != 0 {
			list = append(list, Tag{t.text, component})
		}
	}
	return list
}
