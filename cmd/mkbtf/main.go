// Mkbtf turns the DWARF of Linux kernel modules into BTF, and works with BTF.
// Each verb has a file of its own that parses its flags and calls a package that
// does the work.
package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

func main() {
	tuneMemory()
	os.Exit(run(arguments(os.Args), os.Stdin, os.Stdout, os.Stderr))
}

// arguments are those after the program's name; if that is one of a program that a
// verb stands for, the verb comes first.
func arguments(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	switch name := filepath.Base(args[0]); {
	case name == "pahole", name == "resolve_btfids":
		return append([]string{name}, args[1:]...)
	case asPahole(args[1:]):
		return append([]string{"pahole"}, args[1:]...)
	}
	return args[1:]
}

// Exit statuses.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitMismatch = 3
)

// streams is what a verb reads from and writes to.
type streams struct {
	in       io.Reader
	out, err io.Writer
	// document, if set, is called instead of printing the help of a verb.
	document func(*pflag.FlagSet)
}

// verb is one subcommand.
type verb struct {
	name    string
	summary string // for the list of verbs
	run     func(args []string, s streams) error
}

// verbs are in the order in which help lists them.
func verbs() []verb {
	return []verb{
		{"encode", "turn a module's DWARF into BTF", runEncode},
		{"base", "get a kernel's BTF from wherever it is", runBase},
		{"relocate", "move a module's BTF to another kernel, without DWARF", runRelocate},
		{"check", "say whether kernels will take the BTF of modules", runCheck},
		{"compare", "measure what each form of BTF costs a set of modules", runCompare},
		{"dump", "show BTF as text, JSON or a header in C", runDump},
		{"diff", "compare two BTFs by meaning", runDiff},
		{"dkms", "make DKMS give the modules that it builds BTF", runDKMS},
		{"kbuild-links", "make the links that let kbuild call this program", runKbuildLinks},
		{"pahole", "encode BTF as pahole does, for kbuild's PAHOLE=", runPahole},
		{"resolve_btfids", "fill in .BTF_ids, as the kernel's tool of that name does", runResolveBTFIDs},
	}
}

// run is the whole program. args are those after the program's name.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := streams{in: stdin, out: stdout, err: &messages{stderr}}
	if len(args) == 0 {
		printOverview(stderr)
		return exitUsage
	}
	if dir, ok := strings.CutPrefix(args[0], "--generate-docs="); ok && len(args) == 1 {
		return finish(generateDocs(dir, s), s)
	}
	switch args[0] {
	case "help", "--help", "-h":
		return finish(help(args[1:], s), s)
	case "version", "--version", "-V":
		return finish(printVersion(stdout), s)
	}
	i := slices.IndexFunc(verbs(), func(v verb) bool { return v.name == args[0] })
	if i < 0 {
		return finish(usageErrorf("%q is no command: mkbtf help lists them", args[0]), s)
	}
	return finish(verbs()[i].run(args[1:], s), s)
}
