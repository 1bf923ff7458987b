package encode

import (
	"fmt"

	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/dwarf2btf"
	"mkbtf/emit"
)

// table builds the table of everything that goes into the output.
func (c *converted) table(base *Base, src *dwarf2btf.Source, note func(string, ...any)) (*btf.Table, error) {
	var index *dedup.Base
	if base != nil {
		index = base.Index
	}
	res, err := c.dedup.Resolve(index)
	if err != nil {
		return nil, err
	}
	if err := res.KeepAll(); err != nil {
		return nil, err
	}
	if err := addFunctions(res, c.functions, c.symbols, note); err != nil {
		return nil, err
	}
	if err := addVariables(res, c.variables, src, note); err != nil {
		return nil, err
	}
	t, _, err := res.Finish()
	return t, err
}

// write turns a table into one of the forms. raw asks for what stands in a file of
// its own: standalone BTF instead of the self-contained form of a module.
func write(t *btf.Table, form Form, base *Base, order btf.Order, raw bool) (*emit.Output, error) {
	switch form {
	case Split:
		return emit.Split(t, base.Blob, order)
	case Distilled:
		return emit.Distilled(t, base.Blob, order)
	case SelfContained:
		if raw {
			return emit.Standalone(t, order)
		}
		return emit.SelfContained(t, order)
	}
	return nil, fmt.Errorf("form %s cannot be written", form)
}
