package relocate

import "mkbtf/btf"

// findEmbedded finds the types that structs and unions of the module hold by value,
// behind modifiers and arrays: their size counts. In types of the old base that are
// copied nothing is looked for: their layout is their own.
func (x *importer) findEmbedded() {
	var ms []btf.Member
	for id := x.in.Start(); id < x.in.End(); id++ {
		r := x.in.Record(id)
		if !r.Kind().IsComposite() && r.Kind() != btf.Var {
			continue
		}
		var t btf.Type
		t, ms = x.in.Decode(id, ms[:0], func(uint32) btf.Str { return 0 })
		if r.Kind() == btf.Var {
			x.markEmbedded(t.Ref)
		}
		for i := range ms {
			x.markEmbedded(ms[i].Type)
		}
	}
}

func (x *importer) markEmbedded(id btf.ID) {
	for range deepest { // a chain that does not end is refused later
		r := x.in.Record(id)
		switch k := r.Kind(); {
		case k.IsModifier():
			id = btf.ID(r.SizeType)
		case k == btf.Array:
			t, _ := x.in.Decode(id, nil, func(uint32) btf.Str { return 0 })
			id = t.Ref
		default:
			if k.IsComposite() {
				x.embedded[id] = true
			}
			return
		}
	}
}
