// Package docgen makes manual pages and shell completions for a program with
// commands from what its help is made from: the texts of the commands and their
// flag definitions. It writes man(7) and completions for bash, zsh and fish.
package docgen

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/pflag"
)

// Program is a program and its commands.
type Program struct {
	Command
	Version  string
	Date     time.Time // of the pages; zero: none
	Commands []Command
	// Values say what the placeholders in usages and arguments stand for: BASE in
	// "take `BASE` for the kernel's BTF". Those that are not in it are free text.
	Values map[string]Value
	// Statuses are the meanings of the exit statuses 0, 1, 2, which are those of all
	// commands.
	Statuses []string
	// SeeAlso are other pages that every page refers to, such as bpftool(8).
	SeeAlso []string
}

// Command is one command, or the program itself.
type Command struct {
	Name    string // with spaces if it is one of another command: "dkms enable"
	Summary string // one line without a full stop
	// Text is what help says before the options: synopsis after "Usage:", then
	// paragraphs and indented lists, then sections below a heading such as
	// "Examples:". Without a text the command has no page of its own.
	Text     string
	Flags    *pflag.FlagSet // nil: none
	Argument string         // the placeholder of its arguments; "": it takes none
	Mismatch string         // what exit status 3 means, "": it is not used
	// Sub are the commands of this command, which its page describes.
	Sub []Command
}

// Value is what can stand for a placeholder. The zero Value is free text.
type Value struct {
	Kind  ValueKind
	Words []string // of Word and List
	Dir   string   // of Entry
}

// ValueKind is a kind of Value.
type ValueKind uint8

// The kinds of values.
const (
	Free  ValueKind = iota
	File            // any file
	Dir             // a directory
	Word            // one of some words
	List            // some of some words, with commas between
	Entry           // the name of a directory below a directory
)

// Write writes man1/NAME.1, man1/NAME-COMMAND.1 for each command with a text, and
// completions/{NAME.bash,_NAME,NAME.fish} below dir, which need not exist. It
// returns the paths of the files.
func (p *Program) Write(dir string) ([]string, error) {
	files := p.Files()
	var paths []string
	for name := range files {
		paths = append(paths, filepath.Join(dir, name))
	}
	slices.Sort(paths)
	for _, path := range paths {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(files[filepath.ToSlash(name)]), 0o644); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// Files gives the contents of all files by their paths.
func (p *Program) Files() map[string]string {
	files := map[string]string{
		fmt.Sprintf("man1/%s.1", p.Name):           p.programPage(),
		fmt.Sprintf("completions/%s.bash", p.Name): p.bash(),
		fmt.Sprintf("completions/_%s", p.Name):     p.zsh(),
		fmt.Sprintf("completions/%s.fish", p.Name): p.fish(),
	}
	for i := range p.Commands {
		if c := &p.Commands[i]; c.Text != "" {
			files[fmt.Sprintf("man1/%s-%s.1", p.Name, c.Name)] = p.commandPage(c)
		}
	}
	return files
}

// oneFlag is a flag as the pages and completions need it.
type oneFlag struct {
	*pflag.Flag
	placeholder string // "" if it takes no value
	usage       string
	optional    bool // the value may be left out
	repeatable  bool
}

// flags are those of a command in the order of their definition, and --help.
func (c *Command) flags() []oneFlag {
	all := []oneFlag{}
	if c.Flags != nil {
		c.Flags.VisitAll(func(f *pflag.Flag) {
			if f.Hidden {
				return
			}
			name, usage := pflag.UnquoteUsage(f)
			isSwitch := f.Value.Type() == "bool" || f.Value.Type() == "count"
			if isSwitch {
				name = ""
			}
			switch f.DefValue {
			case "", "0", "false", "[]":
			default:
				usage += fmt.Sprintf(" (default %s)", f.DefValue)
			}
			_, slice := f.Value.(pflag.SliceValue)
			all = append(all, oneFlag{
				Flag: f, placeholder: name, usage: usage,
				optional: f.NoOptDefVal != "" && !isSwitch, repeatable: slice || f.Value.Type() == "count",
			})
		})
	}
	help := &pflag.Flag{Name: "help", Shorthand: "h"}
	return append(all, oneFlag{Flag: help, usage: "print the help"})
}
