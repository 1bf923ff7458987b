package kbuild

import (
	"mkbtf/btf"
	"mkbtf/dedup"
)

// dedupAgain deduplicates a table that another encoder made, over the base that it
// was made over, if there is one. Encoders whose own deduplication gives up on
// graphs that are alike repeat much of the kernel in a module. The result is never
// larger than the table itself.
func dedupAgain(t *btf.Table, base *btf.Blob) (*btf.Table, error) {
	d := dedup.New(base != nil)
	flat := flatten(t, base)
	w := d.NewWorker(flat.Strings)
	if _, err := w.Add(0, flat, len(t.Types)); err != nil {
		return nil, err
	}
	if _, err := d.Merge(w); err != nil {
		return nil, err
	}
	var index *dedup.Base
	if base != nil {
		index = dedup.NewBase(base)
	}
	res, err := d.Resolve(index)
	if err != nil {
		return nil, err
	}
	if err := res.KeepAll(); err != nil {
		return nil, err
	}
	out, _, err := res.Finish()
	if err != nil || len(out.Types) > len(t.Types) {
		return t, err
	}
	return out, nil
}

// flatten copies what a table needs of its base behind its own types, and numbers
// everything from 1, as if all of it were of one unit.
func flatten(t *btf.Table, base *btf.Blob) *btf.Table {
	flat := btf.NewTable(1, t.Strings)
	flat.Types = append(flat.Types, t.Types...)
	flat.Members = append(flat.Members, t.Members...)
	moved := map[btf.ID]btf.ID{}
	var queue []btf.ID // of the base, copied in this order
	renumber := func(ref *btf.ID) {
		id := *ref
		switch {
		case id == 0:
			return
		case t.Own(id):
			*ref = id - t.Start + 1
			return
		}
		to, ok := moved[id]
		if !ok {
			queue = append(queue, id)
			to = btf.ID(len(t.Types) + len(queue))
			moved[id] = to
		}
		*ref = to
	}
	for i := range flat.Types {
		flat.Refs(&flat.Types[i], renumber)
	}
	name := func(off uint32) btf.Str { return flat.Strings.Intern(base.StringAt(off)) }
	for i := 0; i < len(queue); i++ {
		typ, members := base.Decode(queue[i], nil, name)
		id := flat.AddWith(typ, members)
		flat.Refs(flat.At(id), renumber)
	}
	return flat
}
