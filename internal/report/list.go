package report

import (
	"path"
	"strings"

	"mkbtf/internal/compare"
)

// list is what the page's script makes the list of modules from.
type list struct {
	Forms    []listForm  `json:"forms"`
	Kernels  []string    `json:"kernels"`
	Measures [][2]string `json:"measures"` // what can be shown: id and label
	Modules  []any       `json:"modules"`

	Root string `json:"-"` // folder that all modules lie in, which their paths leave out
}

type listForm struct {
	ID    compare.FormID `json:"id"`
	Label string         `json:"label"`
}

func listOf(r *compare.Report, packed bool) list {
	l := list{Forms: []listForm{}, Kernels: []string{}, Modules: []any{}, Measures: [][2]string{{"file", "module"}, {"btf", "BTF alone"}}}
	for i := range r.Forms {
		l.Forms = append(l.Forms, listForm{r.Forms[i].ID, r.Forms[i].Label})
	}
	if len(r.Forms) == 0 {
		for i := range r.NoDWARF {
			l.Forms = append(l.Forms, listForm{r.NoDWARF[i].ID, r.NoDWARF[i].Label})
		}
	}
	if packed {
		l.Measures = append(l.Measures, [2]string{"packed", "compressed module"})
	}
	if r.Dictionary != nil {
		l.Measures = append(l.Measures, [2]string{"dictionary", "compressed with a dictionary"})
	}
	l.Measures = append(l.Measures, [2]string{"memory", "kernel memory"})
	if len(r.Kernels) > 0 {
		l.Measures = append(l.Measures, [2]string{"loads", "kernels that take it"})
	}
	for _, k := range r.Kernels {
		l.Kernels = append(l.Kernels, k.Name)
	}
	l.Root = commonRoot(r.Modules)
	for i := range r.Modules {
		m := &r.Modules[i]
		sizes := make([]any, len(l.Forms))
		for j, f := range l.Forms {
			if s := m.Size(f.ID); s != nil {
				sizes[j] = []any{s.File, s.BTF, s.Packed, s.WithDictionary, s.Memory, digits(s.Loads)}
			}
		}
		l.Modules = append(l.Modules, []any{strings.TrimPrefix(m.Path, l.Root), m.Found, sizes})
	}
	return l
}

// digits writes truth values as 0 and 1.
func digits(values []bool) string {
	out := make([]byte, len(values))
	for i, v := range values {
		out[i] = '0'
		if v {
			out[i] = '1'
		}
	}
	return string(out)
}

// commonRoot is the longest folder, with a slash at its end, that all paths begin with.
func commonRoot(modules []compare.Module) string {
	if len(modules) == 0 {
		return ""
	}
	root, _ := path.Split(modules[0].Path)
	for i := range modules {
		for !strings.HasPrefix(modules[i].Path, root) {
			root, _ = path.Split(strings.TrimSuffix(root, "/"))
		}
	}
	return root
}
