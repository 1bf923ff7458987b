package encode

import (
	"fmt"
	"slices"
	"strings"

	"mkbtf/dwarf2btf"
)

// Features switch parts of the encoding on and off. They have the names that pahole
// gives them (--btf_features), in brackets.
type Features struct {
	Converter     dwarf2btf.Features      // [float], [enum64], [type_tag], [decl_tag]
	Variables     dwarf2btf.VariableScope // [var], [global_var]; without either none
	Consistent    bool                    // refuse functions of one name with different prototypes [consistent_func]
	TrueSignature bool                    // write what the optimizer has made of functions under the names of the copies [true_signature]
	KFuncTags     bool                    // DECL_TAG bpf_kfunc and bpf_fastcall [decl_tag_kfuncs]
	KFuncPointers bool                    // attributes of kfuncs' pointers into arenas [attributes]
	Layout        bool                    // the layout section, where there is no base [layout]
	DistilledBase bool                    // form auto is distilled [distilled_base]
	// Linkage gives FUNCs of functions that are not static the linkage global. It is
	// ours, by the name linkage: pahole calls all functions static.
	Linkage bool
}

// DefaultFeatures are those that the kernel's own build asks for.
func DefaultFeatures() Features {
	return Features{Converter: dwarf2btf.KernelFeatures, Consistent: true, KFuncTags: true}
}

// settleFeatures applies the features that concern the form.
func (e *Encoder) settleFeatures() {
	if e.features.DistilledBase {
		if e.form == Auto {
			e.form = Distilled
		} else if e.form != Distilled {
			e.opts.note("", "feature distilled_base has no effect: --form %s goes before it", e.form)
		}
	}
	if e.features.Layout && !(e.form == SelfContained && e.opts.Detached) {
		e.opts.note("", "feature layout has no effect: a layout belongs into BTF that has no base, --form self-contained --detached")
	}
}

// selection gives the options for choosing functions.
func (f *Features) selection() dwarf2btf.SelectOptions {
	return dwarf2btf.SelectOptions{Consistent: f.Consistent, Copies: f.TrueSignature}
}

// always says why some features cannot be switched.
var always = map[string]string{
	"encode_force":       "what BTF cannot express never stops the rest",
	"optimized_func":     "functions are always looked at by what their code does",
	"reproducible_build": "the same input always gives the same bytes",
}

// inDefault are the features that pahole means by "default", without those that
// have no effect.
var inDefault = []string{"var", "float", "decl_tag", "type_tag", "enum64", "consistent_func", "decl_tag_kfuncs"}

// ParseFeatures reads lists of features as pahole takes them: what is not named is
// off, several lists add up, "default" names those that are on by default, and so does a
// "+" before a list. remarks say which names have no effect and why, and which are
// not known; neither is an error. Besides pahole's names it takes "linkage".
func ParseFeatures(lists []string) (f Features, remarks []string) {
	f.Variables = dwarf2btf.NoVariables
	set := func(name string) bool {
		switch name {
		case "var":
			if f.Variables == dwarf2btf.NoVariables {
				f.Variables = dwarf2btf.PerCPUVariables
			}
		case "global_var":
			f.Variables = dwarf2btf.AllVariables
		case "float":
			f.Converter.Floats = true
		case "decl_tag":
			f.Converter.DeclTags = true
		case "type_tag":
			f.Converter.TypeTags = true
		case "enum64":
			f.Converter.Enum64 = true
		case "consistent_func":
			f.Consistent = true
		case "decl_tag_kfuncs":
			f.KFuncTags = true
		case "attributes":
			f.KFuncPointers = true
		case "true_signature":
			f.TrueSignature = true
		case "layout":
			f.Layout = true
		case "distilled_base":
			f.DistilledBase = true
		case "linkage":
			f.Linkage = true
		default:
			return false
		}
		return true
	}
	for _, list := range lists {
		rest, plus := strings.CutPrefix(list, "+")
		names := strings.Split(rest, ",")
		if plus || slices.Contains(names, "default") {
			for _, name := range inDefault {
				set(name)
			}
		}
		for _, name := range names {
			why, fixed := always[name]
			switch {
			case name == "default" || name == "" || set(name):
			case fixed:
				remarks = append(remarks, fmt.Sprintf("feature %s has no effect: %s", name, why))
			default:
				remarks = append(remarks, fmt.Sprintf("feature %s is not known and has no effect", name))
			}
		}
	}
	return f, remarks
}

// FeatureNames are all of pahole's that ParseFeatures knows, in pahole's order. It knows
// linkage besides.
func FeatureNames() []string {
	return []string{
		"encode_force", "var", "float", "decl_tag", "type_tag", "enum64", "optimized_func", "consistent_func",
		"decl_tag_kfuncs", "reproducible_build", "distilled_base", "global_var", "attributes", "true_signature", "layout",
	}
}
