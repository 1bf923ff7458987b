package diff

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// formatVersion is the "version" of the JSON form. It changes when a field does
// that is already there.
const formatVersion = 1

// JSON writes the report as one JSON object with a version.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Version   int  `json:"version"`
		Different bool `json:"different"`
		*Report
	}{formatVersion, r.Different(), r})
}

// Write writes the report as text: a line for each difference with indented lines
// for its details, and the summary.
func (r *Report) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	for i := range r.Entries {
		r.Entries[i].write(b)
	}
	if r.Different() {
		b.WriteByte('\n')
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return r.Summary(w)
}

// Summary writes a table with a line for each kind, and a last line that says how
// many differences of each class there are.
func (r *Report) Summary(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if r.NameA != "" || r.NameB != "" {
		fmt.Fprintf(w, "A: %s\nB: %s\n", r.NameA, r.NameB)
	}
	fmt.Fprint(t, "KIND\tA\tB\tsame\tchanged\tonly A\tonly B\town copy A\town copy B\t\n")
	var sum KindCount
	row := func(name string, c KindCount) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name, c.A, c.B, c.Same, c.Changed, c.OnlyA, c.OnlyB, c.CopyA, c.CopyB)
	}
	for _, c := range r.Kinds {
		row(c.Kind, c)
		sum.A, sum.B, sum.Same, sum.Changed = sum.A+c.A, sum.B+c.B, sum.Same+c.Same, sum.Changed+c.Changed
		sum.RepeatA, sum.RepeatB = sum.RepeatA+c.RepeatA, sum.RepeatB+c.RepeatB
		sum.OnlyA, sum.OnlyB, sum.CopyA, sum.CopyB = sum.OnlyA+c.OnlyA, sum.OnlyB+c.OnlyB, sum.CopyA+c.CopyA, sum.CopyB+c.CopyB
	}
	row("all", sum)
	if err := t.Flush(); err != nil {
		return err
	}
	if err := repeats(w, "A", sum.RepeatA); err != nil {
		return err
	}
	if err := repeats(w, "B", sum.RepeatB); err != nil {
		return err
	}
	if !r.Different() {
		_, err := fmt.Fprintln(w, "no differences")
		return err
	}
	line := ""
	for _, c := range classOrder {
		if n := r.Count(c); n > 0 {
			line += fmt.Sprintf(", %d %s", n, c)
		}
	}
	_, err := fmt.Fprintf(w, "differences: %d (%s)\n", len(r.Entries), line[2:])
	return err
}

func repeats(w io.Writer, side string, n int) error {
	if n == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "%s repeats types of its own base: %d\n", side, n)
	return err
}

func (e *Entry) write(b *bufio.Writer) {
	fmt.Fprintf(b, "%s: %s", e.Class, e.Kind)
	if e.Name != "" {
		fmt.Fprintf(b, " '%s'", e.Name)
	}
	switch e.Class {
	case Count:
		fmt.Fprintf(b, ": %d in A, %d in B", e.A, e.B)
	case OnlyA, OnlyB:
		if e.A+e.B > 1 {
			fmt.Fprintf(b, ": %d in A, %d in B", e.A, e.B)
		}
	}
	if e.Text != "" {
		fmt.Fprintf(b, ": %s", e.Text)
	}
	b.WriteString(e.idText())
	b.WriteByte('\n')
	for i := range e.Details {
		e.Details[i].write(b)
	}
}

// idText names an example of the type in either side.
func (e *Entry) idText() string {
	switch {
	case e.IDA != 0 && e.IDB != 0:
		return fmt.Sprintf(" [A %d, B %d]", e.IDA, e.IDB)
	case e.IDA != 0:
		return fmt.Sprintf(" [A %d]", e.IDA)
	case e.IDB != 0:
		return fmt.Sprintf(" [B %d]", e.IDB)
	}
	return ""
}

func (d *Detail) write(b *bufio.Writer) {
	b.WriteString("\t")
	if d.Where != "" {
		b.WriteString(d.Where + " ")
	}
	switch {
	case d.A == "" && d.B == "":
		b.WriteString(d.What)
	case d.B == "":
		fmt.Fprintf(b, "%s only in A: %s", d.What, d.A)
	case d.A == "":
		fmt.Fprintf(b, "%s only in B: %s", d.What, d.B)
	default:
		fmt.Fprintf(b, "%s: %s -> %s", d.What, d.A, d.B)
	}
	b.WriteByte('\n')
}
