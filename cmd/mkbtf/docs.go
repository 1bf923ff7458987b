package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mkbtf/btf"
	"mkbtf/internal/compare"
	"mkbtf/internal/docgen"
	"mkbtf/internal/encode"
)

// generateDocs writes manual pages and shell completions below dir.
func generateDocs(dir string, s streams) error {
	if dir == "" {
		return usageErrorf("--generate-docs wants a directory")
	}
	p, err := documentation()
	if err != nil {
		return err
	}
	paths, err := p.Write(dir)
	for _, path := range paths {
		fmt.Fprintln(s.out, path)
	}
	return err
}

// documentation gathers what the pages and completions are made from.
func documentation() (*docgen.Program, error) {
	date, err := pageDate()
	if err != nil {
		return nil, err
	}
	p := &docgen.Program{
		Version: version(), Date: date, Statuses: exitStatuses, Values: values(),
		Command: docgen.Command{
			Name: "mkbtf", Summary: "give Linux kernel modules BTF, and work with BTF", Text: manual, Mismatch: aMismatch,
			Flags: pflag.NewFlagSet("mkbtf", pflag.ContinueOnError),
		},
		SeeAlso: []string{"bpftool(8)", "bpftool-btf(8)", "bpftrace(8)", "dkms(8)", "pahole(1)"},
	}
	p.Flags.BoolP("version", "V", false, versionSummary)
	names := []string{"help", "version"}
	for _, v := range verbs() {
		c := docgen.Command{
			Name: v.name, Summary: v.summary, Text: usages[v.name], Flags: flagsOf(v.run), Argument: "FILE", Mismatch: mismatches[v.name],
		}
		if a := argumentsOf[v.name]; a != "" {
			c.Argument = a
		}
		if v.name == "dkms" {
			c.Sub = dkmsCommands()
		}
		p.Commands = append(p.Commands, c)
		names = append(names, v.name)
	}
	p.Commands = append(p.Commands, docgen.Command{Name: "help", Summary: helpSummary, Argument: "COMMAND"},
		docgen.Command{Name: "version", Summary: versionSummary})
	p.Values["COMMAND"] = docgen.Value{Kind: docgen.Word, Words: names}
	return p, nil
}

// argumentsOf are the placeholders of the arguments of verbs that take no FILE.
var argumentsOf = map[string]string{"kbuild-links": "DIR", "dkms": "PACKAGE"}

// mismatches say what exit status 3 of a verb means.
var mismatches = map[string]string{
	"check": "a kernel will not take the BTF of a module",
	"diff":  "the BTFs differ",
	"dkms":  "status: a kernel will not take the BTF of a module",
}

// flagsOf gives the flags that a verb defines.
func flagsOf(run func(args []string, s streams) error) *pflag.FlagSet {
	var flags *pflag.FlagSet
	run([]string{"--help"}, streams{document: func(f *pflag.FlagSet) { flags = f }})
	return flags
}

// dkmsCommands are those of the verb dkms.
func dkmsCommands() []docgen.Command {
	return []docgen.Command{
		{Name: "dkms enable", Summary: "let DKMS run mkbtf when it builds packages", Flags: flagsOf(enableDKMS), Argument: "PACKAGE"},
		{Name: "dkms disable", Summary: "undo that", Flags: flagsOf(disableDKMS), Argument: "PACKAGE"},
		{Name: "dkms status", Summary: "list what DKMS has built, and the BTF of that", Flags: flagsOf(statusDKMS), Argument: "PACKAGE"},
		{Name: "dkms hook", Summary: "what DKMS runs: encode the modules below a directory", Flags: flagsOf(hookDKMS), Argument: "FILE"},
	}
}

// values say what can stand for the placeholders in usages.
func values() map[string]docgen.Value {
	file, dir := docgen.Value{Kind: docgen.File}, docgen.Value{Kind: docgen.Dir}
	word := func(words ...string) docgen.Value { return docgen.Value{Kind: docgen.Word, Words: words} }
	list := func(words ...string) docgen.Value { return docgen.Value{Kind: docgen.List, Words: words} }
	var kinds []string
	for k := btf.Int; k < btf.NumKinds; k++ {
		kinds = append(kinds, k.String())
	}
	return map[string]docgen.Value{
		"FILE": file, "BASE": file, "OLD": file, "OUT": file, "KERNEL": file, "DEBUGFILE": file, "PATH": file,
		"DIR":       dir,
		"RELEASE":   {Kind: docgen.Entry, Dir: "/lib/modules"},
		"PACKAGE":   {Kind: docgen.Entry, Dir: "/var/lib/dkms"},
		"FORM":      word(encode.FormNames()...),
		"LEVEL":     word(encode.KeepNames()...),
		"FORMAT":    word("text", "json", "c"),
		"DEPS":      word("needed", "none", "all"),
		"KINDS":     list(kinds...),
		"LANGUAGES": list(append(encode.LanguageNames(), "none")...),
		"FEATURES":  list(encode.FeatureNames()...),
		"METHOD":    word(compare.Methods...),
		"N":         {}, "NAME": {}, "BYTES": {}, "SIZE": {}, // free text
	}
}

// pageDate is the date of the pages: that of SOURCE_DATE_EPOCH, else of the commit
// that this program was built from, if it knows that.
func pageDate() (time.Time, error) {
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil || seconds < 0 {
			return time.Time{}, usageErrorf("SOURCE_DATE_EPOCH=%s: want seconds since 1970", epoch)
		}
		return time.Unix(seconds, 0), nil
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.time" {
				if t, err := time.Parse(time.RFC3339, s.Value); err == nil {
					return t, nil
				}
			}
		}
	}
	return time.Time{}, nil
}

// manual is the text of the manual page of the program.
var manual = "Usage: mkbtf COMMAND [OPTIONS] FILE...\n\n" + strings.TrimSpace(about+manualText) + "\n"

const manualText = ` BTF is what
bpftrace, BPF programs and kfuncs know the types and functions of a module by. The
BTF that kbuild gives a module is a difference to that of one exact kernel; mkbtf makes
it from whatever holds that kernel's BTF, and makes two other forms, which survive
another kernel.

  split           loads on exactly one kernel build, 5.11 and later
  distilled       loads on every build of 6.11 and later that still has the few kernel
                  types that the module needs
  self-contained  loads on every build of 6.11 and later, and needs no kernel to be
                  made

Run it on a module after it is built and before it is stripped, signed and compressed.
Files are changed in place, each at once: whatever happens, a file is the old or the
new one. What mkbtf has to say goes to standard error, a line for each file that
begins with the file's name; it says nothing if all is well.

Called by the name pahole or resolve_btfids, or with -J as pahole is, it stands for
that program in the kernel's build.

Environment:
  KERNELDIR            build tree of the kernel that encode -k and base look at first
  MAKEFLAGS            below make -j, encode takes part in sharing the processors
  SOURCE_DATE_EPOCH    date of generated manual pages
  MKBTF_FORM, MKBTF_PAHOLE_VERSION, PAHOLE_LANG_EXCLUDE
                       see mkbtf-pahole(1)

Files:
  /sys/kernel/btf/vmlinux
                       BTF of the kernel that runs
  /boot/vmlinuz-RELEASE, /lib/modules/RELEASE/, /usr/lib/debug/
                       where -k looks for the BTF of a kernel: see mkbtf-base(1)
  /usr/lib/debug/, DEBUGFILE
                       where encode looks for the DWARF of a stripped module
  /etc/dkms/PACKAGE.conf
                       what mkbtf dkms changes

Examples:
  mkbtf encode -k $(uname -r) my.ko
  mkbtf check -k $(uname -r) my.ko
  mkbtf encode --form self-contained --keep own -o with-btf.ko my.ko
  mkbtf dump with-btf.ko
`
