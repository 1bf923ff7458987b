package encode

import (
	"errors"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
	"mkbtf/emit"
	"mkbtf/internal/btfids"
	"mkbtf/internal/object"
)

// readIDs reads .BTF_ids, nil if there is none. If the ids in it were filled in
// before, the BTF that they belong to says what they mean.
func (e *Encoder) readIDs(f *object.File, src *dwarf2btf.Source, detached bool) (*btfids.Section, error) {
	ids, err := btfids.FromSource(src)
	if err != nil || ids == nil {
		return nil, err
	}
	var old *btf.Blob
	if ids.Mixed() {
		old = e.oldBTF(f)
	}
	err = ids.Attribute(old)
	if errors.Is(err, btfids.ErrFlags) && detached {
		e.opts.warn(f.Name, "%v; no kfunc is tagged", err)
		return nil, nil
	}
	return ids, err
}

// oldBTF is the BTF that a file has already, nil if it has none that can be read.
// Split BTF over something else than the base at hand is parsed without a base.
func (e *Encoder) oldBTF(f *object.File) *btf.Blob {
	data, err := f.BTFInPlace()
	if err != nil {
		return nil
	}
	if data.Base != nil || e.base != nil {
		var base *btf.Blob
		if e.base != nil {
			base = e.base.Blob
		}
		if b, err := data.Parse(base); err == nil {
			return b
		}
	}
	b, err := btf.ParseTrusted(data.BTF, nil)
	if err != nil {
		return nil
	}
	return b
}

// decorate gives the kfuncs among the functions of a table what BPF programs and
// generators of headers look for. newID is what became of the table's ids.
func (e *Encoder) decorate(t *btf.Table, ids *btfids.Section, file string) (newID func(btf.ID) btf.ID, err error) {
	if ids == nil {
		return func(id btf.ID) btf.ID { return id }, nil
	}
	d := btfids.Decorations{Tags: e.features.KFuncTags, Attributes: e.features.KFuncPointers, Implicit: true}
	var base *btf.Blob
	if e.base != nil {
		base = e.base.Blob
		if d.Attributes && !e.base.takesTagAttributes() {
			e.opts.warn(file, "feature attributes: left out, the kernel of %s refuses tags that are attributes (Linux 6.15 takes them)", e.base.Path)
			d.Attributes = false
		}
	}
	missing, newID, err := btfids.Decorate(t, base, ids.KFuncs(), d)
	for _, k := range missing {
		e.opts.warn(file, "kfunc %s: has no FUNC, BPF programs will not be able to call it: -v says why", k.Name)
	}
	return newID, err
}

// resolveIDs returns the content of .BTF_ids for the BTF that was made; nil if there
// is nothing to fill in.
func (e *Encoder) resolveIDs(ids *btfids.Section, out *emit.Output, file string) ([]byte, error) {
	if ids == nil || out.BTF == nil {
		return nil, nil
	}
	var base *btf.Blob
	if e.base != nil {
		base = e.base.Blob
	}
	blob, err := (&object.BTFData{BTF: out.BTF, Base: out.Base}).Parse(base)
	if err != nil {
		return nil, err
	}
	res := ids.Resolve(blob)
	for _, id := range res.Unresolved {
		e.opts.warn(file, ".BTF_ids+%#x: no %s %s: its id stays 0", id.Off, id.Kind, id.Name)
	}
	for _, id := range res.Ambiguous {
		e.opts.note(file, ".BTF_ids+%#x: several %ss %s: the first one is taken", id.Off, id.Kind, id.Name)
	}
	for _, id := range res.Foreign {
		e.opts.warn(file, ".BTF_ids+%#x: kfunc %s is a function of the kernel, not of the module", id.Off, id.Name)
	}
	if out.Base != nil && len(ids.IDs()) > 0 {
		e.opts.note(file, "the kernel translates the ids of kfuncs and destructors in .BTF_ids; others hold only with --form split")
	}
	return res.Data, nil
}
