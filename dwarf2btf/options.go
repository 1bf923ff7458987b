package dwarf2btf

// Features switch on parts of the encoding. The names in brackets are pahole's
// (--btf_features).
type Features struct {
	Floats   bool // FLOAT instead of INT for floating point [float]
	Enum64   bool // ENUM64 for enumerations of 8 bytes [enum64]; without, their values are cut
	TypeTags bool // TYPE_TAG for btf_type_tag [type_tag]
	DeclTags bool // DECL_TAG for btf_decl_tag [decl_tag]
	// NestedArrays writes an array of two dimensions as an ARRAY of ARRAYs, as pahole
	// does since 1.32; without it is one ARRAY of all elements.
	NestedArrays bool
}

// KernelFeatures is what the kernel's build asks pahole for since Linux 6.12.
var KernelFeatures = Features{Floats: true, Enum64: true, TypeTags: true, DeclTags: true}

// VariableScope says which variables become Unit.Variables.
type VariableScope uint8

// The scopes; pahole's features are in brackets.
const (
	PerCPUVariables VariableScope = iota // those in .data..percpu [var]
	NoVariables
	AllVariables // those in any section [global_var]
)

// Options say what is converted and how. The zero Options convert all units but
// those of C++, Rust and assembly with no optional feature; see DefaultOptions.
type Options struct {
	Features  Features
	Variables VariableScope

	// ExcludeLanguages lists DW_LANG codes of units that give nothing. nil means
	// DefaultExcluded, an empty list none.
	ExcludeLanguages []uint16

	// AllFunctions makes functions candidates that no symbol of type FUNC stands for.
	AllFunctions bool

	// Copies fits the prototypes of the optimizer's copies (f.isra.0, f.constprop.1) to
	// the parameters that they still take.
	Copies bool

	// DeclFiles asks for Unit.Files and Unit.DeclFile.
	DeclFiles bool

	// NamePrefix, if not "", is taken for the whole name where a name starts with it:
	// names that macros number would keep equal types apart (pahole's --kabi_prefix).
	NamePrefix string

	// Explain fills in Function.Why.
	Explain bool

	// Note, if not nil, is told of everything that BTF cannot express and of what
	// became of it. Workers call it concurrently.
	Note func(Note)
}

// DefaultOptions are those of the kernel's own build.
func DefaultOptions() Options { return Options{Features: KernelFeatures} }

// DefaultExcluded lists the languages that are left out unless asked for: every
// C++ and Rust, whose names and types BTF can express only in part, and assembly,
// whose functions have no prototypes (pahole calls them all void f(void)).
func DefaultExcluded() []uint16 {
	return []uint16{
		LangCPlusPlus, LangCPlusPlus03, LangCPlusPlus11, LangCPlusPlus14, LangCPlusPlus17, LangCPlusPlus20, LangCPlusPlus23,
		LangRust, langRustOld, LangMipsAssembler, LangAssembly,
	}
}
