package emit

import (
	"fmt"

	"mkbtf/btf"
)

// DistilOptions say what goes into a .BTF.base.
type DistilOptions struct {
	// Carry are structs and unions that shall not become conditions.
	Carry map[Tag]Carry
	// Need are types of the base that shall be there though the table does not refer to
	// them: those that .BTF_ids names.
	Need []btf.ID
	// Ambiguous are the names that cannot be conditions. Nil: they are looked for, which
	// takes a pass over the base.
	Ambiguous Names
}

// Tag is a STRUCT or UNION by name.
type Tag struct {
	Kind btf.Kind
	Name string
}

// Carry is how a type is carried that is not taken from the kernel.
type Carry uint8

// The ways to carry a type.
const (
	carryNot   Carry = iota
	CarryShell       // without members, in full only if something holds it by value
	CarryFull        // with its members, and what these need
)

func (c Carry) String() string {
	switch c {
	case CarryShell:
		return "without members"
	case CarryFull:
		return "in full"
	case carryNot:
		return "not"
	}
	return fmt.Sprintf("carry %d", uint8(c))
}

func (o *DistilOptions) carry(k btf.Kind, name []byte) Carry {
	if len(name) == 0 || o.Ambiguous[string(name)] {
		return CarryFull
	}
	return o.Carry[Tag{k, string(name)}]
}

// Names is a set of names.
type Names map[string]bool

// Ambiguous returns the names that the kernel could map to several types of a base:
// relocation considers all kinds below by name and, for most, size alone
// (btf_relocate_map_distilled_base, Linux 6.11 to 7.3).
func Ambiguous(base *btf.Blob) Names {
	names := Names{}
	seen := Names{}
	for id := base.Start(); id < base.End(); id++ {
		r := base.Record(id)
		switch r.Kind() {
		case btf.Int, btf.Float, btf.Enum, btf.Enum64, btf.Fwd, btf.Struct, btf.Union:
			if r.NameOff == 0 {
				continue
			}
			name := base.StringAt(r.NameOff)
			if seen[string(name)] {
				names[string(name)] = true
			} else {
				seen[string(name)] = true
			}
		}
	}
	return names
}
