package verify

import "mkbtf/btf"

// maxChain is how many modifiers the kernel follows in a row.
const maxChain = 32

// chains is the check of modifier chains (btf_check_type_tags,
// btf_check_modifier_chain_length): from every modifier in the order of ids along
// its references, up to a modifier that was seen to end well.
func (b *blob) chains(ab *Abilities) *Error {
	if !ab.chains() {
		return nil
	}
	first := b.start
	if b.base == nil {
		first = 1
	}
	good := first - 1 // wraps over a base without types, where the first id is 0, as in the kernel
	for id := first; id < b.nrTypes(); id++ {
		t, _ := b.at(id)
		if !t.kind().IsModifier() {
			continue
		}
		fail := func(no Errno, msg string) *Error {
			return &Error{Pass: PassChains, Errno: no, Msg: msg, TypeID: id, Section: b.section, Offset: b.pos(t.off)}
		}
		tags := t.kind() == btf.TypeTag
		left := maxChain
		for at, cur := t, id; at.kind().IsModifier(); {
			if left == 0 {
				return fail(ELOOP, "Max chain length or cycle detected")
			}
			left--
			isTag := at.kind() == btf.TypeTag
			if isTag && !tags && ab.TagOrder {
				return fail(EINVAL, "Type tags don't precede modifiers")
			}
			tags = tags && isTag
			if cur <= good {
				break
			}
			cur = at.word
			var ok bool
			if at, ok = b.at(cur); !ok {
				return fail(EINVAL, "")
			}
		}
		good = id
	}
	return nil
}
