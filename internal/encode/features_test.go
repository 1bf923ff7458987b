package encode

import (
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
)

func TestParseFeatures(t *testing.T) {
	defaults := DefaultFeatures()
	with := func(f Features, change func(*Features)) Features { change(&f); return f }
	none := Features{Variables: dwarf2btf.NoVariables}
	tests := []struct {
		name, lists string // lists with spaces between them
		want        Features
		remarks     []string
	}{
		{"nothing", "", none, nil},
		{"default", "default", defaults, nil},
		{"plus", "+attributes", with(defaults, func(f *Features) { f.KFuncPointers = true }), nil},
		{"plus alone", "+", defaults, nil},
		{"default in a list", "layout,default", with(defaults, func(f *Features) { f.Layout = true }), nil},
		{"lists add up", "float var", with(none, func(f *Features) {
			f.Converter.Floats, f.Variables = true, dwarf2btf.PerCPUVariables
		}), nil},
		{"all variables", "global_var,var", with(none, func(f *Features) { f.Variables = dwarf2btf.AllVariables }), nil},
		{
			"as Linux 6.12 asks", "encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func,decl_tag_kfuncs",
			defaults,
			[]string{"feature encode_force has no effect", "feature optimized_func has no effect"},
		},
		{"always", "+reproducible_build", defaults, []string{"feature reproducible_build has no effect"}},
		{"unknown", "inline,float,,all", with(none, func(f *Features) { f.Converter.Floats = true }), []string{"feature inline is not known", "feature all is not known"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, remarks := ParseFeatures(strings.Fields(tt.lists))
			if got != tt.want {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
			if !slices.EqualFunc(remarks, tt.remarks, strings.HasPrefix) {
				t.Errorf("remarks %q, want %q", remarks, tt.remarks)
			}
		})
	}
	for _, name := range FeatureNames() {
		_, remarks := ParseFeatures([]string{name})
		if len(remarks) > 0 && strings.Contains(remarks[0], "not known") || len(remarks) == 0 && always[name] != "" {
			t.Errorf("%s: %q", name, remarks)
		}
	}
}

// TestFeatures encodes with and without each feature and looks for what it is for.
func TestFeatures(t *testing.T) {
	const gcc, clang = "../../testdata/obj/x86_64-gcc-dwarf5/", "../../testdata/obj/x86_64-clang-dwarf5/"
	kind := func(k btf.Kind, name string) func(*btf.Blob) bool {
		return func(b *btf.Blob) bool {
			for id := b.Start(); id < b.End(); id++ {
				if r := b.Record(id); r.Kind() == k && (name == "" || string(b.StringAt(r.NameOff)) == name) {
					return true
				}
			}
			return false
		}
	}
	tests := []struct {
		feature, file string
		has           func(*btf.Blob) bool
	}{
		{"float", gcc + "types.ko", kind(btf.Float, "")},
		{"enum64", gcc + "types.ko", kind(btf.Enum64, "")},
		{"type_tag", clang + "tags.ko", kind(btf.TypeTag, "")},
		{"decl_tag", clang + "tags.ko", kind(btf.DeclTag, "")},
		{"var", gcc + "scopes.ko", kind(btf.DataSec, ".data..percpu")},
		{"global_var", gcc + "scopes.ko", kind(btf.DataSec, ".data")},
		{"decl_tag_kfuncs", "../../testdata/kfuncs.ko", kind(btf.DeclTag, "bpf_kfunc")},
		{"layout", gcc + "types.ko", func(b *btf.Blob) bool { return b.Header.LayoutLen > 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.feature, func(t *testing.T) {
			for _, on := range []bool{false, true} {
				list := "consistent_func"
				if on {
					list += "," + tt.feature
				}
				features, _ := ParseFeatures([]string{list})
				e, err := New(Options{Form: SelfContained, Detached: true, Features: &features})
				if err != nil {
					t.Fatal(err)
				}
				out, err := e.Open(tt.file, true)
				if err != nil {
					t.Fatal(err)
				}
				b, err := btf.Parse(out.BTF, nil)
				if err != nil {
					t.Fatal(err)
				}
				if tt.has(b) != on {
					t.Errorf("%s: %v although the feature is %v", tt.file, tt.has(b), on)
				}
			}
		})
	}
}

// TestVariablesOfKbuild encodes the variables of a module without those of the file that
// kbuild adds to it: whose types, such as struct modversion_info, stay out as well.
func TestVariablesOfKbuild(t *testing.T) {
	features, _ := ParseFeatures([]string{"+global_var"})
	e, err := New(Options{Form: SelfContained, Features: &features})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Open("../../testdata/hello.ko", true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := btf.Parse(out.BTF, nil)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for id := b.Start(); id < b.End(); id++ {
		if r := b.Record(id); r.Kind() == btf.Var {
			names[string(b.StringAt(r.NameOff))] = true
		}
	}
	if !names["ring"] || names["____versions"] || names["__this_module"] {
		t.Errorf("variables %v", names)
	}
}
