package encode

import (
	"fmt"
	"slices"

	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/dwarf2btf"
	"mkbtf/emit"
	"mkbtf/internal/btfids"
	"mkbtf/internal/keep"
)

// table builds the table of everything that goes into the output: over the base, or
// without one.
func (e *Encoder) table(c *converted, src *dwarf2btf.Source, ids *btfids.Section) (*btf.Table, error) {
	note := func(format string, args ...any) { e.opts.note(src.Name, format, args...) }
	opts, base := &e.opts, e.base
	var index *dedup.Base
	if base != nil {
		index = base.Index
	}
	res, err := c.dedup.Resolve(index)
	if err != nil {
		return nil, err
	}
	roots, err := c.enter(res, opts.Keep, base)
	if err != nil {
		return nil, err
	}
	if err := addFunctions(res, &c.functions, c.symbols, e.features.selection(), e.features.Linkage, note); err != nil {
		return nil, err
	}
	if err := addVariables(res, c.variables, src, note); err != nil {
		return nil, err
	}
	t, became, err := res.Finish()
	if err != nil {
		return nil, err
	}
	newID, err := e.decorate(t, ids, src.Name)
	if err != nil || opts.Form != SelfContained || opts.Keep != KeepOwn {
		return t, err
	}
	if base != nil {
		note("keeps the %d types that %s lacks, and what they need", len(t.Types), base.Path)
		return keep.Cut(t, base.Blob, nil, opts.Hops), nil
	}
	for i := range roots {
		roots[i] = newID(became(roots[i]))
	}
	slices.Sort(roots)
	roots = slices.Compact(roots)
	for _, tree := range c.trees {
		note("types that headers below %sinclude and %sarch/*/include declare are the kernel's", tree, tree)
	}
	note("keeps %d types that the module itself declares, its functions and variables, and what they need", len(roots))
	for i := range t.Types {
		switch t.Types[i].Kind {
		case btf.Func, btf.Var, btf.DataSec, btf.DeclTag:
			roots = append(roots, t.Start+btf.ID(i))
		}
	}
	return keep.Cut(t, nil, roots, opts.Hops), nil
}

// enter puts the types that are kept for themselves into the table, and returns those
// of converted.roots or own.
func (c *converted) enter(res *dedup.Result, level Keep, base *Base) ([]btf.ID, error) {
	if level == KeepAll || level == KeepOwn && base != nil {
		return nil, res.KeepAll()
	}
	from := c.roots
	if level == KeepOwn {
		from = c.own
	}
	roots := make([]btf.ID, 0, len(from))
	for _, r := range from {
		id, err := res.ID(r.unit, r.ref)
		if err != nil {
			return nil, err
		}
		roots = append(roots, id)
	}
	return roots, nil
}

// picks says what the table will need of converted.roots and own.
func (e *Encoder) picks() picker {
	switch {
	case e.opts.Keep == KeepReachable:
		return pickTags
	case e.opts.byDeclaration():
		return pickOwn
	}
	return 0
}

// standalone writes BTF for tools.
func (e *Encoder) standalone(t *btf.Table, order btf.Order) (*emit.Output, error) {
	out, err := emit.Standalone(t, order)
	if err == nil && e.features.Layout {
		out.BTF, err = btf.WithLayout(out.BTF)
	}
	return out, err
}

// write turns a table into one of the forms. raw asks for what stands in a file of
// its own: standalone BTF instead of the self-contained form of a module.
func (e *Encoder) write(t *btf.Table, file string, named namedTypes, order btf.Order, raw bool) (*emit.Output, error) {
	switch e.form {
	case Split:
		return emit.Split(t, e.base.Blob, order)
	case Distilled:
		return e.distil(t, file, named, order)
	case SelfContained:
		if raw {
			return e.standalone(t, order)
		}
		return emit.SelfContained(t, order)
	}
	return nil, fmt.Errorf("form %s cannot be written", e.form)
}
