package golden

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mkbtf/btf"
)

// TestAgainstCompiler asks the compiler that built an object whether what its BTF
// says about types and functions is true of the source.
func TestAgainstCompiler(t *testing.T) {
	for _, o := range objects(t) {
		if withoutTypes[o.variant] || len(o.units) == 0 || o.module == "mixed" {
			continue
		}
		t.Run(o.name(), func(t *testing.T) {
			for _, u := range o.units {
				if _, err := exec.LookPath(u.command[0]); err != nil {
					t.Skipf("%s is not installed", u.command[0])
				}
			}
			t.Parallel()
			blob, err := encodeObject(o)
			if err != nil {
				t.Fatal(err)
			}
			newComparison(t, o).run(t, blob)
		})
	}
}

// withoutTypes are variants that cannot be encoded; golden/refused.txtar has what is said of them.
var withoutTypes = map[string]bool{"x86_64-gcc-nodebug": true, "x86_64-gcc-g1": true, "x86_64-gcc-split": true}

// A comparison is that of one object with its sources.
type comparison struct {
	units []unit
	text  []string // of each unit, with the headers it includes
	batch []question
}

// local are types that functions define: other code cannot name them.
var local = map[string]bool{
	"struct fn_local": true, "struct fn_block": true, "struct fn_inline_type": true, "enum fn_local_enum": true,
	"fn_local_alias_t": true, "FN_LOCAL_A": true,
}

func newComparison(t *testing.T, o object) *comparison {
	t.Helper()
	c := &comparison{units: o.units, batch: make([]question, len(o.units))}
	for _, u := range o.units {
		c.text = append(c.text, sourceText(t, u.source))
	}
	return c
}

var include = regexp.MustCompile(`(?m)^#include "(.*)"$`)

func sourceText(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, "src", name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, m := range include.FindAllStringSubmatch(text, -1) {
		text += sourceText(t, m[1])
	}
	return text
}

// definers are the units whose source matches a pattern.
func (c *comparison) definers(pattern string) []int {
	re := regexp.MustCompile(pattern)
	var list []int
	for i, text := range c.text {
		if re.MatchString(text) {
			list = append(list, i)
		}
	}
	return list
}

func (c *comparison) run(t *testing.T, blob *btf.Blob) {
	r := renderer{blob.Table(nil)}
	// what BTF says under one name, possibly several times
	named := map[string][]question{}
	where := map[string][]int{}
	var names []string
	for id := r.tab.Start; id < r.tab.End(); id++ {
		key, pattern, q := c.about(r, id)
		if key == "" || local[key] {
			continue
		}
		if _, ok := named[key]; !ok {
			names = append(names, key)
			where[key] = c.definers(pattern)
			if len(where[key]) == 0 {
				t.Errorf("[%d] %s: no source defines it", id, key)
			}
		}
		named[key] = append(named[key], q)
	}
	for _, key := range names {
		c.settle(t, key, named[key], where[key])
	}
	for i := range c.batch {
		if wrong := c.batch[i].ask(t, c.units[i]); wrong != "" {
			t.Errorf("%s:\n%s", c.units[i].source, wrong)
		}
	}
	if len(names) < 4 {
		t.Errorf("only %d names to compare", len(names))
	}
}

// settle compares all definitions of a name with all units that define it. Where
// both are unique it is left to the batch. Else every definition must be true of
// some unit, and some definition of every unit.
func (c *comparison) settle(t *testing.T, key string, questions []question, units []int) {
	if len(questions) == 1 && (len(units) == 1 || !severalMeanings[key]) {
		for _, u := range units {
			c.batch[u].asserts = append(c.batch[u].asserts, questions[0].asserts...)
			c.batch[u].probes = append(c.batch[u].probes, questions[0].probes...)
		}
		return
	}
	unitFits := make([]bool, len(units))
	for _, q := range questions {
		fits := false
		var wrong []string
		for i, u := range units {
			w := q.ask(t, c.units[u])
			if w == "" {
				fits, unitFits[i] = true, true
			} else {
				wrong = append(wrong, c.units[u].source+": "+w)
			}
		}
		if !fits {
			t.Errorf("%s is true of no unit:\n%s", key, strings.Join(wrong, "\n"))
		}
	}
	for i, u := range units {
		// only one prototype of a function can be written, if any
		if !unitFits[i] && !strings.HasPrefix(key, "function ") {
			t.Errorf("%s of %s is missing", key, c.units[u].source)
		}
	}
}

// severalMeanings are the names that unit_a.c and unit_b.c define differently:
// one definition of them cannot be all.
var severalMeanings = map[string]bool{
	"struct item": true, "enum mode": true, "struct ambiguous": true, "handle_t": true, "differs_t": true,
	"function same_name": true,
}

// about turns one type into a question, with a key that names it and a pattern
// that finds its definition. The key is "" where there is nothing to ask.
func (c *comparison) about(r renderer, id btf.ID) (key, pattern string, q question) {
	typ := r.at(id)
	name := r.tab.Name(typ.Name)
	switch typ.Kind {
	case btf.Int, btf.Float:
		if name == "__ARRAY_SIZE_TYPE__" || strings.HasPrefix(name, "DW_ATE_") {
			return "", "", q // clang: what indexes arrays, what expressions compute with
		}
		return "type " + name, `.`, aboutScalar(r, id)
	case btf.Struct, btf.Union:
		if name == "" {
			return "", "", q // compared where it is a member
		}
		key = r.tagged(typ)
		q.assert(fmt.Sprintf("sizeof(%s) == %d", key, typ.Size), "%s: size %d", key, typ.Size)
		aboutMembers(r, &q, key, "", 0, typ)
		return key, keyword(typ) + `\s+(ALIGNED\(\d+\)\s+)?` + name + `\s*\{`, q
	case btf.Enum, btf.Enum64:
		return aboutEnum(r, typ)
	case btf.Typedef:
		text, ok := r.declare(typ.Ref, "")
		if strings.HasPrefix(name, "ex_v") { // a vector, for which BTF has only arrays
			q.assert(fmt.Sprintf("sizeof(%s) == sizeof(%s)", name, text), "%s has the size of %s", name, text)
		} else if !ok {
			under := r.at(r.unqualified(typ.Ref))
			if under.Kind.IsComposite() {
				q.assert(fmt.Sprintf("sizeof(%s) == %d", name, under.Size), "%s: size %d", name, under.Size)
				aboutMembers(r, &q, name, "", 0, under)
			}
		} else {
			q.assert(fmt.Sprintf("__builtin_types_compatible_p(%s, %s)", name, text), "%s is %s", name, text)
		}
		return name, `(typedef[^;{]*|\}\s*)\b` + name + `\b`, q
	case btf.Func:
		if text, ok := r.declare(typ.Ref, ""); ok {
			q.assert(fmt.Sprintf("__builtin_types_compatible_p(__typeof__(%s), %s)", name, text), "function %s is %s", name, text)
		}
		return "function " + name, `\b` + name + `\(`, q
	}
	return "", "", q
}

func aboutScalar(r renderer, id btf.ID) (q question) {
	typ := r.at(id)
	text, _ := r.declare(id, "")
	q.assert(fmt.Sprintf("sizeof(%s) == %d", text, typ.Size), "%s: size %d", text, typ.Size)
	if typ.Kind == btf.Float || strings.HasPrefix(text, "_Decimal") || strings.HasPrefix(text, "_Complex") {
		return q
	}
	signed := btf.IntEncoding(typ.Extra)&btf.IntSigned != 0
	q.assert(fmt.Sprintf("((%s)-1 < 0) == %t", text, signed), "%s: signed %t", text, signed)
	boolean := btf.IntEncoding(typ.Extra)&btf.IntBool != 0
	q.assert(fmt.Sprintf("((%s)2 == 1) == %t", text, boolean), "%s: bool %t", text, boolean)
	q.asserts = replaceBool(q.asserts)
	return q
}

// replaceBool writes true and false as C has them without a header.
func replaceBool(lines []string) []string {
	for i, l := range lines {
		lines[i] = strings.NewReplacer("== true,", "== 1,", "== false,", "== 0,").Replace(l)
	}
	return lines
}

func aboutEnum(r renderer, typ *btf.Type) (key, pattern string, q question) {
	values := r.tab.MembersOf(typ)
	key = r.tagged(typ)
	if len(values) == 0 {
		return "", "", q // declared only
	}
	if key != "" {
		q.assert(fmt.Sprintf("sizeof(%s) == %d", key, typ.Size), "%s: size %d", key, typ.Size)
	}
	first := r.tab.Name(values[0].Name)
	for _, v := range values {
		name := r.tab.Name(v.Name)
		value := fmt.Sprintf("%dULL", v.Value())
		if typ.Flag && typ.Kind == btf.Enum {
			value = fmt.Sprintf("%d", int32(v.Off))
		}
		q.assert(fmt.Sprintf("(unsigned long long)%s == (unsigned long long)%s", name, value), "%s is %s", name, value)
		if typ.Flag {
			continue
		}
		q.assert(fmt.Sprintf("%s >= 0", name), "%s is not negative", name)
	}
	if key == "" {
		return first, `\b` + first + `\b`, q
	}
	return key, `enum\s+(PACKED\s+)?` + r.tab.Name(typ.Name) + `\s*\{`, q
}

// fullWidth are bit-fields as wide as their type. clang describes them like any
// other member, gcc like bit-fields; C does not let either be asked for its offset.
var fullWidth = map[string]bool{"struct bf_plain.d": true, "struct bf_64.d": true}

// aboutMembers asks for the place, the size and, where C can say it, the type of
// each member, down into unnamed structs. Base is the bit offset of the struct
// that typ is a member of; path leads to it.
func aboutMembers(r renderer, q *question, of, path string, base uint64, typ *btf.Type) {
	for _, m := range r.tab.MembersOf(typ) {
		name, off := r.tab.Name(m.Name), base+uint64(m.Off)
		under := r.at(r.unqualified(m.Type))
		if name == "" {
			if under.Kind.IsComposite() {
				aboutMembers(r, q, of, path, off, under)
			}
			continue
		}
		at := path + "." + name
		width := uint64(m.Bits)
		if fullWidth[of+at] && width == 0 {
			width = 8 * uint64(under.Size)
		}
		if width != 0 {
			q.probes = append(q.probes, probe{of: of, path: at, off: off, width: width})
			continue
		}
		member := fmt.Sprintf("((%s *)0)->%s", of, at[1:])
		q.assert(fmt.Sprintf("__builtin_offsetof(%s, %s) * 8ULL == %d", of, at[1:], off), "%s%s: bit offset %d", of, at, off)
		aboutMemberType(r, q, of+at, member, m.Type, under)
		if under.Kind.IsComposite() && under.Name == 0 && of != "struct ex_complex" {
			aboutMembers(r, q, of, at, off, under)
		}
	}
}

func aboutMemberType(r renderer, q *question, what, member string, id btf.ID, under *btf.Type) {
	if strings.HasPrefix(what, "struct ex_atomics.") {
		return // BTF has no word for _Atomic
	}
	switch {
	case under.Kind == btf.Array:
		if text, ok := r.declare(id, ""); ok {
			q.assert(fmt.Sprintf("__builtin_types_compatible_p(__typeof__(%s), %s)", member, text), "%s is %s", what, text)
			if under.Size != 0 {
				q.assert(fmt.Sprintf("sizeof(%s) == sizeof(%s)", member, text), "%s: size of %s", what, text)
			}
		}
	case under.Kind.IsComposite() && under.Name == 0:
		q.assert(fmt.Sprintf("sizeof(%s) == %d", member, under.Size), "%s: size %d", what, under.Size)
	default:
		if text, ok := r.declare(id, ""); ok {
			q.assert(fmt.Sprintf("__builtin_types_compatible_p(__typeof__(%s), %s)", member, text), "%s is %s", what, text)
		}
	}
}
