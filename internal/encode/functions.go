package encode

import (
	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/dwarf2btf"
)

// addFunctions adds a FUNC for each function that a tracer can trust. Linkage is
// static whatever the source says, as all readers know it from pahole.
func addFunctions(res *dedup.Result, fs []function, symbols *dwarf2btf.Symbols, opts dwarf2btf.SelectOptions, note func(string, ...any)) error {
	candidates := make([]dwarf2btf.Candidate, len(fs))
	for i := range fs {
		candidates[i] = fs[i].Candidate
	}
	t := res.Table()
	for _, s := range dwarf2btf.SelectFunctions(symbols, candidates, opts) {
		f := &fs[s.Chosen]
		if !s.Written() {
			why := s.Why
			if why != "" {
				why = " (" + why + ")"
			}
			note("function %s: left out: %s%s", t.Name(f.name), s.Reason, why)
			continue
		}
		proto, err := res.ID(f.unit, f.ref)
		if err != nil {
			return err
		}
		id := t.Add(btf.Type{Kind: btf.Func, Name: f.name, Ref: proto, Extra: btf.LinkStatic})
		addTags(t, id, f.tags)
	}
	return nil
}
