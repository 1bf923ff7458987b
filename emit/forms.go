package emit

import (
	"fmt"

	"mkbtf/btf"
)

// Output is BTF in one of the forms, ready for a module's sections.
type Output struct {
	BTF  []byte // content of .BTF
	Base []byte // content of .BTF.base, nil if the form has none
	// NewID translates ids of the table that was written into ids of the output,
	// for .BTF_ids. Ids of the base that the output lacks become 0.
	NewID func(btf.ID) btf.ID
	// Entries are the types of Base in order, for explaining them.
	Entries []Entry
}

// Entry is a type of a .BTF.base: a condition that the kernel must meet.
type Entry struct {
	Kind     btf.Kind
	Name     string
	Size     uint32
	Embedded bool // held by value in a type of the module: the size must be equal
}

// Split writes the own types of a table over the base that it was made for.
func Split(t *btf.Table, base *btf.Blob, order btf.Order) (*Output, error) {
	newID := SortByName(t)
	raw, err := btf.Encode(t, order, base, true)
	if err != nil {
		return nil, err
	}
	return &Output{BTF: raw, NewID: newID}, nil
}

// Standalone writes a table that has no base as BTF with ids from 1, for tools. In
// a module it would be wrong on every kernel: see SelfContained.
func Standalone(t *btf.Table, order btf.Order) (*Output, error) {
	if t.Start != 1 {
		return nil, fmt.Errorf("emit: standalone BTF of a table that starts at id %d", t.Start)
	}
	return Split(t, nil, order)
}

// SelfContained writes a table that has no base over a .BTF.base that holds one
// type, INT int. The kernel takes a module's .BTF for split BTF over vmlinux
// unless there is a .BTF.base; one without types it would misnumber (it counts
// void only when the first type is added), and int is in every kernel.
func SelfContained(t *btf.Table, order btf.Order) (*Output, error) {
	if t.Start != 1 {
		return nil, fmt.Errorf("emit: self-contained BTF of a table that starts at id %d", t.Start)
	}
	d := newDistiller(t, nil)
	return d.write(order)
}

// Distilled writes the own types of a table over a .BTF.base with as few
// conditions as will do: the structs and unions of the base that something refers
// to, and int. Everything else that is needed from the base is carried in full, so
// are types whose name is not unique in the base, which the kernel could not map.
func Distilled(t *btf.Table, base *btf.Blob, order btf.Order, opts DistilOptions) (*Output, error) {
	d := newDistiller(t, base)
	d.opts = opts
	if d.opts.Ambiguous == nil {
		d.opts.Ambiguous = Ambiguous(base)
	}
	d.takeFromBase()
	return d.write(order)
}
