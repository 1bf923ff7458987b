package kbuild

import (
	"slices"
	"strings"

	"mkbtf/internal/encode"
)

// defaultFeatures are those that "default", or a plus sign, stands for.
var defaultFeatures = []string{
	"encode_force", "var", "float", "decl_tag", "type_tag", "enum64", "optimized_func", "consistent_func", "decl_tag_kfuncs",
}

// legacyFeatures are on without any --btf_features: what pahole did before 1.26.
var legacyFeatures = []string{"var", "decl_tag", "type_tag", "enum64"}

// featureSwitches are the options of pahole before 1.26, with the feature that each
// switches on or off.
var featureSwitches = map[string]struct {
	feature string
	on      bool
}{
	"btf_gen_all":                          {"float", true}, // all that it has ever added
	"btf_gen_floats":                       {"float", true},
	"btf_gen_optimized":                    {"optimized_func", true},
	"btf_encode_force":                     {"encode_force", true},
	"btf_attributes":                       {"attributes", true},
	"reproducible_build":                   {"reproducible_build", true},
	"skip_encoding_btf_vars":               {"var", false},
	"skip_encoding_btf_decl_tag":           {"decl_tag", false},
	"skip_encoding_btf_type_tag":           {"type_tag", false},
	"skip_encoding_btf_enum64":             {"enum64", false},
	"skip_encoding_btf_inconsistent_proto": {"consistent_func", true},
}

// featureSet collects features as pahole does: the first list switches all off that
// it does not name, further ones add to it.
type featureSet struct {
	on     map[string]bool
	listed bool
}

func newFeatureSet() *featureSet {
	f := &featureSet{on: map[string]bool{}}
	f.add(legacyFeatures)
	return f
}

func (f *featureSet) add(names []string) {
	for _, n := range names {
		f.on[n] = true
	}
}

// list adds a list such as "var,float", "default,attributes" or
// "+reproducible_build". It returns the names that are not known.
func (f *featureSet) list(list string) (unknown []string) {
	if !f.listed {
		clear(f.on)
		f.listed = true
	}
	list, plus := strings.CutPrefix(list, "+")
	if plus {
		f.add(defaultFeatures)
	}
	for name := range strings.SplitSeq(list, ",") {
		switch {
		case name == "default":
			f.add(defaultFeatures)
		case slices.Contains(encode.FeatureNames(), name):
			f.on[name] = true
		case name != "":
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// names lists what is on, in pahole's order.
func (f *featureSet) names() []string {
	return slices.DeleteFunc(encode.FeatureNames(), func(n string) bool { return !f.on[n] })
}
