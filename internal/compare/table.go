package compare

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteText writes the report as tables for people; with perModule one line for each
// module, too.
func (r *Report) WriteText(w io.Writer, perModule bool) error {
	p := &printer{w: w, r: r}
	p.head()
	if len(r.Forms) > 0 {
		p.files(r.Forms)
		p.btf(r.Forms)
		p.loads(r.Forms)
		p.words(r.Forms)
	}
	if len(r.NoDWARF) > 0 {
		p.printf("\nWithout DWARF, as they are:\n")
		p.files(r.NoDWARF)
		p.btf(r.NoDWARF)
		p.loads(r.NoDWARF)
	}
	if perModule {
		p.modules()
	}
	p.failed()
	return p.err
}

type printer struct {
	w   io.Writer
	r   *Report
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// table writes lines of cells, the first column to the left.
func (p *printer) table(lines [][]string) {
	if p.err != nil || len(lines) < 2 {
		return
	}
	p.printf("\n")
	// tabwriter aligns all columns to one side: the first is padded here.
	widest := 0
	for _, l := range lines {
		widest = max(widest, len(l[0]))
	}
	t := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, l := range lines {
		fmt.Fprintf(t, "%-*s", widest, l[0])
		for _, cell := range l[1:] {
			fmt.Fprintf(t, "\t%s", cell)
		}
		fmt.Fprint(t, "\t\n")
	}
	p.err = errors.Join(p.err, t.Flush())
}

func (p *printer) head() {
	r := p.r
	with := 0
	for i := range r.Modules {
		if r.Modules[i].DWARF {
			with++
		}
	}
	p.printf("%s modules", number(int64(len(r.Modules))))
	if without := len(r.Modules) - with; without > 0 {
		p.printf(", %d of them without DWARF", without)
	}
	if r.Base != nil {
		p.printf("; split and distilled are for %s", r.Base.Name)
	}
	p.printf("; sizes in bytes\n")
	if r.Compression.Encoder != "" {
		p.printf("%s: each file by itself, by %s\n", r.Compression.Method, r.Compression.Encoder)
	}
	if d := r.Dictionary; d != nil {
		p.printf("dictionary: up to %s bytes, for each half of the modules trained on the other by %s\n", number(d.Limit), d.Trainer)
	}
	if r.NoBase != "" {
		p.printf("split and distilled: left out, %s\n", r.NoBase)
	}
}

func (p *printer) files(list []FormTotals) {
	r := p.r
	head := []string{"modules, stripped", "total", "to none", "to split", "median", "p90", "largest"}
	if r.Base == nil {
		head = []string{"modules, stripped", "total", "to none", "median", "p90", "largest"}
	}
	packed := r.Compression.Method != methodNone
	if packed {
		head = append(head, r.Compression.Method, "to none", "median", "p90")
	}
	if r.Dictionary != nil {
		head = append(head, "+dictionary", "all", "to none")
	}
	lines := [][]string{head}
	for i := range list {
		t := &list[i]
		l := []string{t.Label, number(t.File.Total), times(t.FileOverNone)}
		if r.Base != nil {
			l = append(l, times(t.FileOverSplit))
		}
		l = append(l, number(t.File.Median), number(t.File.P90), number(t.File.Largest))
		if packed {
			l = append(l, number(t.Packed.Total), times(t.PackedOverNone), number(t.Packed.Median), number(t.Packed.P90))
		}
		if d := t.WithDictionary; d != nil && d.Error == "" {
			l = append(l, number(d.Size), number(d.TotalWithSize), times(d.OverNone))
		} else if d != nil {
			l = append(l, "-", "-", "-")
		}
		lines = append(lines, l)
	}
	p.table(lines)
	said := ""
	for i := range list {
		if d := list[i].WithDictionary; d != nil && d.Error != "" && d.Error != said {
			said = d.Error
			p.printf("no dictionary: %s\n", said)
		}
	}
}

func (p *printer) btf(list []FormTotals) {
	head := []string{"BTF", "total", "to split", "median", "p90", "largest", ".BTF.base", "modules with it", "kernel memory"}
	if p.r.Base == nil {
		head = []string{"BTF", "total", "median", "p90", "largest", ".BTF.base", "modules with it", "kernel memory"}
	}
	lines := [][]string{head}
	for i := range list {
		t := &list[i]
		if t.ID == FormNone {
			continue
		}
		l := []string{t.Label, number(t.BTF.Total)}
		if p.r.Base != nil {
			l = append(l, times(t.BTFOverSplit))
		}
		lines = append(lines, append(l, number(t.BTF.Median), number(t.BTF.P90), number(t.BTF.Largest), number(t.Base), strconv.Itoa(t.WithBTF), number(t.Memory.Total)))
	}
	p.table(lines)
}

func (p *printer) loads(list []FormTotals) {
	if len(p.r.Kernels) == 0 {
		return
	}
	head := []string{"modules whose BTF loads on"}
	for i := range p.r.Kernels {
		head = append(head, fmt.Sprintf("kernel %d", i+1))
	}
	lines := [][]string{head}
	for i := range list {
		t := &list[i]
		if t.ID == FormNone {
			continue
		}
		l := []string{t.Label}
		for _, n := range t.Accepted {
			l = append(l, strconv.Itoa(n))
		}
		lines = append(lines, l)
	}
	p.table(lines)
	for i := range p.r.Kernels {
		k := &p.r.Kernels[i]
		where := ""
		if k.Name != k.Path {
			where = " (" + k.Path + ")"
		}
		p.printf("kernel %d: %s%s\n", i+1, k.Name, where)
	}
}

// words says what each form is good for.
func (p *printer) words(list []FormTotals) {
	p.printf("\n")
	for i := range list {
		if t := &list[i]; t.ID != FormFound {
			p.printf("%s: loads on %s.\n    BPF programs: %s.\n", t.Label, t.Reach, t.Programs)
		}
	}
}

func (p *printer) modules() {
	head := []string{"module"}
	for i := range p.r.Forms {
		head = append(head, string(p.r.Forms[i].ID))
	}
	if len(p.r.Forms) == 0 {
		head = append(head, string(FormNone), string(FormFound))
	}
	lines := [][]string{head}
	for i := range p.r.Modules {
		m := &p.r.Modules[i]
		l := []string{filepath.Base(m.Path)}
		for _, id := range head[1:] {
			if s := m.Size(FormID(id)); s == nil {
				l = append(l, "-")
			} else if s.Packed > 0 {
				l = append(l, number(s.File)+" ("+number(s.Packed)+")")
			} else {
				l = append(l, number(s.File))
			}
		}
		lines = append(lines, l)
	}
	p.table(lines)
}

func (p *printer) failed() {
	if n := len(p.r.Failed); n > 0 {
		p.printf("\nnot measured, in no total: %d modules\n", n)
	}
}

// number writes a number with commas.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// times writes a ratio as per cent more or less.
func times(x float64) string {
	if x == 0 {
		return "-"
	}
	s := strconv.FormatFloat((x-1)*100, 'f', 1, 64)
	switch {
	case s == "0.0" || s == "-0.0":
		return "="
	case !strings.HasPrefix(s, "-"):
		s = "+" + s
	}
	return s + "%"
}
