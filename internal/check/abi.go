package check

import (
	"fmt"
	"slices"

	"mkbtf/btf"
	"mkbtf/internal/verify"
)

// FindABI lists, in words, the structs of the kernel that types of the module hold by value in
// another size there. BTF that carries them in full loads nevertheless; the module does
// not fit the kernel.
//
// Only the module's own types count: those whose name the kernel has not. And what
// they hold must be the kernel's struct as it was or will be, not another one that
// happens to have its name: at least half of its members must be there.
func (k *Kernel) FindABI(m *Module) []string {
	if m.Base == nil {
		return nil
	}
	var breaks []string
	base, err := btf.Parse(m.Base, nil)
	if err != nil {
		return nil
	}
	split, err := btf.Parse(m.BTF, base)
	if err != nil {
		return nil
	}
	kernel := k.composites()
	said := map[string]bool{}
	var ms []btf.Member
	for id := split.Start(); id < split.End(); id++ {
		r := split.Record(id)
		if !r.Kind().IsComposite() || r.NameOff == 0 {
			continue
		}
		if _, ok := kernel[string(split.StringAt(r.NameOff))]; ok {
			continue
		}
		_, ms = split.Decode(id, ms[:0], func(uint32) btf.Str { return 0 })
		for i := range ms {
			held := heldBy(split, ms[i].Type)
			if !split.Record(held).Kind().IsComposite() {
				continue
			}
			h := split.Record(held)
			name := string(split.StringAt(h.NameOff))
			c, ok := kernel[name]
			if name == "" || !ok || c.count != 1 || c.size == h.SizeType || said[name] || !k.alike(split, held, c.id) {
				continue
			}
			said[name] = true
			breaks = append(breaks, fmt.Sprintf("embeds %s: %d bytes here, %d there; this module is not safe on that kernel, whatever its BTF",
				cName(h.Kind().String(), name), h.SizeType, c.size))
		}
	}
	slices.Sort(breaks)
	return breaks
}

// alike reports whether at least half of the members of a type have the names of
// members of one of the kernel's.
func (k *Kernel) alike(b *btf.Blob, held, there btf.ID) bool {
	names := map[string]bool{}
	ms := memberNames(k.blob, there)
	for _, m := range ms {
		names[m] = true
	}
	common := 0
	ms = memberNames(b, held)
	for _, m := range ms {
		if names[m] {
			common++
		}
	}
	return common > 0 && 2*common >= len(ms)
}

func memberNames(b *btf.Blob, id btf.ID) []string {
	var names []string
	_, ms := b.Decode(id, nil, func(off uint32) btf.Str { return btf.Str(off) })
	for _, m := range ms {
		if name := b.StringAt(uint32(m.Name)); len(name) > 0 {
			names = append(names, string(name))
		}
	}
	return names
}

// heldBy follows modifiers and arrays to what a member is made of.
func heldBy(b *btf.Blob, id btf.ID) btf.ID {
	for range 64 {
		r := b.Record(id)
		switch {
		case r.Kind().IsModifier():
			id = btf.ID(r.SizeType)
		case r.Kind() == btf.Array:
			t, _ := b.Decode(id, nil, func(uint32) btf.Str { return 0 })
			id = t.Ref
		default:
			return id
		}
	}
	return 0
}

// ABIBreak reports whether the module holds a struct of the kernel by value that has
// another size there.
func (v *Verdict) ABIBreak() bool {
	for i := range v.Misses {
		if x := &v.Misses[i]; x.Embedded && x.Reason == verify.MissSize.String() {
			return true
		}
	}
	return len(v.Warnings) > 0
}
