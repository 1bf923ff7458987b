package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"sync"

	"mkbtf/internal/compare"
)

var (
	//go:embed page.html.tmpl
	pageText string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string

	pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageText)) })
)

// WriteHTML writes a page with the plot, the tables and a list of all modules that can
// be sorted and filtered. The page needs no other file and reaches for nothing. The error
// is that of w.
func WriteHTML(w io.Writer, r *compare.Report) error {
	p := page{
		Title: "What BTF costs these modules", Tool: r.Tool, Intro: intro(r),
		CSS: template.CSS(pageCSS + dotStyles()), JS: template.JS(pageJS),
		Packed: hasPacked(r), Dictionary: r.Dictionary != nil, Reach: reachMeasured(r),
		Notes: notes(r), Failed: r.Failed,
	}
	for i := range r.Forms {
		p.Rows = append(p.Rows, p.row(&r.Forms[i]))
	}
	for i := range r.NoDWARF {
		f := &r.NoDWARF[i]
		p.NoDWARF = append(p.NoDWARF, formRow{Label: f.Label, Cells: []cell{{Text: count(f.Modules)}, {Text: Bytes(f.File.Total)}, {Text: Bytes(f.BTF.Total)}}})
	}
	p.kernels(r)
	p.Data = listOf(r, p.Packed)
	var plotted bytes.Buffer
	drawSVG(&plotted, plot(r))
	p.Plot = template.HTML(plotted.String())
	var out bytes.Buffer
	if err := pageTemplate().Execute(&out, p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// page is what the template shows.
type page struct {
	Title, Tool, Intro        string
	CSS                       template.CSS
	JS                        template.JS
	Plot                      template.HTML
	Packed, Dictionary, Reach bool
	Rows, NoDWARF             []formRow
	Notes, KernelForms        []string
	Kernels                   []kernelRow
	Failed                    []compare.Failure
	Data                      list
}

type formRow struct {
	Class, Label, Reach, Programs string
	Cells, Compressed, Spread     []cell
}

type kernelRow struct {
	Name  string
	Base  bool
	Cells []cell
}

// cell is one of a table; Exact is the number without rounding.
type cell struct{ Text, Exact string }

func bytesCell(n int64) cell { return cell{Bytes(n), count(int(n)) + " bytes"} }

// dotStyles are the colours of the forms, as in the plot.
func dotStyles() string {
	var light, dark bytes.Buffer
	for c := tintNone; c <= tintFound; c++ {
		fmt.Fprintf(&light, ".dot.%s { background: %s; }\n", tintClasses[c], colours[c][0])
		fmt.Fprintf(&dark, "\t.dot.%s { background: %s; }\n", tintClasses[c], colours[c][1])
	}
	return light.String() + "@media (prefers-color-scheme: dark) {\n" + dark.String() + "}\n"
}

func hasPacked(r *compare.Report) bool {
	for i := range r.Forms {
		if r.Forms[i].Packed != nil {
			return true
		}
	}
	return false
}

func (p *page) row(f *compare.FormTotals) formRow {
	row := formRow{Class: tintClasses[tints[f.ID]], Label: f.Label, Reach: f.Reach, Programs: f.Programs}
	add := func(cells ...cell) { row.Cells = append(row.Cells, cells...) }
	add(bytesCell(f.File.Total), ratio(f.FileOverNone), ratio(f.FileOverSplit), bytesCell(f.BTF.Total), ratio(f.BTFOverSplit))
	add(bytesCell(f.Memory.Total))
	if p.Reach {
		c := cell{}
		if f.Portability != nil {
			c.Text = share(*f.Portability)
		}
		add(c)
	}
	row.Compressed = p.compressed(f)
	for _, s := range []*compare.Stat{&f.File, &f.BTF} {
		largest := bytesCell(s.Largest)
		if s.LargestModule != "" {
			largest.Exact += ": " + s.LargestModule
		}
		row.Spread = append(row.Spread, bytesCell(s.Median), bytesCell(s.P90), largest)
	}
	row.Spread = append(row.Spread, cell{count(f.WithBTF) + " of " + count(f.Modules), ""})
	return row
}

func ratio(v float64) cell { return cell{Text: over(v)} }

func (p *page) compressed(f *compare.FormTotals) []cell {
	out := make([]cell, 0, 6)
	if p.Packed && f.Packed != nil {
		out = append(out, bytesCell(f.Packed.Total), ratio(f.PackedOverNone), ratio(f.PackedOverSplit))
	} else if p.Packed {
		out = append(out, cell{}, cell{}, cell{})
	}
	if !p.Dictionary {
		return out
	}
	switch d := f.WithDictionary; {
	case d == nil:
		return append(out, cell{}, cell{}, cell{})
	case d.Error != "":
		return append(out, cell{"none", d.Error}, cell{}, cell{})
	default:
		return append(out, bytesCell(d.TotalWithSize), ratio(d.OverNone), ratio(d.OverSplit))
	}
}

// kernels fills the table of which kernel takes what.
func (p *page) kernels(r *compare.Report) {
	var forms []*compare.FormTotals
	for i := range r.Forms {
		if f := &r.Forms[i]; len(f.Accepted) == len(r.Kernels) && f.WithBTF > 0 {
			forms = append(forms, f)
			p.KernelForms = append(p.KernelForms, f.Label)
		}
	}
	if len(forms) == 0 {
		return
	}
	for i, k := range r.Kernels {
		row := kernelRow{Name: k.Name, Base: k.Base}
		for _, f := range forms {
			row.Cells = append(row.Cells, cell{share(float64(f.Accepted[i]) / float64(f.WithBTF)), count(f.Accepted[i]) + " of " + count(f.WithBTF)})
		}
		p.Kernels = append(p.Kernels, row)
	}
}

func intro(r *compare.Report) string {
	if none := r.Form(compare.FormNone); none != nil && none.Modules > 0 {
		return subtitle(r, none)
	}
	return "No module with debug information was measured."
}

// notes say how the figures of the table came about.
func notes(r *compare.Report) []string {
	out := []string{"Modules are counted without debug information. BTF is the sections .BTF and .BTF.base."}
	if r.NoBase != "" {
		out = append(out, r.NoBase)
	}
	if r.Compression.Encoder != "" {
		out = append(out, "Compressed: each module by itself, with "+r.Compression.Encoder+".")
	}
	if d := r.Dictionary; d != nil {
		out = append(out, "Dictionary: trained by "+d.Trainer+" on the half of the modules that it is not measured on, at most "+Bytes(d.Limit)+
			", which is counted; used by "+d.Encoder+".")
	}
	if reachMeasured(r) {
		out = append(out, "Taken by other kernels: the share of modules with BTF that is taken by "+otherKernels(r)+".")
	}
	return append(out, "Kernel memory: what a kernel keeps of the BTF when all these modules are loaded.")
}
