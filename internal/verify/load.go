package verify

import "mkbtf/btf"

// maxLoad is the largest blob that BPF_BTF_LOAD takes, in bytes.
const maxLoad = 16 << 20

// Load says what BPF_BTF_LOAD of a kernel with these abilities says to a
// standalone blob: nil, or an *Error with the errno and the message in the log.
//
// Of the last pass, PassFields, only what follows from the sizes of bpf_spin_lock
// and bpf_refcount is known here; a blob that embeds bpf_list_head, bpf_rb_root,
// other BPF structs or kptr tags may fail there in the kernel and not here.
func Load(data []byte, ab *Abilities) error {
	if len(data) > maxLoad {
		return &Error{Pass: PassSize, Errno: E2BIG, Section: ".BTF"}
	}
	b, err := open(data, nil, ab, ".BTF", true)
	if err != nil {
		return err
	}
	for _, pass := range []func(*Abilities) *Error{
		b.metas,
		b.resolve,
		b.chains,
		b.fields,
	} {
		if err := pass(ab); err != nil {
			return err
		}
	}
	return nil
}

// fields refuses a struct of which BPF would have to know the special members but
// cannot, because they have another size (btf_parse_struct_metas, EFAULT).
func (b *blob) fields(ab *Abilities) *Error {
	if !ab.SpecialFields {
		return nil
	}
	special := map[uint32]string{}
	seen := map[string]bool{}
	for id := uint32(1); id < b.nrTypes(); id++ {
		t, _ := b.at(id)
		if t.kind() != btf.Struct || t.name == 0 {
			continue
		}
		switch name := b.name(t.name); name {
		case "bpf_spin_lock", "bpf_list_head", "bpf_list_node", "bpf_rb_root", "bpf_rb_node", "bpf_refcount":
			if !seen[name] {
				seen[name], special[id] = true, name
			}
		}
	}
	if len(special) == 0 {
		return nil
	}
	for id := uint32(1); id < b.nrTypes(); id++ {
		t, _ := b.at(id)
		if t.kind() == btf.Struct && b.unknownFields(t, special) {
			return &Error{Pass: PassFields, Errno: EFAULT, TypeID: id, Section: b.section, Offset: b.pos(t.off)}
		}
	}
	return nil
}

// unknownFields reports whether a struct has special members, all of them certain
// to be passed over because of their size.
func (b *blob) unknownFields(t typ, special map[uint32]string) bool {
	found := false
	for i := range t.vlen() {
		m := t.member(i)
		mt, _ := b.at(m.typ)
		switch special[m.typ] {
		case "":
			if k := mt.kind(); k == btf.Ptr || k == btf.Array || k.IsComposite() || k.IsModifier() {
				return false // may hold fields that count
			}
		case "bpf_spin_lock", "bpf_refcount":
			if mt.word == 4 {
				return false
			}
			found = true
		default:
			return false
		}
	}
	return found
}
