package golden

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A probe is a bit-field whose place the compiler is asked for.
type probe struct {
	of, path   string // struct and designator of the member
	off, width uint64 // in bits, as BTF has it
}

// A question is what one translation unit is compiled with: assertions in C, and
// bit-fields. The compiler says no to a wrong assertion; a constant object with
// one bit-field set shows in its bytes where the field lies.
type question struct {
	asserts []string
	probes  []probe
}

func (q *question) assert(condition, format string, args ...any) {
	q.asserts = append(q.asserts, fmt.Sprintf("_Static_assert(%s, %q);", condition, fmt.Sprintf(format, args...)))
}

// ask compiles the unit's source followed by the question with the command that
// built the object, and returns what is wrong, "" if nothing is.
func (q *question) ask(t *testing.T, u unit) string {
	t.Helper()
	var source strings.Builder
	fmt.Fprintf(&source, "#include %q\n", u.source)
	for _, a := range q.asserts {
		source.WriteString(a + "\n")
	}
	for i, p := range q.probes {
		fmt.Fprintf(&source, "extern const %s probe_%d;\nconst %s probe_%d = { %s = -1 };\n", p.of, i, p.of, i, p.path)
	}
	out := filepath.Join(t.TempDir(), "answer.o")
	args := append(slices.Clone(u.command[1:]), "-g0", "-x", "c", "-c", "-o", out, "-")
	if len(q.probes) == 0 {
		args = append(args, "-fsyntax-only")
	}
	cmd := exec.Command(u.command[0], args...)
	cmd.Dir = filepath.Join(testdata, "src")
	cmd.Stdin = strings.NewReader(source.String())
	var messages bytes.Buffer
	cmd.Stderr = &messages
	if err := cmd.Run(); err != nil {
		return errorLines(messages.String())
	}
	if len(q.probes) == 0 {
		return ""
	}
	f, err := elf.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	var wrong strings.Builder
	for i, p := range q.probes {
		off, width := setBits(t, f, symbols, fmt.Sprintf("probe_%d", i))
		if off != p.off || width != p.width {
			fmt.Fprintf(&wrong, "%s%s: %d bits at bit %d, the compiler has %d at %d\n", p.of, p.path, p.width, p.off, width, off)
		}
	}
	return wrong.String()
}

func errorLines(messages string) string {
	var lines []string
	for line := range strings.Lines(messages) {
		if strings.Contains(line, "error:") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) == 0 {
		return messages
	}
	return strings.Join(lines, "\n")
}

// setBits finds the first bit that is set in a constant object and how many are.
// Bits count from the least significant one of the first byte, on big-endian
// machines from the most significant one, as in DWARF and BTF.
func setBits(t *testing.T, f *elf.File, symbols []elf.Symbol, name string) (off, n uint64) {
	t.Helper()
	for _, s := range symbols {
		if s.Name != name {
			continue
		}
		section := f.Sections[s.Section]
		data, err := section.Data()
		if err != nil {
			t.Fatal(err)
		}
		first, last := -1, -1
		for i := range int(s.Size) * 8 {
			shift := i % 8
			if f.ByteOrder.String() == "BigEndian" {
				shift = 7 - shift
			}
			if data[int(s.Value)+i/8]>>shift&1 != 0 {
				if first < 0 {
					first = i
				}
				last = i
				n++
			}
		}
		if first < 0 || uint64(last-first+1) != n {
			t.Fatalf("%s: bits %d to %d, %d of them set", name, first, last, n)
		}
		return uint64(first), n
	}
	t.Fatalf("no symbol %s", name)
	return 0, 0
}
