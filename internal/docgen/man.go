package docgen

import (
	"fmt"
	"strings"

	"mkbtf/internal/lazy"
)

// page is a manual page that is being written.
type page struct{ strings.Builder }

func (w *page) line(format string, args ...any) {
	fmt.Fprintf(w, format+"\n", args...)
}

// roffEscapes keep characters what they are: roff would print other ones for them.
var roffEscapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)

// escape makes text stand for itself, also at the beginning of a line.
func escape(s string) string {
	s = roffEscapes.Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}

// option is one in running text, after a space or what can open a word.
var option = lazy.Regexp(`(^|[ ("])(\\-(?:\\-)?[A-Za-z](?:[\w]|\\-)*)`)

// prose escapes text and makes the options in it bold.
func prose(s string) string {
	return option().ReplaceAllString(escape(s), `$1\fB$2\fR`)
}

func (p *Program) begin(w *page, name, summary string) {
	date := ""
	if !p.Date.IsZero() {
		date = p.Date.UTC().Format("2006-01-02")
	}
	w.line(`.\" Made by %s --generate-docs from its help; do not edit.`, p.Name)
	w.line(`.TH %s 1 "%s" "%s" "User Commands"`, strings.ToUpper(escape(name)), date, escape(strings.TrimSpace(p.Name+" "+p.Version)))
	w.line(".SH NAME\n%s \\- %s", escape(name), escape(summary))
}

// synopsis writes the lines of a usage: one a form; lines that are indented go on.
func (w *page) synopsis(lines []string) {
	w.line(".SH SYNOPSIS")
	for i, l := range lines {
		if i > 0 {
			w.line(".br")
		}
		l = escape(strings.TrimSpace(l))
		w.line("%s", placeholders().ReplaceAllString(bold().ReplaceAllString(l, `\fB$0\fR`), `\fI$0\fR`))
	}
}

var (
	// bold are a program's name and an option in an escaped usage.
	bold = lazy.Regexp(`^[a-z_]+(?: [a-z_](?:[a-z_]|\\-)*)*|\\-(?:\\-)?[A-Za-z](?:[\w]|\\-)*`)
	// placeholders are those in an escaped usage.
	placeholders = lazy.Regexp(`\b[A-Z][A-Z]+\b|\b[ABX]\b`)
)

// blocks writes paragraphs and lists, as the beginning of a section.
func (w *page) blocks(all []block) {
	for i, b := range all {
		switch {
		case b.tag != "":
			w.line(".TP\n%s\n%s", prose(b.tag), orNothing(prose(b.text)))
		case i > 0:
			w.line(".PP\n%s", prose(b.text))
		default:
			w.line("%s", prose(b.text))
		}
	}
}

// orNothing keeps an item without a description from taking the next line.
func orNothing(s string) string {
	if s == "" {
		return `\&`
	}
	return s
}

// section writes one of a help text, if it is there.
func (w *page) section(title string, lines []string) {
	if b := blocks(lines); len(b) > 0 {
		w.line(".SH %s", title)
		w.blocks(b)
	}
}

// literal writes lines as they are.
func (w *page) literal(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	w.line(".SH %s\n.nf", title)
	for _, l := range lines {
		w.line("%s", escape(strings.TrimPrefix(l, "  ")))
	}
	w.line(".fi")
}

func (w *page) options(c *Command) {
	for _, f := range c.flags() {
		head := `\fB` + escape("--"+f.Name) + `\fR`
		if f.Shorthand != "" {
			head = `\fB` + escape("-"+f.Shorthand) + `\fR, ` + head
		}
		switch {
		case f.optional:
			head += `[=\fI` + escape(f.placeholder) + `\fR]`
		case f.placeholder != "":
			head += ` \fI` + escape(f.placeholder) + `\fR`
		}
		w.line(".TP\n%s\n%s", head, prose(f.usage))
	}
}

// statuses writes what the exit statuses mean.
func (w *page) statuses(common []string, mismatch string) {
	w.line(".SH EXIT STATUS")
	for i, s := range common {
		w.line(".TP\n%d\n%s", i, prose(s))
	}
	if mismatch != "" {
		w.line(".TP\n3\n%s", prose(mismatch))
	}
}

// references writes the pages to see also: those of the program but the page itself.
func (p *Program) references(w *page, self string) {
	var all []string
	add := func(name string) {
		if name != self {
			all = append(all, `\fB`+escape(name)+`\fR(1)`)
		}
	}
	add(p.Name)
	for _, c := range p.Commands {
		if c.Text != "" {
			add(p.Name + "-" + c.Name)
		}
	}
	for _, ref := range p.SeeAlso {
		name, number, _ := strings.Cut(ref, "(")
		all = append(all, `\fB`+escape(name)+`\fR(`+number)
	}
	w.line(".SH SEE ALSO\n%s", strings.Join(all, ",\n"))
}

func (p *Program) programPage() string {
	w := &page{}
	parts := sections(p.Text)
	p.begin(w, p.Name, p.Summary)
	w.synopsis(find(parts, "Usage"))
	w.section("DESCRIPTION", parts[0].lines)
	w.line(".SH COMMANDS")
	for _, c := range p.Commands {
		head := `\fB` + escape(c.Name) + `\fR`
		if c.Text != "" {
			head = `\fB` + escape(p.Name+"-"+c.Name) + `\fR(1)`
		}
		w.line(".TP\n%s\n%s", head, prose(c.Summary))
	}
	w.line(".SH OPTIONS")
	w.options(&p.Command)
	w.statuses(p.Statuses, p.Mismatch)
	p.ending(w, parts, p.Name)
	return w.String()
}

func (p *Program) commandPage(c *Command) string {
	w := &page{}
	parts := sections(c.Text)
	name := p.Name + "-" + c.Name
	p.begin(w, name, c.Summary)
	w.synopsis(find(parts, "Usage"))
	w.section("DESCRIPTION", parts[0].lines)
	w.line(".SH OPTIONS")
	if len(c.Sub) == 0 {
		w.options(c)
	}
	for i := range c.Sub {
		w.line(".SS %s %s", escape(p.Name), escape(c.Sub[i].Name))
		w.options(&c.Sub[i])
	}
	w.statuses(p.Statuses, c.Mismatch)
	p.ending(w, parts, name)
	return w.String()
}

// ending writes the sections that come last on every page.
func (p *Program) ending(w *page, parts []section, self string) {
	w.section("FILES", find(parts, "File"))
	w.section("ENVIRONMENT", find(parts, "Environment"))
	w.literal("EXAMPLES", find(parts, "Example"))
	p.references(w, self)
}
