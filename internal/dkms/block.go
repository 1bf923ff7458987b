package dkms

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// The first and the last line of what enabling adds to a file. The first one may go
// on with a remark on how to undo it.
const (
	blockBegin = "# mkbtf dkms: begin"
	blockEnd   = "# mkbtf dkms: end"

	remarkNewFile   = " (new file)"
	remarkNoNewline = " (no newline before)"
)

// ErrDamaged says that the lines of mkbtf in a file cannot be told from others.
var ErrDamaged = errors.New("the lines that mkbtf has added are damaged: remove them by hand")

// Hook says what the build command of a module shall do at its end.
type Hook struct {
	Program string // path of mkbtf
	Form    string // form of the BTF; "" leaves the choice to mkbtf
	Keep    string // how many types are kept; "" the default
	Strict  bool   // a module that cannot be encoded fails the build
}

// command is what runs after the build. DKMS appends words to the whole command if
// the kernel was built by clang; as parameters of sh they do no harm. Without Strict
// nothing that happens here can fail the build. It must hold nothing that the shell
// expands, since each file that DKMS reads after this one expands it once more.
func (h *Hook) command() string {
	c := h.Program + " dkms hook"
	if h.Form != "" {
		c += " --form " + h.Form
	}
	if h.Keep != "" {
		c += " --keep " + h.Keep
	}
	if h.Strict {
		c += " --strict"
	}
	c += " --kernel $kernelver --kernel-dir $kernel_source_dir $dkms_tree/$module/$module_version/build"
	if !h.Strict {
		c += " || :"
	}
	return "sh -c '" + c + "' mkbtf"
}

// text is what goes between the first and the last line: bash, run each time that
// DKMS reads the module's configuration. It finds the build command as DKMS does
// (read_conf: the last MAKE whose MAKE_MATCH fits the kernel, else MAKE[0], else its
// own), and leaves one MAKE for all kernels.
func (h *Hook) text() string {
	return strings.NewReplacer("PROGRAM", h.Program, "HOOK", h.command()).Replace(`# Gives the module BTF after it is built; "mkbtf dkms disable" removes these lines.
if [[ -x PROGRAM ]]; then
	[[ ${MAKE_MATCH[0]} ]] || mkbtf_make=${MAKE[0]}
	for mkbtf_i in "${!MAKE[@]}"; do
		[[ ${MAKE[mkbtf_i]} && ${MAKE_MATCH[mkbtf_i]} && $kernelver =~ ${MAKE_MATCH[mkbtf_i]} ]] && mkbtf_make=${MAKE[mkbtf_i]}
		MAKE_MATCH[mkbtf_i]=
	done
	# dkms expands it once more
	for mkbtf_i in \\ \" \$ \` + "`" + `; do mkbtf_make=${mkbtf_make//"$mkbtf_i"/\\"$mkbtf_i"}; done
	: "${mkbtf_make:=make -C $kernel_source_dir M=$dkms_tree/$module/$module_version/build}"
	# what dkms appends for kernels built by clang would go to the wrong command
	grep -qs '^CONFIG_CC_IS_CLANG=y' "$kernel_config" && mkbtf_make+=" CC=clang"
	grep -qs '^CONFIG_LD_IS_LLD=y' "$kernel_config" && mkbtf_make+=" LD=ld.lld"
	MAKE[0]="$mkbtf_make && HOOK"
fi
`)
}

// insert returns a file with the block in it. old is nil if there is no file. A block
// that is there already is replaced where it stands.
func (h *Hook) insert(old []byte) ([]byte, error) {
	b, err := findBlock(old)
	if err != nil {
		return nil, err
	}
	if b != nil {
		return join(old[:b.start], blockBegin+b.remark+"\n"+h.text()+blockEnd+"\n", old[b.end:]), nil
	}
	remark, gap := "", ""
	switch {
	case old == nil:
		remark = remarkNewFile
	case len(old) > 0 && old[len(old)-1] != '\n':
		remark, gap = remarkNoNewline, "\n"
	}
	return join(old, gap+blockBegin+remark+"\n"+h.text()+blockEnd+"\n", nil), nil
}

func join(a []byte, middle string, b []byte) []byte {
	return append(append(append([]byte{}, a...), middle...), b...)
}

// remove returns a file without the block. found is false if there is none, and gone
// true if the file was made by insert and nothing else is in it.
func remove(data []byte) (rest []byte, found, gone bool, err error) {
	b, err := findBlock(data)
	if err != nil || b == nil {
		return data, false, false, err
	}
	before, after := data[:b.start], data[b.end:]
	if b.remark == remarkNoNewline && len(after) == 0 {
		before = bytes.TrimSuffix(before, []byte("\n"))
	}
	rest = join(before, "", after)
	return rest, true, b.remark == remarkNewFile && len(rest) == 0, nil
}

// block is where the lines of mkbtf lie.
type block struct {
	start, end int
	remark     string
}

// findBlock returns nil if there is no block.
func findBlock(data []byte) (*block, error) {
	var b *block
	open := false
	at := 0
	for line := range bytes.Lines(data) {
		start := at
		at += len(line)
		text := string(bytes.TrimSuffix(line, []byte("\n")))
		remark, begins := strings.CutPrefix(text, blockBegin)
		switch {
		case begins && b != nil, text == blockEnd && !open:
			return nil, fmt.Errorf("%w: more than one block", ErrDamaged)
		case begins:
			b, open = &block{start: start, remark: remark}, true
		case text == blockEnd:
			b.end, open = at, false
		}
	}
	if open {
		return nil, fmt.Errorf("%w: no line %q", ErrDamaged, blockEnd)
	}
	return b, nil
}
