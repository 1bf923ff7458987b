package encode

import (
	"strings"
	"testing"

	"mkbtf/btf"
)

// TestFunctionFeatures looks at some functions of a fixture with the features that
// concern functions; "": there is no FUNC of that name.
func TestFunctionFeatures(t *testing.T) {
	for _, tt := range []struct {
		features string
		want     map[string]string
	}{
		{"+default", map[string]string{
			"opt_entry": "static s v", "stays_weak": "static v", "same_name": "",
			"opt_unused": "", "opt_unused.constprop.0": "", "opt_constant.constprop.0": "",
		}},
		{"+true_signature", map[string]string{
			"opt_entry": "static s v", "opt_unused": "",
			"opt_unused.constprop.0":   "static kept also", // the first parameter is gone
			"opt_constant.constprop.0": "static a",
			"opt_by_field.isra.0":      "", // a pointer has become a field, of which DWARF says nothing
			"opt_partial.part.0":       "",
		}},
		{"+true_signature,linkage", map[string]string{
			"opt_entry": "global s v", "stays_weak": "global v", "opt_constant.constprop.0": "static a",
		}},
	} {
		t.Run(tt.features, func(t *testing.T) {
			f, remarks := ParseFeatures([]string{tt.features})
			if len(remarks) > 0 {
				t.Fatal(remarks)
			}
			e, err := New(Options{Form: SelfContained, Features: &f})
			if err != nil {
				t.Fatal(err)
			}
			out, err := e.Open("../../testdata/obj/x86_64-gcc-dwarf5/scopes.ko", true)
			if err != nil {
				t.Fatal(err)
			}
			b, err := btf.Parse(out.BTF, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			tab := b.Table(nil)
			for i := range tab.Types {
				typ := &tab.Types[i]
				if typ.Kind != btf.Func {
					continue
				}
				words := []string{[]string{"static", "global"}[typ.Extra]}
				for _, p := range tab.MembersOf(tab.At(typ.Ref)) {
					words = append(words, tab.Name(p.Name))
				}
				got[tab.Name(typ.Name)] = strings.Join(words, " ")
			}
			for name, want := range tt.want {
				if got[name] != want {
					t.Errorf("%s: %q, want %q", name, got[name], want)
				}
			}
		})
	}
}
