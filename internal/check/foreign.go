package check

import (
	"mkbtf/btf"
	"mkbtf/internal/fingerprint"
	"mkbtf/internal/verify"
)

// findForeign looks for signs that split BTF which the kernel takes was made for
// another build. Small BTF passes all of the kernel's checks then, with names cut
// out of the middle of others and types that were something else.
func (k *Kernel) findForeign(v *Verdict, m *Module, r *verify.Result) {
	if m.Base != nil {
		return
	}
	split, err := btf.Parse(m.BTF, k.blob)
	if err != nil { // the kernel looks at less
		v.Outcome = Garbage
		v.reason("%v", err)
		v.adviseSplit()
		return
	}
	same := m.Note != nil && m.Note.Base == k.Fingerprint()
	if m.Note != nil && !same {
		v.reason("made over the BTF of another build: %s; this is %s", m.MadeFor(), k.Name)
	}
	k.findContent(v, m, split, r.Functions)
	if m.Note == nil && m.Release != "" && k.Release != "" && m.Release != k.Release {
		v.reason("split BTF of a module that was built for %s; this is %s", m.Release, k.Release)
	}
	if len(v.Reasons) == 0 {
		return
	}
	v.Outcome = Garbage
	if same {
		v.advise("encode the module anew: its BTF is of this kernel, but not of this module")
		return
	}
	if m.stripped(k) {
		v.Reasons = nil
		k.explainSplit(v, m)
		return
	}
	v.adviseSplit()
}

// findContent looks for names that cannot be meant.
func (k *Kernel) findContent(v *Verdict, m *Module, split *btf.Blob, functions []string) {
	if name, ok := midString(split, k.blob); ok {
		v.reason("the name %q begins in the middle of one of the kernel's", name)
	}
	if missing := m.lacks(functions); len(missing) > 0 {
		v.reason("names %d functions that the module has not, such as %q", len(missing), missing[0])
	}
}

// midString returns the first name of an own type or member that does not begin
// where a string of the base begins. Encoders share whole strings only.
func midString(split, base *btf.Blob) (name string, found bool) {
	strs := base.OwnStrings()
	check := func(off uint32) btf.Str {
		if !found && off > 0 && off < uint32(len(strs)) && strs[off-1] != 0 {
			name, found = string(split.StringAt(off)), true
		}
		return 0
	}
	var ms []btf.Member
	for id := split.Start(); id < split.End() && !found; id++ {
		_, ms = split.Decode(id, ms[:0], check)
	}
	return name, found
}

// lacks returns those names that no function of the module has.
func (m *Module) lacks(names []string) []string {
	if m.Functions == nil {
		return nil
	}
	var missing []string
	for _, n := range names {
		if !m.Functions[n] {
			missing = append(missing, n)
		}
	}
	return missing
}

// MadeFor is the kernel that the BTF was made over as far as that is known.
func (m *Module) MadeFor() string {
	switch {
	case m.Note != nil && m.Note.Release != "":
		return m.Note.Release
	case m.Note != nil:
		return "a kernel with the fingerprint " + m.Note.Base.String()
	}
	return m.Release
}

// stripped reports whether the module had a .BTF.base once. The note says so; else
// split BTF over a small base can be told by its ids: over a kernel, what own types
// refer to among each other lies above all of the kernel's.
func (m *Module) stripped(k *Kernel) bool {
	if m.Base != nil {
		return false
	}
	if m.Note != nil {
		return m.Note.Form == fingerprint.Distilled
	}
	alone, err := btf.ParseTrusted(m.BTF, nil)
	if err != nil {
		return false
	}
	const mostInBase = 4096
	limit := alone.End() + mostInBase
	if limit >= k.blob.End() {
		return false
	}
	refs, inside := 0, 0
	for id := alone.Start(); id < alone.End(); id++ {
		t, ms := alone.Decode(id, nil, func(uint32) btf.Str { return 0 })
		count := func(id btf.ID) {
			if id == 0 {
				return
			}
			refs++
			if id < limit {
				inside++
			}
		}
		if t.Kind.HasRef() {
			count(t.Ref)
		}
		if t.Kind.HasMemberTypes() {
			for i := range ms {
				count(ms[i].Type)
			}
		}
	}
	return refs >= 8 && inside == refs
}
