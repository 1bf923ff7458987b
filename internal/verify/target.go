package verify

import (
	"fmt"
	"sync"

	"mkbtf/btf"
)

// Target is a kernel as a module's BTF meets it: its BTF, read and indexed once,
// and what it can do. Several goroutines may use it.
type Target struct {
	// Abilities are those found in the BTF. They may be changed before the first
	// use of the target, for what leaves no trace there.
	Abilities Abilities

	b     *blob
	first map[string]uint32 // of each name: the smallest id that can stand for a base type
	next  []uint32          // by id: the next larger one of the same name, 0 at the end
	// composites counts the STRUCTs and UNIONs by string offset of their name, up to 2.
	composites []uint8
	resolve    sync.Once
}

// NewTarget reads the BTF of a kernel (vmlinux, /sys/kernel/btf/vmlinux). An error
// is an *Error: these bytes cannot be the BTF of any kernel.
func NewTarget(vmlinux []byte) (*Target, error) {
	ab := newest()
	b, err := openAll(vmlinux, nil, &ab, "vmlinux")
	if err != nil {
		return nil, fmt.Errorf("BTF of the kernel: %w", err)
	}
	t := &Target{Abilities: detect(b), b: b}
	t.index()
	return t, nil
}

// openAll runs the passes that loading a module makes over one blob.
func openAll(data []byte, base *blob, ab *Abilities, section string) (*blob, *Error) {
	b, err := open(data, base, ab, section, false)
	if err != nil {
		return nil, err
	}
	if err := b.metas(ab); err != nil {
		return nil, err
	}
	if err := b.chains(ab); err != nil {
		return nil, err
	}
	return b, nil
}

// index notes the named types of those kinds that the types of a .BTF.base are
// mapped to.
func (t *Target) index() {
	n := t.b.nrTypes()
	t.next = make([]uint32, n)
	t.first = make(map[string]uint32, n/4)
	// Names are cut from one copy of the strings, which costs one allocation.
	all := string(t.b.strs)
	t.composites = make([]uint8, len(all))
	for id := n; id > 1; {
		id--
		ty, _ := t.b.at(id)
		if ty.name == 0 || !mappable(ty.kind()) {
			continue
		}
		if ty.kind().IsComposite() && t.composites[ty.name] < 2 {
			t.composites[ty.name]++
		}
		s, _ := t.b.str(ty.name)
		name := all[ty.name : int(ty.name)+len(s)]
		t.next[id] = t.first[name]
		t.first[name] = id
	}
}

// mappable are the kinds of kernel types that a base type can be mapped to.
func mappable(k btf.Kind) bool {
	switch k {
	case btf.Int, btf.Float, btf.Enum, btf.Enum64, btf.Fwd, btf.Struct, btf.Union:
		return true
	}
	return false
}

// resolved returns the kernel's BTF after pass G, which tells the sizes behind its
// modifiers. The kernel does not run this pass over itself; errors in it say nothing
// about a module.
func (t *Target) resolved() *blob {
	t.resolve.Do(func() { t.b.resolveAll(&t.Abilities) })
	return t.b
}
