package encode

import (
	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/dwarf2btf"
)

// addFunctions adds a FUNC for each function that a tracer can trust. Linkage is
// static whatever the source says, as all readers know it from pahole, unless linkage
// asks for the real one.
func addFunctions(res *dedup.Result, fs []function, symbols *dwarf2btf.Symbols, opts dwarf2btf.SelectOptions, linkage bool, note func(string, ...any)) error {
	candidates := make([]dwarf2btf.Candidate, len(fs))
	for i := range fs {
		candidates[i] = fs[i].Candidate
	}
	t := res.Table()
	for _, s := range dwarf2btf.SelectFunctions(symbols, candidates, opts) {
		f := &fs[s.Chosen]
		name := f.name
		if s.Suffix != "" {
			name = t.Strings.InternString(t.Name(name) + s.Suffix)
		}
		if !s.Written() {
			why := s.Why
			if why != "" {
				why = " (" + why + ")"
			}
			note("function %s: left out: %s%s", t.Name(name), s.Reason, why)
			continue
		}
		proto, err := res.ID(f.unit, f.ref)
		if err != nil {
			return err
		}
		link := uint32(btf.LinkStatic)
		if linkage && f.Flags&dwarf2btf.FuncExternal != 0 && s.Suffix == "" {
			link = btf.LinkGlobal
		}
		id := t.Add(btf.Type{Kind: btf.Func, Name: name, Ref: proto, Extra: link})
		addTags(t, id, f.tags)
	}
	return nil
}
