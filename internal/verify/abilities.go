package verify

import (
	"encoding/binary"

	"mkbtf/btf"
)

// Abilities is what a kernel can read. Fields name the Linux release that brought
// the ability; distributions may have it earlier.
type Abilities struct {
	ModuleBTF         bool     // reads the .BTF of modules at all (5.11)
	DistilledBase     bool     // maps .BTF.base to its own types (6.11)
	Sorted            bool     // searches BTF that is sorted by name in log(n) (7.0)
	LayoutHeader      bool     // knows a header of 32 bytes and the layout section (7.1)
	WideVlen          bool     // 24 bits of vlen, 7 of kind, none reserved (7.2)
	TagOrder          bool     // refuses a TYPE_TAG behind another modifier (5.17 to 7.1)
	TagKindFlag       bool     // takes kind_flag on DECL_TAG and TYPE_TAG (6.15)
	PrintableSections bool     // DATASEC names of any printable text (6.10)
	SpecialFields     bool     // BPF_BTF_LOAD parses structs with bpf_spin_lock and the like (6.2)
	EmbeddedFix       bool     // relocation finds every embedded struct (6.14 and stable)
	MaxKind           btf.Kind // largest kind (ENUM64 since 6.0)
	MaxNameLen        int      // longest identifier in bytes: 512, 128 before 6.1 (KSYM_NAME_LEN)
	PointerSize       int      // sizeof(void *) of the kernel: 8 or 4
	// Order is the byte order of the kernel. If it is nil, that of a blob is taken
	// from its magic number.
	Order binary.ByteOrder
}

// Release returns the abilities of a kernel.org release on a 64-bit machine,
// with nothing backported.
func Release(major, minor int) Abilities {
	since := func(ma, mi int) bool { return major > ma || major == ma && minor >= mi }
	ab := Abilities{
		ModuleBTF:         since(5, 11),
		DistilledBase:     since(6, 11),
		Sorted:            since(7, 0),
		LayoutHeader:      since(7, 1),
		WideVlen:          since(7, 2),
		TagOrder:          since(5, 17) && !since(7, 2),
		TagKindFlag:       since(6, 15),
		PrintableSections: since(6, 10),
		SpecialFields:     since(6, 2),
		EmbeddedFix:       since(6, 14),
		MaxKind:           btf.DataSec,
		MaxNameLen:        128,
		PointerSize:       8,
	}
	switch {
	case since(6, 0):
		ab.MaxKind = btf.Enum64
	case since(5, 17):
		ab.MaxKind = btf.TypeTag
	case since(5, 16):
		ab.MaxKind = btf.DeclTag
	case since(5, 13):
		ab.MaxKind = btf.Float
	}
	if since(6, 1) {
		ab.MaxNameLen = 512
	}
	return ab
}

// infoMask is the part of the info word that may be set.
func (ab *Abilities) infoMask() uint32 {
	switch {
	case ab.WideVlen:
		return 0xffffffff
	case ab.MaxKind < btf.Float: // four bits of kind before Linux 5.13
		return 0x8f00ffff
	}
	return 0x9f00ffff
}

// chains reports whether the kernel bounds chains of modifiers: since it knows
// TYPE_TAG.
func (ab *Abilities) chains() bool { return ab.MaxKind >= btf.TypeTag }

// detect reads the abilities of a kernel from its own BTF: from members,
// enumerators and functions that came with them. What leaves no trace there is
// taken from the release that the traces show; EmbeddedFix is assumed, because it
// makes for the stricter verdict.
func detect(b *blob) Abilities {
	ab := Abilities{EmbeddedFix: true, MaxKind: btf.DataSec, MaxNameLen: 128, PointerSize: 8, Order: b.order()}
	var strict, relaxed bool
	for id := uint32(1); id < b.nrTypes(); id++ {
		t, _ := b.at(id)
		if t.name == 0 && t.kind() != btf.Enum {
			continue
		}
		switch t.kind() {
		case btf.Struct:
			detectStruct(b, t, &ab)
		case btf.Enum:
			detectEnum(b, t, &ab)
		case btf.Func:
			switch string(b.text(t.name)) {
			case "btf_relocate":
				ab.DistilledBase = true
			case "btf_parse_struct_metas":
				ab.SpecialFields = true
			case "btf_check_type_tags":
				strict = true
			case "btf_check_modifier_chain_length":
				relaxed = true
			}
		case btf.Int:
			if string(b.text(t.name)) == "long unsigned int" && t.word == 4 {
				ab.PointerSize = 4
			}
		}
	}
	ab.TagOrder = strict || ab.chains() && !relaxed && !ab.WideVlen
	return ab
}

func detectStruct(b *blob, t typ, ab *Abilities) {
	switch string(b.text(t.name)) {
	case "module":
		_, data := b.findMember(t, "btf_data")
		_, base := b.findMember(t, "btf_base_data")
		ab.ModuleBTF = ab.ModuleBTF || data
		ab.DistilledBase = ab.DistilledBase || base
	case "btf":
		_, base := b.findMember(t, "base_id_map")
		_, sorted := b.findMember(t, "named_start_id")
		ab.DistilledBase = ab.DistilledBase || base
		ab.Sorted = ab.Sorted || sorted
	case "btf_header":
		_, layout := b.findMember(t, "layout_off")
		ab.LayoutHeader = ab.LayoutHeader || layout
	case "btf_struct_metas":
		ab.SpecialFields = true
	case "bpf_ksym": // char name[KSYM_NAME_LEN]
		if m, ok := b.findMember(t, "name"); ok {
			if a, ok := b.at(m.typ); ok && a.kind() == btf.Array && a.u(2) >= 128 && a.u(2) <= 1<<16 {
				ab.MaxNameLen = int(a.u(2))
			}
		}
	}
}

func (b *blob) findMember(t typ, name string) (member, bool) {
	for i := range t.vlen() {
		if m := t.member(i); string(b.text(m.name)) == name {
			return m, true
		}
	}
	return member{}, false
}

func detectEnum(b *blob, t typ, ab *Abilities) {
	for i := range t.vlen() {
		switch value := t.u(2*i + 1); string(b.text(t.u(2 * i))) {
		case "NR_BTF_KINDS":
			if value > uint32(btf.DataSec) && value < 1<<7 {
				ab.MaxKind = min(btf.Kind(value-1), btf.NumKinds-1)
			}
		case "BTF_MAX_VLEN":
			ab.WideVlen = ab.WideVlen || value == 0xffffff
		case "BPF_RES_SPIN_LOCK": // enum btf_field_type, Linux 6.15 like kind_flag on tags
			ab.TagKindFlag = true
		case "BPF_WORKQUEUE": // enum btf_field_type, Linux 6.10 like the rule for sections
			ab.PrintableSections = true
		}
	}
}

// newest returns the abilities of the newest kernel that is known here.
func newest() Abilities { return Release(7, 3) }
