package docgen

import (
	"strings"

	"mkbtf/internal/lazy"
)

// section is a part of a help text. The first one has no heading: the description.
type section struct {
	heading string
	lines   []string
}

// heading is a line that begins a section; what a usage has on that line belongs to
// the section.
var heading = lazy.Regexp(`^(Usage|Examples?|Environment|Files):( +(.*))?$`)

// sections takes a help text apart. A section goes on to the next heading; that of
// the usage ends with an empty line.
func sections(text string) []section {
	all := []section{{}}
	open := 0 // the section that lines go to
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		if m := heading().FindStringSubmatch(line); m != nil {
			all = append(all, section{heading: strings.TrimSuffix(m[1], "s")})
			open = len(all) - 1
			if line = m[3]; line == "" {
				continue
			}
		}
		if line == "" && all[open].heading == "Usage" {
			open = 0
		}
		all[open].lines = append(all[open].lines, line)
	}
	return all
}

// find gives the lines of the section with a heading, nil if there is none.
func find(all []section, heading string) []string {
	for _, s := range all {
		if s.heading == heading {
			return s.lines
		}
	}
	return nil
}

// block is a paragraph, or an item of a list.
type block struct {
	tag  string // of an item
	text string
}

// item is a term of a list and its description, or a number.
var item = lazy.Regexp(`^(\d+\.|\S.*?  ) *(\S.*)$`)

// blocks takes lines apart into paragraphs and the items of indented lists. The
// lines of an item but its first are indented more.
func blocks(lines []string) []block {
	var all []block
	list, inside := -1, false // the indentation of the list, if inside a paragraph or item
	for _, line := range lines {
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		if list < 0 || indent == 0 {
			list = indent
		}
		switch {
		case text == "":
			list, inside = -1, false
		case indent == 0 && inside && all[len(all)-1].tag == "", indent > list && inside:
			b := &all[len(all)-1]
			b.text = strings.TrimSpace(b.text + " " + text)
		case indent == 0:
			all = append(all, block{text: text})
			list, inside = -1, true
		default:
			b := block{tag: text}
			if m := item().FindStringSubmatch(text); m != nil {
				b = block{strings.TrimSpace(m[1]), m[2]}
			}
			all = append(all, b)
			list, inside = indent, true
		}
	}
	return all
}
