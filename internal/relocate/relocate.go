package relocate

import (
	"fmt"

	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/emit"
	"mkbtf/internal/check"
	"mkbtf/internal/object"
)

// Relocator moves the BTF of modules to one kernel. Several goroutines may use it.
type Relocator struct {
	to  *target
	old *check.Kernel // what split BTF was made over; nil if that is not known
}

// New makes a Relocator. kernel is the BTF of the kernel to move to, from path; old,
// from oldPath, what split BTF was made over, nil if none is to be moved.
func New(path string, kernel *object.BTFData, oldPath string, old *object.BTFData) (*Relocator, error) {
	to, err := loadKernel(path, kernel)
	if err != nil {
		return nil, err
	}
	r := &Relocator{to: to}
	if old != nil {
		if r.old, err = check.NewKernel(oldPath, old); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Result is the BTF of a module over the kernel.
type Result struct {
	BTF []byte // nil if the kernel has every type and the module no functions
	// Notes say what was carried because the kernel has not got it.
	Notes []string
	// Warnings say where the module itself does not fit the kernel.
	Warnings []string
	// Unchanged: the module's BTF is split BTF over this kernel already.
	Unchanged bool
}

// Module moves the BTF of a module. The errors of this package, and *verify.Error
// if the kernel would not take the result.
func (r *Relocator) Module(m *check.Module) (*Result, error) {
	if len(m.BTF) == 0 {
		return nil, ErrNoBTF
	}
	old, err := r.oldBase(m)
	if err != nil {
		return nil, err
	}
	if old == nil {
		return &Result{BTF: m.BTF, Unchanged: true}, nil
	}
	if old.Order != r.to.base.Blob.Order {
		return nil, fmt.Errorf("%w: byte order differs from that of the kernel: it belongs to another machine", btf.ErrMalformed)
	}
	in, err := btf.Parse(m.BTF, old)
	if err != nil {
		return nil, err
	}
	res, err := r.move(in, old, m.Base != nil)
	if err != nil {
		return nil, err
	}
	res.Warnings = r.to.kernel.FindABI(m)
	if res.BTF == nil {
		return res, nil
	}
	// The kernel is asked before anything is written.
	after := *m
	after.BTF, after.Base, after.Note, after.Release = res.BTF, nil, nil, ""
	if v := r.to.kernel.Check(&after); v.Outcome != check.Loads && v.Outcome != check.Ignored {
		return nil, fmt.Errorf("the result would not load: %s", v.Line())
	}
	return res, nil
}

// oldBase is what the BTF of a module lies over; nil without an error if that is the
// kernel already.
func (r *Relocator) oldBase(m *check.Module) (*btf.Blob, error) {
	if m.Base != nil {
		b, err := btf.Parse(m.Base, nil)
		if err != nil {
			return nil, fmt.Errorf(".BTF.base: %w", err)
		}
		return b, nil
	}
	if r.old != nil && (m.Note == nil || m.Note.Base == r.old.Fingerprint()) {
		switch v := r.old.Check(m); v.Outcome {
		case check.Loads, check.Ignored:
			return r.old.BTF(), nil
		default:
			return nil, fmt.Errorf("%s: %w: %s", r.old.Path, ErrWrongBase, v.Line())
		}
	}
	if r.to.kernel.Check(m).Outcome == check.Loads {
		return nil, nil
	}
	if r.old != nil {
		return nil, fmt.Errorf("%s: %w: that was %s", r.old.Path, ErrWrongBase, m.MadeFor())
	}
	if made := m.MadeFor(); made != "" {
		return nil, fmt.Errorf("%w, made for %s: give the BTF of that one with --from-base", ErrNoOldBase, made)
	}
	return nil, fmt.Errorf("%w: give the BTF that it was made over with --from-base", ErrNoOldBase)
}

// move makes split BTF over the kernel.
func (r *Relocator) move(in, old *btf.Blob, entries bool) (*Result, error) {
	d := dedup.New(true)
	w := d.NewWorker(btf.NewStrings())
	x := &importer{in: in, old: old, entries: entries, to: r.to, u: btf.NewTable(1, w.Strings())}
	if err := x.run(); err != nil {
		return nil, err
	}
	if !r.to.nested {
		x.flatten(int(in.End() - in.Start()))
	}
	// What was brought in is the kernel's, or own types need it.
	if _, err := w.Add(0, x.u, len(x.u.Types)); err != nil {
		return nil, err
	}
	if _, err := d.Merge(w); err != nil {
		return nil, err
	}
	if cycles, deep := d.Cut(); cycles+deep > 0 {
		return nil, fmt.Errorf("%w: types without a name lead to themselves", btf.ErrMalformed)
	}
	res, err := d.Resolve(r.to.base.Index)
	if err != nil {
		return nil, err
	}
	if err := res.KeepAll(); err != nil {
		return nil, err
	}
	t, _, err := res.Finish()
	if err != nil {
		return nil, err
	}
	out := &Result{Notes: x.notes}
	if len(t.Types) == 0 {
		return out, nil
	}
	x.restore(t)
	split, err := emit.Split(t, r.to.base.Blob, r.to.base.Blob.Order)
	if err != nil {
		return nil, err
	}
	out.BTF = split.BTF
	return out, nil
}

// restore gives structs that were declared, and that the kernel has not, back the
// size they had: programs can read a pointer to a struct without members, but not
// to a FWD.
func (x *importer) restore(t *btf.Table) {
	for i := range t.Types {
		typ := &t.Types[i]
		if typ.Kind != btf.Fwd {
			continue
		}
		k, _ := tagOf(typ.Kind, typ.Flag, typ.Name)
		if s, ok := x.shells[k]; ok {
			*typ = btf.Type{Kind: k.kind, Name: typ.Name, Size: s.size}
		}
	}
}
