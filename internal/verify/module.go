package verify

import (
	"fmt"

	"mkbtf/btf"
)

// Outcome is what becomes of the BTF of a module.
type Outcome uint8

// The outcomes.
const (
	// Loads: the kernel takes the BTF, and it means what it says.
	Loads Outcome = iota + 1
	// Refused: the kernel refuses the module with Result.Err, or loads it without
	// BTF if it was built with CONFIG_MODULE_ALLOW_BTF_MISMATCH.
	Refused
	// Garbage: the kernel takes the BTF, but it does not mean what it says there;
	// Result.Problems tells why.
	Garbage
	// Ignored: the module loads and has no BTF, because there is none in it or the
	// kernel does not look for any.
	Ignored
)

func (o Outcome) String() string {
	switch o {
	case Loads:
		return "loads"
	case Refused:
		return "refused"
	case Garbage:
		return "garbage"
	case Ignored:
		return "ignored"
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// Result is what a kernel does with the BTF of a module.
type Result struct {
	Outcome Outcome
	Err     *Error // why it is Refused, as the kernel logs it; else nil
	// Problems are things that the kernel does not notice when it loads the module.
	// With Loads they are harmless to it, with Garbage the reason.
	Problems []*Error
	// Misses lists every type of .BTF.base that cannot be mapped, where the kernel
	// stops at the first.
	Misses []Miss

	// The rest is set if the outcome is Loads or Garbage.

	// Relocated is what /sys/kernel/btf/MODULE holds; nil if that depends on what
	// lies behind the kernel's tables.
	Relocated []byte
	// IDs maps type ids of the file to those of the kernel; nil without .BTF.base.
	IDs []uint32
	// Sorted: the types ascend by name, so that lookups are fast since Linux 7.0.
	Sorted bool
	// Functions are the names of the module's FUNCs as the kernel reads them. BTF
	// made for another build of the kernel can pass all checks and have the wrong
	// names: a caller that knows the module's symbols should compare.
	Functions []string
}

// Module is Target.Module for a single module. With abilities nil they are those
// found in vmlinux. An error is about vmlinux.
func Module(data, base, vmlinux []byte, abilities *Abilities) (*Result, error) {
	t, err := NewTarget(vmlinux)
	if err != nil {
		return nil, err
	}
	if abilities != nil {
		t.Abilities = *abilities
	}
	return t.Module(data, base), nil
}

// Module says what the kernel does with a module that has these sections. A nil
// base means that there is no .BTF.base; one of no bytes is another matter.
func (t *Target) Module(data, base []byte) *Result {
	ab := &t.Abilities
	if !ab.ModuleBTF || len(data) == 0 {
		return &Result{Outcome: Ignored}
	}
	parent := t.b
	if base != nil && ab.DistilledBase {
		b, err := openAll(base, nil, t.order(), ".BTF.base")
		if err != nil {
			return &Result{Outcome: Refused, Err: err}
		}
		parent = b
	}
	split, err := openAll(data, parent, ab, ".BTF")
	if err != nil {
		return &Result{Outcome: Refused, Err: err}
	}
	r := &Result{Outcome: Loads, Sorted: split.sorted(), Functions: split.functions()}
	if parent == t.b {
		t.plain(r, split, base != nil)
	} else {
		t.distilled(r, parent, split)
	}
	return r
}

// order returns the abilities with the byte order fixed: a kernel reads all BTF in
// its own.
func (t *Target) order() *Abilities {
	ab := t.Abilities
	ab.Order = t.b.order()
	return &ab
}

func (r *Result) garbage(err *Error) {
	r.Outcome = Garbage
	r.Problems = append(r.Problems, err)
}

// plain judges split BTF over the kernel itself.
func (t *Target) plain(r *Result, split *blob, ignored bool) {
	r.Relocated = split.data
	if ignored {
		r.garbage(&Error{Pass: PassOwn, Section: ".BTF.base", Msg: "this kernel ignores .BTF.base and reads .BTF as if it had been made for itself"})
	}
	if err := split.inRange(); err != nil {
		r.garbage(err)
		return
	}
	t.resolved()
	t.context(r, split)
}

// distilled judges split BTF over a .BTF.base.
func (t *Target) distilled(r *Result, base, split *blob) {
	rel, err := t.relocate(base, split, &t.Abilities)
	r.Misses = rel.misses
	if err != nil && err.Pass != PassOwn {
		r.Outcome, r.Err = Refused, err
		return
	}
	if err != nil {
		r.garbage(err)
		return
	}
	if base.nrTypes() == 0 {
		r.garbage(&Error{Pass: PassOwn, Section: base.section, Msg: "no types: the kernel then counts those of .BTF from 0, so that every reference is off by one"})
		return
	}
	if err := split.inRange(); err != nil {
		r.garbage(err)
		return
	}
	out, err := rel.rewrite()
	if err != nil {
		r.Outcome, r.Err = Refused, err
		return
	}
	r.Relocated, r.IDs = out, rel.ids
	if err := base.inRange(); err != nil {
		r.Problems = append(r.Problems, err)
		return
	}
	base.resolveAll(&t.Abilities)
	t.context(r, split)
}

// context runs pass G over the module's own types, which the kernel does not do
// when it loads a module, and looks for BTF without content. A FUNC that is no
// function, a tag on what cannot have one and a type that contains itself are signs
// of BTF that was made for something else; other problems can be those of C code
// that BPF_BTF_LOAD would not take.
func (t *Target) context(r *Result, split *blob) {
	if len(split.offs) == 0 {
		r.Problems = append(r.Problems, &Error{Pass: PassOwn, Section: split.section, Msg: "no types"})
	}
	for _, err := range split.resolveAll(&t.Abilities) {
		r.Problems = append(r.Problems, err)
		ty, _ := split.at(err.TypeID)
		if k := ty.kind(); k == btf.Func || k == btf.DeclTag || err.Errno == EEXIST {
			r.Outcome = Garbage
		}
	}
}

// Relocate is Target.Relocate for a single module.
func Relocate(data, base, vmlinux []byte) (out []byte, ids []uint32, err error) {
	t, err := NewTarget(vmlinux)
	if err != nil {
		return nil, nil, err
	}
	return t.Relocate(data, base)
}

// Relocate maps the BTF of a module from its .BTF.base to the kernel: out is split
// BTF over the kernel's BTF, byte for byte what /sys/kernel/btf/MODULE would hold,
// also for kernels that cannot do it themselves; ids maps the old type ids to the
// new. An error is an *Error: what a kernel would say, or one of PassOwn for input
// that would make it read outside its tables.
func (t *Target) Relocate(data, base []byte) (out []byte, ids []uint32, err error) {
	ab := t.order()
	ab.EmbeddedFix = true
	b, e := openAll(base, nil, ab, ".BTF.base")
	if e != nil {
		return nil, nil, e
	}
	if b.nrTypes() == 0 {
		return nil, nil, &Error{Pass: PassOwn, Section: b.section, Msg: "no types"}
	}
	split, e := openAll(data, b, ab, ".BTF")
	if e != nil {
		return nil, nil, e
	}
	if e := split.inRange(); e != nil {
		return nil, nil, e
	}
	rel, e := t.relocate(b, split, ab)
	if e != nil {
		return nil, nil, e
	}
	out, e = rel.rewrite()
	if e != nil {
		return nil, nil, e
	}
	return out, rel.ids, nil
}
