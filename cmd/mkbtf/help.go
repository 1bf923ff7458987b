package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// What the overview and the manual page of the program say.
const (
	about          = "mkbtf turns the DWARF of Linux kernel modules into BTF, and works with BTF."
	helpSummary    = "show the options of a command, with examples"
	versionSummary = "print the version"
	aMismatch      = "a mismatch was found"
)

// exitStatuses are the meanings of 0, 1 and 2.
var exitStatuses = []string{"done", "failed", "wrong use"}

// usages are what help says about a verb before its options.
var usages = map[string]string{
	"encode": `Usage: mkbtf encode [-b BASE | -k RELEASE] [-f FORM] [OPTIONS] FILE...

Turns the DWARF of kernel modules into BTF and puts it into them, in place. FILE is a
module with DWARF: run it after the build, before strip, signing and compression. The
DWARF of a stripped module is taken from its debug file, by build-id, debug link or
path below /usr/lib/debug, or from --debug-file. A compressed module (.ko.xz, .ko.zst,
.ko.gz) stays so, in a way that the kernel itself can unpack.

The forms:
  split           smallest; loads on exactly the kernel build that BASE is of, 5.11+
  distilled       loads on every build of 6.11+ that still has the few kernel types
                  that the module needs
  self-contained  loads on every build of 6.11+, needs no BASE, and is the largest
  auto            distilled if the kernel of BASE can relocate it, else split

How many types self-contained BTF keeps, and what it then takes (of split):
  --keep all        everything in the DWARF (20 times)
  --keep reachable  what functions, variables and tags lead to (18 times)
  --keep own        the types that the module itself defines, and what its functions
                    need (1.5 times). Kernel structs that it embeds are complete; of
                    those that it points to, kind, name and size are left, unless they
                    are at most --hops pointers away. With BASE the module's own types
                    are those that BASE lacks, without one those that no header below
                    the kernel's include or arch/*/include declares
The other forms take the kernel's types from the kernel: there "all" and "own" are the
same, and "reachable" leaves out own types that nothing needs.

--explain lists the types that a distilled module's kernel must have. --accept-on makes
them fewer: what that kernel lacks is carried in the module. If the module embeds a struct
that has another size there, its code does not fit that kernel; a warning says so.

BASE is anything with a kernel's BTF in it: vmlinux, a boot image such as
/boot/vmlinuz, raw BTF. -k finds it for an installed kernel, as mkbtf base does, with
--sysroot and KERNELDIR alike.

Files:
  FILE.BTF       where detached BTF goes
  FILE.BTF.base  and its base, if the form has one of its own

Environment:
  KERNELDIR  a build tree that -k looks at first
  MAKEFLAGS  below make -j without -j here: take those jobs that make has to spare
  quiet      as kbuild sets it: how to print a line for each file that is encoded

Examples:
  mkbtf encode -k $(uname -r) my.ko
  mkbtf encode -f self-contained --keep own -o with-btf.ko my.ko
  mkbtf encode -b vmlinux-6.12 --accept-on vmlinux-7.2 --explain my.ko
  mkbtf encode -b vmlinux -f split --detached *.ko
  make -C /lib/modules/$(uname -r)/build M=$PWD && mkbtf encode --best-effort -b vmlinux *.ko
`,
	"relocate": `Usage: mkbtf relocate (-b BASE | -k RELEASE) [--from-base OLD] [OPTIONS] FILE...

Moves the BTF of modules to another kernel, in place and without DWARF: distilled,
self-contained or, with --from-base, split BTF becomes split BTF over that kernel's.
It then loads on exactly that kernel, 5.11 or later. The ids in .BTF_ids follow. Do
it when a module is installed, before it is signed.

BASE and OLD are vmlinux, vmlinuz or raw BTF. FILE may be compressed.

Structs of the kernel are found by name, and by size where the module embeds them. One
that the kernel has not is carried with name and size if the module only points to
it; if it embeds one of another size the module does not fit the kernel and is left
alone.

Examples:
  mkbtf relocate -k $(uname -r) my.ko
  mkbtf relocate -b /boot/vmlinuz-6.1.0-38-amd64 -o my-6.1.ko my.ko
  mkbtf relocate -b vmlinux-6.12.48 --from-base vmlinux-6.12.43 *.ko.xz
`,
	"check": `Usage: mkbtf check [-b BASE]... [-k RELEASE]... [--live] [OPTIONS] FILE...

Says what kernels will do with the BTF of modules, before it happens: one line for
each file and kernel, with the message that the kernel logs and what helps. Exit
status 0: everything fits, 3: something does not.

FILE is a module, compressed or not, a directory of modules, or the name of a module
of RELEASE. Without -b, -k and --live it is checked against the kernel that runs.

  loads             the kernel takes the BTF, and it means what it says
  is refused        insmod fails; if the kernel has CONFIG_MODULE_ALLOW_BTF_MISMATCH
                    the module loads and has no BTF. BTF does not tell which; the
                    config file of RELEASE does
  loads as garbage  the kernel takes BTF that was made for another build or module:
                    names and types are wrong, and nothing tells programs
  ignored           the kernel does not read the BTF of modules
  has no BTF        nor does the kernel expect any

Whether split BTF belongs to a kernel is told by the fingerprint that mkbtf encode
leaves in the module (.note.mkbtf), by the module's release and by its content: names
that begin in the middle of others, functions that the module does not have.

Examples:
  mkbtf check my.ko
  mkbtf check -q -k 6.12.48+deb13-amd64 /lib/modules/$(uname -r)/updates
  mkbtf check -v -b vmlinuz-6.12 -b vmlinuz-7.2 my.ko
  mkbtf check -s -b vmlinux /lib/modules/$(uname -r)
  mkbtf check --live nf_tables
`,
	"compare": `Usage: mkbtf compare [-b BASE]... [-k RELEASE]... [OPTIONS] PATH...

Measures what each form of BTF would cost modules, without changing them: bytes of the
modules as "strip -g" leaves them, before and after compression, of the BTF alone, and of
kernel memory once they are loaded; and on which of the kernels the BTF loads.

PATH is a module with DWARF, compressed or not, a directory of modules, separate debug
files (x.ko.debug) or a directory of those, or the name of a module of RELEASE. The DWARF
of a stripped module is taken from its debug file: one of PATH, or where debug packages
put it. A module without any is measured as it is, in a table of its own.

The forms are those of mkbtf encode: none, split, distilled, self-contained with --keep
own, reachable and all, and "as found", with the BTF that the file came with. Split and
distilled need a kernel to be made for, the first BASE; without one they are left out,
and "own" goes by where types are declared.

Files are compressed one by one: by the system's "zstd -19" or by xz as kbuild runs it,
else by a library at its best level; the report says which. With --dictionary, zstd is
measured with a trained dictionary, too: modules are split in two halves, and each is
compressed with what was trained on the other one. The kernel cannot unpack such
modules.

The plot has a point for each form: the size of its BTF, and the share of modules that
other kernels than the first take. The page that --html writes has all of it, and needs
no other file.

A module that cannot be measured is an error and in no total; the others are measured.

Environment:
  MAKEFLAGS  below make -j without -j here: take those jobs that make has to spare
  TMPDIR     where files are put for the programs that compress them

Examples:
  mkbtf compare -k $(uname -r) /usr/lib/debug/lib/modules/$(uname -r)
  mkbtf compare -b vmlinux-6.12 -b vmlinux-7.2 --compress xz my.ko
  mkbtf compare --compress none --per-module *.ko
  mkbtf compare -b vmlinux --dictionary --json modules/ > sizes.json
  mkbtf compare -b vmlinux-6.12 -b vmlinux-7.2 --plot sizes.svg --html sizes.html modules/
`,
	"dump": `Usage: mkbtf dump [-b BASE] [--format FORMAT] [--type NAME]... FILE

Prints the types of FILE, in one of these formats:
  text  one type a line and its members indented: that of "bpftool btf dump file
        FILE format raw", byte for byte
  json  that of "bpftool -j btf dump file FILE"
  c     a header for BPF programs that gcc and clang compile, with the sizes and
        offsets of the BTF: FILE's own types and, with --deps needed, what they hold;
        what they only point to is declared. With --deps all it is defined as well.
        With --deps none nothing else is: include a header that mkbtf made from the
        base first, or bpftool's vmlinux.h. The second type of a name becomes NAME___2,
        which libbpf ignores when it relocates.

FILE is raw BTF, an ELF file with .BTF (vmlinux, a module, a BPF object), a file of
/sys/kernel/btf, or a boot image such as /boot/vmlinuz; compressed or not; "-" is
standard input. A module with a .BTF.base carries its base itself, and that of a loaded
module in /sys/kernel/btf lies beside it; other modules need the BTF of the kernel that
they were built for. Types of the base are only printed if --type or --deps ask for
them: dump the base for them.

Examples:
  mkbtf dump /sys/kernel/btf/vmlinux
  mkbtf dump -b /usr/lib/debug/boot/vmlinux-$(uname -r) my.ko | grep "FUNC '"
  mkbtf dump --format c /sys/kernel/btf/vmlinux > vmlinux.h
  mkbtf dump --format c --deps none /sys/kernel/btf/nf_tables > nf_tables.h
  mkbtf dump --format c --type 'struct nft_table' /sys/kernel/btf/nf_tables
`,
	"base": `Usage: mkbtf base -k RELEASE [--sysroot DIR] [--elf] -o OUT
       mkbtf base FILE [--elf] -o OUT

Writes a kernel's BTF to OUT: of an installed kernel, which need not be the one that
runs, or from FILE, which may be anything that has it inside: vmlinux, a boot image
for any machine in any packing, raw BTF.

An installed kernel is looked for in this order; the first file that holds BTF of
that release is taken, and -v says which:
  1. vmlinux in the build tree that KERNELDIR names (its release must be RELEASE;
     without -k it is the one to look for), then in /lib/modules/RELEASE/build and
     the like
  2. the vmlinux of the debug package, below /usr/lib/debug
  3. the boot image, such as /boot/vmlinuz-RELEASE or /lib/modules/RELEASE/vmlinuz;
     also images without the release in their name, if it is inside
  4. /sys/kernel/btf/vmlinux, if RELEASE is the running kernel
With --sysroot all but KERNELDIR is looked for below DIR, and the fourth is left out.

With --elf OUT is an ELF file of a few megabytes. As "vmlinux" in the build tree of a
kernel's headers it is what kbuild misses when it says "Skipping BTF generation". kbuild
then runs pahole and resolve_btfids, which the headers must have; if not, see
mkbtf help kbuild-links, or leave the tree alone and run mkbtf encode -k RELEASE.

Environment:
  KERNELDIR  a build tree that is looked at first

Examples:
  mkbtf base -k $(uname -r) -o kernel.btf
  mkbtf base -k 6.12.1-amd64 --sysroot /mnt --elf -o /mnt/usr/src/linux-headers-6.12.1-amd64/vmlinux
  mkbtf base vmlinuz.efi -o - | bpftool btf dump file /dev/stdin format c
`,
	"dkms": `Usage: mkbtf dkms enable [--form FORM] [--keep LEVEL] [--strict] PACKAGE...|--all
       mkbtf dkms disable PACKAGE...|--all
       mkbtf dkms status [--json] [PACKAGE...]

Makes DKMS give the modules that it builds BTF. PACKAGE is what "dkms status" calls it.

enable adds lines to /etc/dkms/PACKAGE.conf: the build command then ends with mkbtf,
which is the only place where a module has DWARF and no signature yet. The BTF is for
the kernel that is built for, not the running one. Whatever mkbtf meets, the build
goes on and leaves the module as it was; with --strict it fails. disable leaves the
file as it was before. Both take effect the next time that DKMS builds.

status lists the modules that DKMS has built, their form of BTF and what the kernel
will do with it. Exit status 3: a kernel will not take it.

What the build command runs is "mkbtf dkms hook", which encodes all modules below a
directory for the kernel that each was built for.

Files:
  /etc/dkms/PACKAGE.conf  what enable and disable change
  /var/lib/dkms           where DKMS keeps what it has built

Examples:
  mkbtf dkms enable v4l2loopback
  dkms build --force v4l2loopback/0.15.0 && mkbtf dkms status v4l2loopback
  mkbtf dkms enable --form self-contained --all
`,
	"kbuild-links": `Usage: mkbtf kbuild-links DIR

Makes the links DIR/pahole and DIR/resolve_btfids, under which kbuild can call this
program: it takes one word for each, and asks pahole for its version.

Example:
  mkbtf kbuild-links /tmp/links
  make -C /lib/modules/$(uname -r)/build M=$PWD \
      PAHOLE=/tmp/links/pahole RESOLVE_BTFIDS=/tmp/links/resolve_btfids modules
`,
	"pahole": `Usage: pahole -J [--btf_base BASE] [--btf_encode_detached=FILE] [OPTIONS] ELF
       pahole --version | --numeric_version | --supported_btf_features
       mkbtf -J ...

Encodes BTF with pahole's command line, as kbuild runs it: "mkbtf kbuild-links" says
how. ELF is a module, or vmlinux if there is no BASE; it is changed in place, or FILE
is written. The exit status says whether that worked.

The options of pahole before 1.26 are known as well: --btf_gen_floats, --btf_gen_all,
--btf_gen_optimized, --btf_encode_force, --btf_attributes, --reproducible_build,
--skip_encoding_btf_vars, _decl_tag, _type_tag, _enum64, _inconsistent_proto. A long
option that is not known has no effect, and a warning says so.

Environment:
  MKBTF_FORM            split, distilled, self-contained or auto, instead of what the
                        options ask for; with --btf_encode_detached it is what
                        resolve_btfids makes of the BTF
  MKBTF_PAHOLE_VERSION  what to answer to --version; else CONFIG_PAHOLE_VERSION of the
                        kernel that is built for, or 1.30
  PAHOLE_LANG_EXCLUDE   what --lang_exclude is without the option

Examples:
  pahole -J --btf_gen_floats --btf_base vmlinux my.ko
  pahole -J -j --btf_features=default --btf_base=vmlinux --btf_encode_detached=my.btf my.ko
`,
	"diff": `Usage: mkbtf diff [-b BASE [-b BASE]] [OPTIONS] A B

Compares the types of two BTFs by what they mean: by kind, name and content,
whatever their ids and order. Exit status 0: no differences, 3: differences.

A named type that changed is one difference, shown member by member; what leads
to it does not count as changed. Types without a name count as part of what
holds them, and by how often there is one of the same content. The classes:
  changed                 in both, with different content
  only-a, only-b          a definition that the other side has nowhere
  count                   alike, but not equally often in both
  own-copy-a, own-copy-b  one side has its own copy of what the other one takes
                          from its base
  origin                  both have it, but what leads to it leads to the base's in
                          one and to an own one in the other
  forward-a, forward-b    only declared there, defined on the other side
Numbers in brackets are ids, to be found in the output of mkbtf dump.

A and B are what mkbtf dump takes. The first -b is the base of both, or of A only if
there is a second one for B; files with a .BTF.base, and those of /sys/kernel/btf, need
none.

Examples:
  mkbtf diff old-vmlinux new-vmlinux --named-only --ignore FUNC,VAR,DATASEC
  mkbtf diff -b vmlinux by-pahole.ko by-mkbtf.ko
  mkbtf diff -b vmlinux-6.12.1 -b vmlinux-6.12.2 --kind STRUCT,UNION old.ko new.ko
`,
	"resolve_btfids": `Usage: mkbtf resolve_btfids [-b BASE] X
       mkbtf resolve_btfids --btf FILE [--btf_base BASE] [--distill_base] X
       mkbtf resolve_btfids --patch_btfids X.BTF_ids X

Does what the kernel's build calls resolve_btfids for: fills in the ids of types that
the module or vmlinux X knows, in its section .BTF_ids. Called by that name mkbtf does
the same, so that make can be told RESOLVE_BTFIDS=/path/to/resolve_btfids.

  -b BASE X            Linux up to 6.19: in place, for the .BTF that X has
  --btf FILE X         Linux from 7.0: gives kfuncs what they need, deduplicates, sorts,
                       and writes X.BTF, X.BTF_ids and, with --distill_base, X.BTF.base
  --patch_btfids       then puts X.BTF_ids into X

After mkbtf encode none of this is needed: it fills in .BTF_ids itself. It may run on
a file any number of times. The kernel's own tool may not: where ids were filled in
before, it gives kfuncs the flags of other ones.

Files:
  X.BTF, X.BTF.base, X.BTF_ids  what --btf writes, as the kernel's own tool does

Environment:
  MKBTF_FORM  split, distilled or self-contained: overrides --distill_base

Examples:
  make M=$PWD PAHOLE=pahole RESOLVE_BTFIDS=/usr/local/bin/resolve_btfids
  mkbtf resolve_btfids -b vmlinux my.ko
`,
}

func printOverview(w io.Writer) {
	fmt.Fprintf(w, "%s\n\nUsage: mkbtf COMMAND [OPTIONS] FILE...\n\nCommands:\n", about)
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-14s  %s\n", v.name, v.summary)
	}
	fmt.Fprintf(w, "  %-14s  %s\n  %-14s  %s\n\nExit status:", "help", helpSummary, "version", versionSummary)
	for i, meaning := range append(exitStatuses, aMismatch) {
		separator := ","
		if i == 0 {
			separator = ""
		}
		fmt.Fprintf(w, "%s %d %s", separator, i, meaning)
	}
	fmt.Fprintln(w, ".")
}

// printUsage writes the help of one verb.
func printUsage(w io.Writer, verb string, f *pflag.FlagSet) {
	text := usages[verb]
	if text == "" {
		text = usages[strings.Fields(verb)[0]] // of "dkms enable" and the like
	}
	if options := f.FlagUsagesWrapped(100); options != "" {
		text += "\nOptions:\n" + options
	}
	fmt.Fprint(w, text)
}

// help is "mkbtf help [VERB]", or "mkbtf help dkms enable".
func help(args []string, s streams) error {
	if len(args) == 0 {
		printOverview(s.out)
		return nil
	}
	name := strings.TrimPrefix(args[0], "--")
	i := slices.IndexFunc(verbs(), func(v verb) bool { return v.name == name })
	if i < 0 {
		return usageErrorf("%q is no command: mkbtf help lists them", args[0])
	}
	return verbs()[i].run(append(slices.Clone(args[1:]), "--help"), s)
}
