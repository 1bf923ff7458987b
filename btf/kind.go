package btf

import "fmt"

// Kind is the kind of a BTF type, the number that stands in bits 24-28 (24-30
// since Linux 7.2) of a type record's info word.
type Kind uint8

// The kinds of include/uapi/linux/btf.h up to Linux 7.3.
const (
	Void Kind = iota // id 0 only; never written
	Int
	Ptr
	Array
	Struct
	Union
	Enum
	Fwd
	Typedef
	Volatile
	Const
	Restrict
	Func
	FuncProto
	Var
	DataSec
	Float
	DeclTag
	TypeTag
	Enum64
	NumKinds // one more than the largest kind
)

var kindNames = [NumKinds]string{
	"VOID", "INT", "PTR", "ARRAY", "STRUCT", "UNION", "ENUM", "FWD", "TYPEDEF", "VOLATILE",
	"CONST", "RESTRICT", "FUNC", "FUNC_PROTO", "VAR", "DATASEC", "FLOAT", "DECL_TAG", "TYPE_TAG", "ENUM64",
}

// String is the name that bpftool and the kernel's log print.
func (k Kind) String() string {
	if k < NumKinds {
		return kindNames[k]
	}
	return fmt.Sprintf("KIND%d", uint8(k))
}

// IsModifier reports whether the kind only decorates another type: TYPEDEF,
// VOLATILE, CONST, RESTRICT and TYPE_TAG (btf_type_is_modifier in the kernel).
func (k Kind) IsModifier() bool {
	switch k {
	case Typedef, Volatile, Const, Restrict, TypeTag:
		return true
	}
	return false
}

// IsComposite reports whether the kind is STRUCT or UNION.
func (k Kind) IsComposite() bool { return k == Struct || k == Union }

// IsEnum reports whether the kind is ENUM or ENUM64.
func (k Kind) IsEnum() bool { return k == Enum || k == Enum64 }

// HasRef reports whether Type.Ref holds a type id: everything that points to,
// decorates, contains or returns exactly one other type.
func (k Kind) HasRef() bool {
	const kinds = 1<<Ptr | 1<<Array | 1<<Typedef | 1<<Volatile | 1<<Const | 1<<Restrict | 1<<Func | 1<<FuncProto | 1<<Var | 1<<DeclTag | 1<<TypeTag
	return kinds>>k&1 != 0
}

// HasMemberTypes reports whether the members of the kind hold type ids:
// STRUCT, UNION, FUNC_PROTO and DATASEC.
func (k Kind) HasMemberTypes() bool {
	const kinds = 1<<Struct | 1<<Union | 1<<FuncProto | 1<<DataSec
	return kinds>>k&1 != 0
}

// Encodings of an INT (bits 24-27 of its data word).
const (
	IntSigned = 1 << 0
	IntChar   = 1 << 1
	IntBool   = 1 << 2
)

// Linkages of FUNC (in vlen) and VAR.
const (
	LinkStatic = 0
	LinkGlobal = 1
	LinkExtern = 2
)

// Limits of include/uapi/linux/btf.h; they hold for every kernel that reads BTF.
const (
	MaxID      = 0x000fffff // largest type id that a reference may hold
	MaxNameOff = 0x00ffffff // largest string offset
	MaxVlen    = 0xffff     // largest vlen before Linux 7.2
)
