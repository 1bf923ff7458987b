package docgen

import (
	"fmt"
	"strings"
)

// A completion needs to know, for each command, its flags, what the value of each
// can be, and what its arguments can be. The three shells get the same from here.

// forms are the ways to write a flag: --name, then -n if it has a letter.
func (f *oneFlag) forms() []string {
	all := []string{"--" + f.Name}
	if f.Shorthand != "" {
		all = append(all, "-"+f.Shorthand)
	}
	return all
}

// visit calls fn for each command, after those below it.
func (p *Program) visit(fn func(c *Command)) {
	for i := range p.Commands {
		for j := range p.Commands[i].Sub {
			fn(&p.Commands[i].Sub[j])
		}
		fn(&p.Commands[i])
	}
}

// subNames are the last words of the names of a command's own commands.
func (c *Command) subNames() []string {
	var names []string
	for _, s := range c.Sub {
		names = append(names, lastWord(s.Name))
	}
	return names
}

func lastWord(name string) string { return name[strings.LastIndexByte(name, ' ')+1:] }

// quote makes text a word for all three shells.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// bash makes a function that looks at the words before the cursor. It leaves the
// names of files to readline, which knows how to quote them.
func (p *Program) bash() string {
	var w strings.Builder
	fn := "_" + p.Name
	fmt.Fprintf(&w, `# Completion of %[1]s for bash, made by %[1]s --generate-docs.

%[2]s_words() {
	compopt +o default
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# some of some words, with commas between
%[2]s_list() {
	local before=
	[[ $cur == *,* ]] && before=${cur%%,*},
	compopt +o default -o nospace
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$1" -- "${cur##*,}")
}

%[2]s_dirs() {
	compopt +o default -o dirnames
}

# the names of directories in a directory
%[2]s_entries() {
	local path names=
	for path in "$1"/*/; do
		[[ -d $path ]] && path=${path%%/} && names+=" ${path##*/}"
	done
	%[2]s_words "$names"
}

%[2]s() {
	local cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]} command=
	COMPREPLY=()
	# --flag=value is three words
	if [[ $cur == = ]]; then
		cur=
	elif [[ $flag == = ]]; then
		flag=${COMP_WORDS[COMP_CWORD-2]}
	fi
	((COMP_CWORD > 1)) && command=${COMP_WORDS[1]}
	((COMP_CWORD > 2)) && case "$command ${COMP_WORDS[2]}" in
`, p.Name, fn)
	p.visit(func(c *Command) {
		if strings.Contains(c.Name, " ") {
			fmt.Fprintf(&w, "\t%s) command=%s ;;\n", quote(c.Name), quote(c.Name))
		}
	})
	fmt.Fprintf(&w, "\tesac\n\tcase $command in\n")
	top := Command{Sub: p.Commands, Flags: p.Flags}
	p.bashCase(&w, fn, "''", &top)
	p.visit(func(c *Command) { p.bashCase(&w, fn, quote(c.Name), c) })
	fmt.Fprintf(&w, "\tesac\n}\n\ncomplete -o default -F %s %s\n", fn, p.Name)
	return w.String()
}

func (p *Program) bashCase(w *strings.Builder, fn, pattern string, c *Command) {
	fmt.Fprintf(w, "\t%s)\n\t\tcase $flag in\n", pattern)
	var names []string
	for _, f := range c.flags() {
		names = append(names, "--"+f.Name)
		if f.placeholder != "" && !f.optional {
			fmt.Fprintf(w, "\t\t%s) %sreturn ;;\n", strings.Join(f.forms(), "|"), p.bashValue(fn, f.placeholder))
		}
	}
	fmt.Fprintf(w, "\t\tesac\n\t\tif [[ $cur == -* ]]; then %s_words %s; return; fi\n", fn, quote(strings.Join(names, " ")))
	switch sub := c.subNames(); {
	case len(sub) > 0:
		fmt.Fprintf(w, "\t\t%s_words %s\n", fn, quote(strings.Join(sub, " ")))
	case c.Argument == "":
		fmt.Fprintf(w, "\t\tcompopt +o default\n")
	default:
		fmt.Fprintf(w, "\t\t%sreturn\n", p.bashValue(fn, c.Argument))
	}
	fmt.Fprintf(w, "\t\t;;\n")
}

// bashValue calls what completes a value. Files are what is left to readline.
func (p *Program) bashValue(fn, placeholder string) string {
	switch v := p.Values[placeholder]; v.Kind {
	case File:
		return ""
	case Dir:
		return fn + "_dirs; "
	case Word:
		return fmt.Sprintf("%s_words %s; ", fn, quote(strings.Join(v.Words, " ")))
	case List:
		return fmt.Sprintf("%s_list %s; ", fn, quote(strings.Join(v.Words, " ")))
	case Entry:
		return fmt.Sprintf("%s_entries %s; ", fn, quote(v.Dir))
	}
	return "compopt +o default; "
}

// zshText escapes what ends a part of a specification for _arguments.
var zshText = strings.NewReplacer("[", `\[`, "]", `\]`, ":", `\:`)

// zsh makes specifications for _arguments.
func (p *Program) zsh() string {
	var w strings.Builder
	fmt.Fprintf(&w, `#compdef %[1]s
# Completion of %[1]s for zsh, made by %[1]s --generate-docs.

local command=$words[2]
if (( CURRENT == 2 )); then
`, p.Name)
	p.zshCommands(&w, "\t", &Command{Name: p.Name, Sub: p.Commands, Flags: p.Flags})
	fmt.Fprint(&w, "\treturn\nfi\nshift words\n(( CURRENT-- ))\ncase $command in\n")
	for i := range p.Commands {
		c := &p.Commands[i]
		fmt.Fprintf(&w, "%s)\n", c.Name)
		if len(c.Sub) == 0 {
			p.zshArguments(&w, "\t", c)
		} else {
			fmt.Fprint(&w, "\tcommand=$words[2]\n\tif (( CURRENT == 2 )); then\n")
			p.zshCommands(&w, "\t\t", c)
			fmt.Fprint(&w, "\t\treturn\n\tfi\n\tshift words\n\t(( CURRENT-- ))\n\tcase $command in\n")
			for j := range c.Sub {
				fmt.Fprintf(&w, "\t%s)\n", lastWord(c.Sub[j].Name))
				p.zshArguments(&w, "\t\t", &c.Sub[j])
				fmt.Fprint(&w, "\t\t;;\n")
			}
			fmt.Fprint(&w, "\tesac\n")
		}
		fmt.Fprint(&w, "\t;;\n")
	}
	fmt.Fprint(&w, "esac\n")
	return w.String()
}

// zshCommands completes the name of a command, or a flag.
func (p *Program) zshCommands(w *strings.Builder, indent string, c *Command) {
	fmt.Fprintf(w, "%sif [[ $PREFIX == -* ]]; then\n", indent)
	p.zshArguments(w, indent+"\t", &Command{Flags: c.Flags})
	fmt.Fprintf(w, "%selse\n%s\tlocal -a commands=(\n", indent, indent)
	for _, s := range c.Sub {
		fmt.Fprintf(w, "%s\t\t%s\n", indent, quote(lastWord(s.Name)+":"+s.Summary))
	}
	fmt.Fprintf(w, "%s\t)\n%s\t_describe -t commands %s commands\n%sfi\n", indent, indent, quote(c.Name+" command"), indent)
}

func (p *Program) zshArguments(w *strings.Builder, indent string, c *Command) {
	fmt.Fprintf(w, "%s_arguments -s -S", indent)
	for _, f := range c.flags() {
		value := ""
		if f.placeholder != "" {
			value = p.zshValue(f.placeholder)
		}
		forms := f.forms()
		others := "(" + strings.Join(forms, " ") + ")"
		if f.repeatable {
			others = "*"
		}
		for i, form := range forms {
			switch {
			case f.placeholder == "":
			case f.optional && i == 0:
				form += "=-"
			case f.optional:
				form += "-"
			case i == 0:
				form += "="
			default:
				form += "+"
			}
			colons := ":"
			if f.optional {
				colons = "::"
			}
			if value == "" {
				colons = ""
			}
			fmt.Fprintf(w, " \\\n%s\t%s", indent, quote(others+form+"["+zshText.Replace(f.usage)+"]"+colons+value))
		}
	}
	if c.Argument != "" {
		fmt.Fprintf(w, " \\\n%s\t%s", indent, quote("*:"+p.zshValue(c.Argument)))
	}
	fmt.Fprintln(w)
}

// zshValue is a message and an action for a value.
func (p *Program) zshValue(placeholder string) string {
	action := " "
	switch v := p.Values[placeholder]; v.Kind {
	case File:
		action = "_files"
	case Dir:
		action = "_files -/"
	case Word:
		action = "(" + strings.Join(v.Words, " ") + ")"
	case List:
		action = "_values -s , " + placeholder + " " + strings.Join(v.Words, " ")
	case Entry:
		action = "compadd - " + v.Dir + "/*(N/:t)"
	}
	return placeholder + ":" + action
}

// fish makes one line for each command, flag and kind of argument.
func (p *Program) fish() string {
	var w strings.Builder
	fmt.Fprintf(&w, `# Completion of %[1]s for fish, made by %[1]s --generate-docs.

# whether the words before the cursor begin with these; a dot stands for their end
function __%[1]s_at
	set -l words (commandline -opc)[2..]
	for i in (seq (count $argv))
		if test $argv[$i] = .
			test (count $words) -lt $i
			return
		end
		test "$words[$i]" = $argv[$i]; or return 1
	end
end

complete -c %[1]s -f
`, p.Name)
	line := func(at, rest string, args ...any) {
		fmt.Fprintf(&w, "complete -c %s -n %s %s\n", p.Name, quote("__"+p.Name+"_at "+at), fmt.Sprintf(rest, args...))
	}
	command := func(at string, c *Command) {
		if len(c.Sub) > 0 {
			at = strings.TrimSpace(at + " .")
			for _, s := range c.Sub {
				line(at, "-a %s -d %s", lastWord(s.Name), quote(s.Summary))
			}
		} else if c.Argument != "" {
			line(at, "%s", p.fishValue(c.Argument))
		}
		for _, f := range c.flags() {
			letter, value := "", ""
			if f.Shorthand != "" {
				letter = " -s " + f.Shorthand
			}
			if f.placeholder != "" {
				value = p.fishValue(f.placeholder)
				if !f.optional {
					value = "-r " + value
				}
			}
			line(at, "-l %s%s -d %s %s", f.Name, letter, quote(f.usage), value)
		}
	}
	command("", &Command{Sub: p.Commands, Flags: p.Flags})
	p.visit(func(c *Command) { command(c.Name, c) })
	return strings.ReplaceAll(w.String(), " \n", "\n")
}

func (p *Program) fishValue(placeholder string) string {
	switch v := p.Values[placeholder]; v.Kind {
	case File:
		return "-F"
	case Dir:
		return "-f -a '(__fish_complete_directories)'"
	case Word:
		return "-f -a " + quote(strings.Join(v.Words, " "))
	case List:
		return "-f -a " + quote(`(__fish_complete_list , 'printf "%s\n" `+strings.Join(v.Words, " ")+`')`)
	case Entry:
		return "-f -a " + quote("(command ls "+v.Dir+" 2>/dev/null)")
	}
	return "-f"
}
