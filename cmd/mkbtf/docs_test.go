package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"mkbtf/internal/docgen"
)

// generated writes the pages and completions and returns their directory.
func generated(t *testing.T) string {
	t.Helper()
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	dir := t.TempDir()
	var out, errs bytes.Buffer
	if status := run([]string{"--generate-docs=" + dir}, nil, &out, &errs); status != exitDone || errs.Len() > 0 {
		t.Fatalf("status %d: %s", status, &errs)
	}
	return dir
}

// need gives the path of a program, or skips the test.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed: see scripts/test-tools.sh", program)
	}
	return path
}

// TestPages lets those that read manual pages say what is wrong with them.
func TestPages(t *testing.T) {
	dir := generated(t)
	pages, err := filepath.Glob(filepath.Join(dir, "man1", "*.1"))
	if err != nil || len(pages) != len(verbs())+1 {
		t.Fatalf("%d pages for %d verbs: %v", len(pages), len(verbs()), err)
	}
	for _, command := range [][]string{
		{"mandoc", "-Tlint", "-Wwarning"},
		{"groff", "-ww", "-man", "-Tutf8", "-z"},
		{"man", "--warnings", "-l"},
	} {
		t.Run(command[0], func(t *testing.T) {
			program := need(t, command[0])
			for _, page := range pages {
				cmd := exec.Command(program, append(command[1:], page)...)
				cmd.Env = append(os.Environ(), "MANPAGER=cat", "MANWIDTH=80")
				var said bytes.Buffer
				cmd.Stderr = &said
				out, err := cmd.Output()
				if command[0] == "mandoc" {
					said.Write(out)
				}
				if err != nil || said.Len() > 0 {
					t.Errorf("%s: %v\n%s", filepath.Base(page), err, &said)
				}
			}
		})
	}
}

// TestPagesAreWhole checks that each page has all sections and all flags of its verb.
func TestPagesAreWhole(t *testing.T) {
	p, err := documentation()
	if err != nil {
		t.Fatal(err)
	}
	files := p.Files()
	for _, v := range verbs() {
		page := files["man1/mkbtf-"+v.name+".1"]
		for _, s := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"} {
			if !strings.Contains(page, "\n.SH "+s+"\n") {
				t.Errorf("%s: no section %s", v.name, s)
			}
		}
		flagsOf(v.run).VisitAll(func(f *pflag.Flag) {
			if v.name != "dkms" && !strings.Contains(page, `\fB\-\-`+strings.ReplaceAll(f.Name, "-", `\-`)+`\fR`) {
				t.Errorf("%s: no --%s", v.name, f.Name)
			}
		})
	}
}

// TestPlaceholders checks that each value of a flag has a name that says what it is.
func TestPlaceholders(t *testing.T) {
	p, err := documentation()
	if err != nil {
		t.Fatal(err)
	}
	var all []docgen.Command
	for _, c := range p.Commands {
		all = append(append(all, c), c.Sub...)
	}
	for _, c := range all {
		if c.Flags == nil {
			continue
		}
		c.Flags.VisitAll(func(f *pflag.Flag) {
			name, _ := pflag.UnquoteUsage(f)
			if _, known := p.Values[name]; !known && name != "" && name != "count" {
				t.Errorf("%s --%s %s: add %s to values", c.Name, f.Name, name, name)
			}
		})
	}
}

// completions are command lines with the cursor at their end, and what can come there.
var completions = []struct{ name, line, want string }{
	{"verb", "mkbtf en", "encode"},
	{"argument of help", "mkbtf help rel", "relocate"},
	{"flags", "mkbtf encode --fo", "--force-abi --form"},
	{"enum", "mkbtf encode --form s", "self-contained split"},
	{"enum after equals sign", "mkbtf encode --form=s", "self-contained split"},
	{"enum of a letter", "mkbtf encode -f s", "self-contained split"},
	{"enum of another verb", "mkbtf dump --format ", "c json text"},
	{"list", "mkbtf diff --kind STR", "STRUCT"},
	{"file", "mkbtf check on", "one.ko"},
	{"file with a space", "mkbtf check tw", "two words.ko"},
	{"file of a flag", "mkbtf check -b on", "one.ko"},
	{"files only if free text is not meant", "mkbtf encode --hops on", ""},
	{"directory", "mkbtf encode --sysroot o", "other"},
	{"command of a verb", "mkbtf dkms en", "enable"},
	{"flags of a command of a verb", "mkbtf dkms enable --f", "--form"},
	{"as pahole", "mkbtf pahole --btf_e", "--btf_encode --btf_encode_detached"},
}

// shells ask a shell what it would offer for lines, one after the other. Before what
// it prints for a line comes one that is "<begin>".
var shells = []struct {
	name string
	ask  func(t *testing.T, dir string, lines []string) string
	// candidate gets one out of a line that the shell printed, "" if none is in it.
	candidate func(printed string) string
}{
	{
		"bash",
		func(t *testing.T, dir string, lines []string) string {
			keys := "PS1=; source " + dir + "/mkbtf.bash\n"
			for _, line := range lines {
				// M-* puts all candidates into the line; then printf goes before it
				keys += line + "\x1b*\x01printf '<%s>\\n' begin \n"
			}
			return shellOutput(t, keys+"exit\n", need(t, "script"), "-qec", need(t, "bash")+" --norc --noprofile -i", "/dev/null")
		},
		func(printed string) string {
			if strings.HasPrefix(printed, "<") {
				return strings.Trim(printed, "<>")
			}
			return ""
		},
	},
	{
		"zsh",
		func(t *testing.T, dir string, lines []string) string {
			script, err := filepath.Abs(zshScript)
			if err != nil {
				t.Fatal(err)
			}
			return shellOutput(t, "", append([]string{need(t, "zsh"), "-f", script, dir}, lines...)...)
		},
		func(printed string) string {
			_, word, _ := strings.Cut(printed, "candidate ")
			return strings.ReplaceAll(word, `\`, "")
		},
	},
	{
		"fish",
		func(t *testing.T, dir string, lines []string) string {
			ask := "source " + dir + `/mkbtf.fish; for line in $argv; echo "<begin>"; complete -C $line; end`
			return shellOutput(t, "", append([]string{need(t, "fish"), "--no-config", "-c", ask}, lines...)...)
		},
		func(printed string) string {
			word, _, _ := strings.Cut(printed, "\t")
			return word
		},
	},
}

const zshScript = "testdata/completion/zsh.zsh"

// TestCompletion asks the shells what they would offer.
func TestCompletion(t *testing.T) {
	dir := filepath.Join(generated(t), "completions")
	script, err := os.ReadFile(zshScript)
	if err != nil {
		t.Fatal(err)
	}
	files := t.TempDir()
	for name, data := range map[string][]byte{"one.ko": nil, "two words.ko": nil, "other/x.ko": nil, zshScript: script} {
		path := filepath.Join(files, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(files)
	var lines []string
	for _, tt := range completions {
		lines = append(lines, tt.line)
	}
	for _, shell := range shells {
		t.Run(shell.name, func(t *testing.T) {
			need(t, shell.name)
			parts := strings.Split(shell.ask(t, dir, lines), "<begin>\n")
			if len(parts) != len(lines)+1 {
				t.Fatalf("%d answers for %d lines: %q", len(parts)-1, len(lines), parts)
			}
			for i, tt := range completions {
				var got []string
				for printed := range strings.Lines(parts[i+1]) {
					c := shell.candidate(strings.TrimSpace(printed))
					if _, value, ok := strings.Cut(c, "="); ok {
						c = value
					}
					// bash prints the whole line
					if c = strings.TrimSuffix(c, "/"); c != "" && !slices.Contains(strings.Fields(tt.line), c) {
						got = append(got, c)
					}
				}
				slices.Sort(got)
				if s := strings.Join(slices.Compact(got), " "); s != tt.want {
					t.Errorf("%s: %q: candidates %q, want %q", tt.name, tt.line, s, tt.want)
				}
			}
		})
	}
}

// shellOutput runs a program that gets input, and returns what it prints.
func shellOutput(t *testing.T, input string, command ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = append(os.Environ(), "TERM=dumb", "COLUMNS=80", "HOME="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command[0], err, out)
	}
	return strings.ReplaceAll(string(out), "\r", "")
}
