package kernel

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/emit"
	"mkbtf/internal/check"
	"mkbtf/internal/object"
)

var update = flag.Bool("update", false, "write docs/portability.md anew")

// portabilityModules are modules of the kernel that everything is encoded for.
var portabilityModules = []string{"hello", "dummy", "veth", "virtio_net", "xfs"}

// portabilityForms make a module's BTF from a copy that has DWARF and no BTF.
var portabilityForms = []struct {
	name string
	make func(t *testing.T, ko string, built, on kernel)
}{
	{"split", func(t *testing.T, ko string, built, _ kernel) {
		mkbtf(t, "encode", "-f", "split", "-b", built.vmlinux(), ko)
	}},
	{"distilled (pahole)", func(t *testing.T, ko string, built, _ kernel) {
		cmd := exec.Command(pahole(t), "-J", "--btf_features=default,distilled_base", "--btf_base", built.vmlinux(), ko)
		cmd.Env = append(os.Environ(), "LLVM_OBJCOPY=objcopy")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}},
	{"distilled", func(t *testing.T, ko string, built, _ kernel) {
		mkbtf(t, "encode", "-f", "distilled", "-b", built.vmlinux(), ko)
	}},
	{"self-contained, own", func(t *testing.T, ko string, built, _ kernel) {
		mkbtf(t, "encode", "-f", "self-contained", "--keep", "own", ko)
	}},
	{"self-contained, reachable", func(t *testing.T, ko string, built, _ kernel) {
		mkbtf(t, "encode", "-f", "self-contained", "--keep", "reachable", ko)
	}},
	{"self-contained, all", func(t *testing.T, ko string, built, _ kernel) {
		mkbtf(t, "encode", "-f", "self-contained", ko)
	}},
	{"relocated", func(t *testing.T, ko string, built, on kernel) {
		mkbtf(t, "encode", "-f", "self-contained", ko)
		mkbtf(t, "relocate", "-b", on.image(), ko)
	}},
}

// A cell is one module in one form on one kernel.
type cell struct {
	module, form string
	verdict      *check.Verdict
	got          string // what the kernel did: an outcome, in the words of package check
	log          string // the line of its log that says why
}

// TestPortability shows the BTF of modules in every form to kernels older and newer
// than the one it was made for. It travels in a module of each kernel's own, since
// one that was built for 6.12 cannot be inserted into 6.1 or 7.x. Package check must
// have predicted what happens, in every case; what it calls loading must mean what
// the module's BTF means at home.
func TestPortability(t *testing.T) {
	built := needDebug(t)
	type column struct {
		release string
		cells   []cell
	}
	var columns []column
	for _, args := range [][]string{
		{"6.1", "cloud-amd64"},
		{"--update", "6.12", "amd64", "deb12", "2"},
		{"6.12", "cloud-amd64", "deb12"},
		{"6.12", "cloud-amd64", "deb13"},
		{"7", "cloud-amd64"},
	} {
		k := needKernel(t, args...)
		release, err := os.ReadFile(filepath.Join(k.dir, "release"))
		if err != nil {
			t.Fatal(err)
		}
		c := column{release: strings.TrimSpace(string(release))}
		t.Run(c.release, func(t *testing.T) { c.cells = onKernel(t, built, k) })
		columns = append(columns, c)
	}
	var doc strings.Builder
	for _, c := range columns {
		fmt.Fprintf(&doc, "\n### %s\n\n| form | %s |\n|---|%s\n", c.release, strings.Join(portabilityModules, " | "), strings.Repeat("---|", len(portabilityModules)))
		for _, f := range portabilityForms {
			fmt.Fprintf(&doc, "| %s |", f.name)
			for _, x := range c.cells {
				if x.form == f.name {
					fmt.Fprintf(&doc, " %s |", x.got)
				}
			}
			doc.WriteString("\n")
		}
		doc.WriteString("\n")
		for _, f := range portabilityForms {
			for _, x := range c.cells {
				if x.form == f.name && x.log != "" {
					fmt.Fprintf(&doc, "* %s, %s: `%s`\n", x.form, x.module, x.log)
					break
				}
			}
		}
	}
	t.Log(doc.String())
	if *update && !t.Failed() {
		writeTable(t, doc.String())
	}
}

// onKernel runs all cells of one kernel in one boot.
func onKernel(t *testing.T, built, k kernel) []cell {
	target, err := check.LoadKernel(k.image())
	if err != nil {
		t.Fatal(err)
	}
	host := k.host(t)
	dir := t.TempDir()
	var items []string
	var cells []cell
	var homes, theres []*btf.Blob
	for _, name := range portabilityModules {
		home := encodedAtHome(t, built, name, dir)
		for i, f := range portabilityForms {
			ko := filepath.Join(dir, "work", name+".ko")
			copyWithoutBTF(t, ko, moduleWithDWARF(t, built, name))
			f.make(t, ko, built, k)
			m, err := check.LoadModule(ko)
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(dir, fmt.Sprintf("%s-%d.ko", name, i))
			transplant(t, out, host, &emit.Output{BTF: m.BTF, Base: m.Base})
			items = append(items, "run=echo case", "-f", out, "run=dmesg | grep -E 'BPF:|BTF' | tail -n 20 | sed 's/^/dmesg /'; dmesg -c >/dev/null; rmmod dummy 2>/dev/null || true")
			cells = append(cells, cell{module: name, form: f.name, verdict: target.Check(m)})
			homes, theres = append(homes, home), append(theres, exposedBlob(t, target, m))
		}
	}
	g := boot(t, k, items...)
	said := strings.Split(g.String(), "out case\n")[1:]
	if len(said) != len(cells) {
		t.Fatalf("%d cases ran, not %d:\n%s", len(said), len(cells), g)
	}
	agree := 0
	for i := range cells {
		x := &cells[i]
		x.got, x.log = whatHappened(said[i], homes[i], theres[i])
		want := string(x.verdict.Outcome)
		got := strings.Fields(x.got)[0]
		if got == "dropped" {
			got = "refused"
		}
		if got != want {
			t.Errorf("%s, %s: check said %q, but: %s\n%s", x.module, x.form, x.verdict.Line(), x.got, said[i])
			continue
		}
		agree++
		// Kernels that drop BTF say little or nothing.
		if said, ok := strings.CutPrefix(x.log, "BPF: "); ok {
			if want := strings.Join(strings.Fields(x.verdict.Message), " "); said != want {
				t.Errorf("%s, %s: check expected the message %q, the kernel said %q", x.module, x.form, want, said)
			}
		}
	}
	t.Logf("check predicted %d of %d", agree, len(cells))
	return cells
}

// whatHappened reads what a guest said about one case. BTF that was taken is garbage
// unless the module's functions have the names and types in it that they have at
// home.
func whatHappened(said string, home, there *btf.Blob) (outcome, log string) {
	log = logOf(said)
	taken := ""
	for l := range strings.Lines(said) {
		f := strings.Fields(l)
		if len(f) == 4 && f[0] == "btf" {
			taken = f[2] + " " + f[3]
		}
	}
	switch {
	case strings.Contains(said, "insmod dummy ok") && taken == "":
		return "dropped", log
	case taken == "":
		for l := range strings.Lines(said) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(l), "insmod dummy "); ok {
				return "refused (" + strings.Fields(rest)[0] + ")", log
			}
		}
		return "nothing", log
	case there == nil || fmt.Sprintf("%d %x", len(there.Data), sha256.Sum256(there.Data)) != taken:
		return "garbage or other bytes than predicted", log
	case !sameFunctions(home, there):
		return "garbage", log
	}
	return "loads", log
}

// logOf is why the kernel does not take BTF, in one line: it logs a type in several.
func logOf(said string) string {
	var bpf, other []string
	for l := range strings.Lines(said) {
		_, msg, ok := strings.Cut(l, "dmesg ")
		if _, after, found := strings.Cut(msg, "] "); ok && found {
			if text, ok := strings.CutPrefix(after, "BPF:"); ok {
				bpf = append(bpf, strings.Fields(text)...)
			} else {
				other = append(other, strings.TrimSpace(after))
			}
		}
	}
	switch {
	case len(bpf) > 0:
		return "BPF: " + strings.Join(bpf, " ")
	case len(other) > 0:
		return other[0]
	}
	return ""
}

// exposedBlob is the module's BTF as /sys/kernel/btf should show it, over the
// kernel's; nil if it cannot be read.
func exposedBlob(t *testing.T, k *check.Kernel, m *check.Module) *btf.Blob {
	t.Helper()
	raw := k.Exposes(m)
	b, err := btf.Parse(raw, k.BTF())
	if err != nil {
		return nil
	}
	return b
}

// encodedAtHome is the split BTF of a module over the kernel that it was built for.
func encodedAtHome(t *testing.T, built kernel, name, dir string) *btf.Blob {
	t.Helper()
	ko := filepath.Join(dir, "home.ko")
	mkbtf(t, "encode", "-f", "split", "-b", built.vmlinux(), "-o", ko, moduleWithDWARF(t, built, name))
	data, err := object.LoadBTF(ko)
	if err != nil {
		t.Fatal(err)
	}
	b, err := btf.Parse(data.BTF, built.base(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func moduleWithDWARF(t *testing.T, built kernel, name string) string {
	t.Helper()
	if name == "hello" {
		return filepath.Join(root, "testdata/hello.ko")
	}
	return built.module(t, name+".ko")
}

// copyWithoutBTF copies a module and leaves the BTF behind that it was shipped with.
func copyWithoutBTF(t *testing.T, to, from string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := emit.EditELF(data, []emit.ELFSection{{Name: ".BTF"}}, emit.ELFOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, plain.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// pahole fetches the newest pahole.
func pahole(t *testing.T) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(root, "scripts/fetch-pahole.sh"), "sid").Output()
	if err != nil {
		t.Fatalf("fetch-pahole.sh sid: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// sameFunctions reports whether two BTFs of a module have the same FUNCs with the
// same prototypes. Encoders differ in what they leave out because the compiler has
// changed it: what only one has does not count, but most of them must agree.
func sameFunctions(a, b *btf.Blob) bool {
	x, y := prototypes(a), prototypes(b)
	common := 0
	for name, proto := range x {
		if other, ok := y[name]; ok {
			if proto != other {
				return false
			}
			common++
		}
	}
	return 10*common >= 9*max(len(x), len(y))
}

// prototypes are the FUNCs of a module with the names and types of their parameters,
// as far as the names of structs, unions, enums and typedefs tell.
func prototypes(b *btf.Blob) map[string]string {
	all := map[string]string{}
	for id := b.Start(); id < b.End(); id++ {
		r := b.Record(id)
		if r.Kind() != btf.Func {
			continue
		}
		proto, ms := b.Decode(btf.ID(r.SizeType), nil, func(off uint32) btf.Str { return btf.Str(off) })
		s := proto.Kind.String() + " " + spell(b, proto.Ref) + " ("
		for _, m := range ms {
			s += spell(b, m.Type) + " " + string(b.StringAt(uint32(m.Name))) + ", "
		}
		all[string(b.StringAt(r.NameOff))] = s
	}
	return all
}

// spell writes a type down as far as it has names.
func spell(b *btf.Blob, id btf.ID) string {
	s := ""
	for range 20 {
		if id == 0 {
			return s + "void"
		}
		r := b.Record(id)
		t, _ := b.Decode(id, nil, func(uint32) btf.Str { return 0 })
		switch k := r.Kind(); {
		case k == btf.TypeTag: // not every encoder writes them
		case k == btf.Fwd || k.IsComposite(): // a declaration stands for the definition
			return s + "tag " + string(b.StringAt(r.NameOff))
		case k == btf.Array:
			return s + "array of " + spell(b, t.Ref)
		case k == btf.Ptr:
			s += "* "
		case k == btf.Const || k == btf.Volatile || k == btf.Restrict:
			s += k.String() + " "
		default:
			return s + k.String() + " " + string(b.StringAt(r.NameOff))
		}
		id = t.Ref
	}
	return s
}

const tableMark = "<!-- the rest is written by go test ./test/kernel -run TestPortability -update -->\n"

// writeTable replaces the part of the page behind the mark.
func writeTable(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(root, "docs/portability.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(page), tableMark)
	if !ok {
		t.Fatalf("%s: no line %q", path, tableMark)
	}
	if err := os.WriteFile(path, []byte(head+tableMark+text), 0o644); err != nil {
		t.Fatal(err)
	}
}
