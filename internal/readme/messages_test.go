package readme

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const messagesPage = "docs/messages.md"

// sayers are the packages whose errors and warnings messages.md lists.
var sayers = []string{
	"cmd/mkbtf", "emit", "internal/btfids", "internal/check", "internal/compare", "internal/dkms", "internal/dump", "internal/encode", "internal/kbuild", "internal/kernels",
	"internal/modfile", "internal/object", "internal/relocate", "internal/strip",
}

// unlisted begin messages that messages.md need not have, and why.
var unlisted = map[string]string{
	"no BTF of the kernel found": "for errors.Is alone",
	"another kernel than":        "likewise",
	"emit: ":                     "a caller's mistake, not a user's",
	"encode: ":                   "likewise",
	"unknown compression":        "wrong use says what is taken",
	"dictionaries are for":       "likewise",
	"no variants":                "likewise",
	"one output":                 "likewise, the command line is checked before",
	"form % cannot":              "likewise",
	"section %: alignment":       "likewise",
	"section %: named":           "likewise",
	"no kind":                    "wrong use says what is taken",
	"unknown language":           "likewise",
	"unknown level":              "likewise",
	"want ":                      "likewise",
	"wrong use":                  "likewise",
	"--% takes no":               "likewise",
	"--%: of units":              "likewise",
	"--% wants an":               "likewise",
	"--btf_features_strict":      "likewise",
	"-j %: want":                 "likewise",
	"-% is not known":            "likewise",
	"no -J":                      "likewise",
	"% files, want one":          "likewise",
	"--generate-docs":            "likewise",
	"SOURCE_DATE_EPOCH":          "likewise",
	"name at %":                  "the place and the section are before it",
	"more than the % bytes":      "likewise",
	"section % of % bytes":       "begins what is listed",
}

// verb is one of fmt.
var verb = regexp.MustCompile(`%[-+# 0]*(\[\d+\])?\d*[a-zA-Z]`)

// literal is a string in the source.
type literal struct {
	where, text string // text has a … for each verb
	said        bool   // it is in a call that makes an error or warning
}

// literals finds the strings of a directory.
func literals(t *testing.T, dir string) []literal {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	var all []literal
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		within := map[ast.Node]bool{} // literals in calls that say something
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if says(n) {
					for _, a := range n.Args {
						ast.Inspect(a, func(n ast.Node) bool {
							within[n] = n != nil
							return true
						})
					}
				}
			case *ast.BasicLit:
				if n.Kind != token.STRING {
					break
				}
				s, err := strconv.Unquote(n.Value)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, literal{set.Position(n.Pos()).String(), verb.ReplaceAllString(s, "…"), within[n]})
			}
			return true
		})
	}
	return all
}

// says reports whether a call makes an error or a warning.
func says(c *ast.CallExpr) bool {
	name := ""
	switch f := c.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel.Name
		if x, ok := f.X.(*ast.Ident); ok && name == "New" && x.Name != "errors" {
			return false
		}
	case *ast.Ident:
		name = f.Name
	}
	return slices.Contains([]string{"Errorf", "New", "warn", "Warn", "reason", "advise", "say", "fail"}, name)
}

// pieces are the parts of a message between what differs from case to case, as far
// as they say something.
func pieces(message string) []string {
	var all []string
	for part := range strings.SplitSeq(message, "…") {
		for p := range strings.SplitSeq(part, ": ") {
			if p = strings.Trim(p, " :;,()'\n"); len(p) > 3 {
				all = append(all, p)
			}
		}
	}
	return all
}

var (
	span    = regexp.MustCompile("`([^`]+)`")
	columns = regexp.MustCompile(`(?m)^\| (.*?) \|`)
)

// page gives the text of messages.md, and the messages that it says are mkbtf's.
func page(t *testing.T) (text string, messages []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, messagesPage))
	if err != nil {
		t.Fatal(err)
	}
	text = strings.ReplaceAll(string(data), `\|`, "|")
	_, ours, found := strings.Cut(text, "\n## From mkbtf\n")
	if !found {
		t.Fatal("no section From mkbtf")
	}
	for _, row := range columns.FindAllStringSubmatch(ours, -1) {
		for _, m := range span.FindAllStringSubmatch(row[1], -1) {
			messages = append(messages, m[1])
		}
	}
	return text, messages
}

// TestMessagesExist checks that mkbtf says what messages.md lists.
func TestMessagesExist(t *testing.T) {
	var source []string
	for _, dir := range append(slices.Clone(sayers), "dwarf2btf", "internal/elfhdr", "internal/verify", "btf") {
		for _, l := range literals(t, dir) {
			source = append(source, pieces(l.text)...)
		}
	}
	_, messages := page(t)
	if len(messages) < 100 {
		t.Errorf("%d messages, the page has more", len(messages))
	}
	for _, m := range messages {
		for _, p := range pieces(m) {
			if !slices.ContainsFunc(source, func(s string) bool { return strings.Contains(s, p) }) {
				t.Errorf("%q: nothing says %q", m, p)
			}
		}
	}
}

// TestMessagesListed checks that messages.md lists what mkbtf says.
func TestMessagesListed(t *testing.T) {
	text, _ := page(t)
	count := 0
	for _, dir := range sayers {
		for _, l := range literals(t, dir) {
			if !l.said || isUnlisted(l.text) {
				continue
			}
			for _, p := range pieces(l.text) {
				count++
				if len(p) > 7 && !strings.Contains(text, p) {
					t.Errorf("%s: %s does not list %q of %q", l.where, messagesPage, p, l.text)
				}
			}
		}
	}
	if count < 150 {
		t.Errorf("%d pieces of messages found, there are more", count)
	}
}

func isUnlisted(text string) bool {
	plain := strings.ReplaceAll(text, "…", "%")
	for _, prefix := range []string{"", "%: ", "%: %: ", "%: % "} {
		for begin := range unlisted {
			if strings.HasPrefix(plain, prefix+begin) {
				return true
			}
		}
	}
	return false
}
