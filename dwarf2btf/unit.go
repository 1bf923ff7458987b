package dwarf2btf

import "mkbtf/btf"

// Unit is what one compilation unit (or one group of units that refer to each
// other) has turned into. It is valid until the worker that made it converts the
// next one.
type Unit struct {
	Name     string // DW_AT_name of the (first) unit
	Offset   uint64 // of the (first) unit in its section
	Language uint16 // DW_LANG of the (first) unit
	// Table holds the types of the unit's DIEs in the order of the DIEs (a type
	// before those that are nested in it), then types that no DIE of their own
	// stands for (TYPE_TAG, DECL_TAG, stand-ins), then the prototypes of Functions.
	// Start is 1. References by name are not resolved: a pointer to a forward
	// declaration leads to a FWD (or an ENUM without enumerators). Modifier chains
	// are short and free of cycles; corrupt input can give cycles through PTR,
	// ARRAY, FUNC_PROTO and anonymous STRUCT and UNION.
	//
	// A STRUCT, UNION or ENUM whose Extra is not 0 is the definition that Learn was told
	// of: Extra is its node, Ref how others refer to it, and its members are not there. It
	// is that one if Holds says so.
	Table *btf.Table
	// Roots is the number of types that belong in the output by themselves. Those
	// behind are prototypes of Functions, for the ones that are selected.
	Roots int
	// Functions are the candidates for FUNC records, in DIE order.
	Functions []Function
	// Variables are the candidates for VAR records, in DIE order.
	Variables []Variable
	// DeclFile[id-1] says in which file the type with that id is declared, as an
	// index into Files; 0 if that is not known (Files[0] is ""). Both are nil
	// unless Options.DeclFiles is set. Names are complete paths as far as the line
	// table and the compilation directory make them so.
	Files    []string
	DeclFile []uint32
}

// Tag is a DECL_TAG on a function, a variable or one of its parameters.
type Tag struct {
	Text      btf.Str
	Component int32 // parameter index, -1: the thing itself
}

// Function is a subprogram that may become a FUNC.
type Function struct {
	Name    btf.Str
	Linkage btf.Str // DW_AT_linkage_name, 0 if none
	Proto   btf.ID  // FUNC_PROTO in the unit's table
	LowPC   uint64  // address in the terms of Source.Sections; 0 if it has none
	Flags   FunctionFlags
	Why     string // for -v: which parameter, where it lies; "" if nothing is wrong
	DIE     uint64 // offset in .debug_info, for messages
	Tags    []Tag
	// Group is the index of the function's name in Converter.Symbols.
	Group int32
	// Likeness is equal for prototypes that the reference encoder takes for the
	// same: a hash that looks at the number and the types of the parameters, but not
	// at const, not at the content of what has a name, and not at parameter names.
	Likeness uint64
}

// FunctionFlags are facts about a candidate that decide whether it is written.
type FunctionFlags uint16

// The facts; pahole's names for them are in brackets.
const (
	FuncExternal      FunctionFlags = 1 << iota // DW_AT_external
	FuncOptimized                               // a parameter has no place at the entry [optimized_parms]
	FuncWrongRegister                           // a parameter lies where the ABI does not put it [unexpected_reg]
	FuncUncertain                               // a packed struct on the stack [uncertain_parm_loc]
	FuncReordered                               // parameters in another order than the source has [reordered_parm]
	FuncChanged                                 // clang says that the calling convention changed [signature_changed]
	FuncFolded                                  // has no address, but its unit's code holds the symbol of that name
	FuncFitted                                  // a copy whose prototype was fitted to what it takes; with FuncWrongRegister: in vain
)

// Variable is a variable with a static address.
type Variable struct {
	Name     btf.Str
	Type     btf.ID
	Addr     uint64 // in the terms of Source.Sections
	Size     uint32 // in bytes, from its type
	External bool
	DIE      uint64
	Tags     []Tag
}
