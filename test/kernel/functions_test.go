package kernel

import (
	"bufio"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
	"mkbtf/internal/encode"
	"mkbtf/internal/funccheck"
	"mkbtf/internal/object"
)

// TestFunctions compares functions and variables of the kernel and of all its modules
// with what was shipped, which pahole 1.24 made. Every difference has to fall under
// a rule of docs/functions.md, which has the table that is printed.
func TestFunctions(t *testing.T) {
	k := needDebug(t)
	compareFunctions(t, k, 1, func(t *testing.T, path string) (*btf.Blob, map[string]string) {
		data, err := object.LoadBTF(path)
		if err != nil {
			t.Fatal(err)
		}
		return parseFor(t, k, path, data.BTF), nil
	})
}

// TestNewestFunctions is TestFunctions against the newest pahole, of the kernel and
// every twentieth module.
func TestNewestFunctions(t *testing.T) {
	k := needDebug(t)
	newest := pahole(t)
	compareFunctions(t, k, 20, func(t *testing.T, path string) (*btf.Blob, map[string]string) {
		out := filepath.Join(t.TempDir(), "btf")
		args := []string{"-J", "-V", "--btf_features=default", "--lang_exclude=rust", "--btf_encode_detached=" + out}
		if path != k.vmlinux() {
			args = append(args, "--btf_base", k.vmlinux())
		}
		cmd := exec.Command(newest, append(args, path)...)
		said, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		refused := map[string]string{}
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if m := paholeRefuses.FindStringSubmatch(lines.Text()); m != nil {
				refused[m[1]] = m[2]
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return parseFor(t, k, path, raw), refused
	})
}

var paholeRefuses = regexp.MustCompile(`^(\S+) : skipping BTF encoding of function due to (.*)`)

func parseFor(t *testing.T, k kernel, path string, raw []byte) *btf.Blob {
	t.Helper()
	var base *btf.Blob
	if path != k.vmlinux() {
		base = k.base(t)
	}
	b, err := btf.Parse(raw, base)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// compareFunctions compares the kernel and every nth module with what theirs returns,
// which may say why a function is not in it.
func compareFunctions(t *testing.T, k kernel, nth int, theirs func(*testing.T, string) (*btf.Blob, map[string]string)) {
	r := rules{modules: map[string]int{}, kernel: map[string]int{}, examples: map[string]string{}, left: map[string]map[string]string{}}
	assembly := slices.DeleteFunc(dwarf2btf.DefaultExcluded(), func(lang uint16) bool {
		return lang == dwarf2btf.LangMipsAssembler || lang == dwarf2btf.LangAssembly
	})
	encoder := func(o encode.Options) *encode.Encoder {
		e, err := encode.New(o)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	base := k.base(t)
	modules := encoders{
		ours:     encoder(encode.Options{Form: encode.Split, Base: k.vmlinux(), Note: r.note, Jobs: 1}),
		assembly: encoder(encode.Options{Form: encode.Split, Base: k.vmlinux(), ExcludeLanguages: assembly, Jobs: 1}),
		base:     base.Table(nil), kernel: funccheck.Functions(base, nil),
	}
	alone := encoders{
		ours:     encoder(encode.Options{Form: encode.SelfContained, Note: r.note}),
		assembly: encoder(encode.Options{Form: encode.SelfContained, ExcludeLanguages: assembly}),
	}
	paths := make(chan string)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for path := range paths {
				e, count := &modules, r.modules
				if path == k.vmlinux() {
					e, count = &alone, r.kernel
				}
				blob, refused := theirs(t, path)
				f := file{path: path, parse: func(raw []byte) *btf.Blob { return parseFor(t, k, path, raw) }, encoders: e, refused: refused}
				r.compare(t, &f, blob, count)
			}
		})
	}
	paths <- k.vmlinux()
	n := 0
	err := filepath.WalkDir(k.modules(), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".ko" {
			if n++; n%nth == 0 {
				paths <- path
			}
		}
		return err
	})
	close(paths)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the kernel and %d modules\n%s", n/nth, r.table())
	if r.kernel[same] < 40000 || r.modules[same] < 40000/nth {
		t.Errorf("only %d and %d functions are the same", r.kernel[same], r.modules[same])
	}
}

// encoders are those for one kind of file.
type encoders struct {
	ours, assembly *encode.Encoder
	base           *btf.Table
	kernel         map[string]string // functions of the base
}

// file is one that is compared.
type file struct {
	*encoders
	path    string
	parse   func([]byte) *btf.Blob
	refused map[string]string // functions that the other encoder leaves out, if it says so
}

func (f *file) encode(t *testing.T, e *encode.Encoder) *btf.Blob {
	out, err := e.Open(f.path, true)
	if err != nil {
		t.Errorf("%s: %v", f.path, err)
		return nil
	}
	return f.parse(out.BTF)
}

// The rules that differences fall under, besides the reasons for leaving a function
// out.
const (
	same      = "the same"
	inKernel  = "only ours: the kernel has an equal one"
	overruled = "differs: ours is that of the code at the symbol"
	assembler = "only theirs: void f(void), an assembler unit"
)

// rules counts differences by the rule that they fall under.
type rules struct {
	sync.Mutex
	modules, kernel map[string]int
	examples        map[string]string
	left            map[string]map[string]string // by file and function: why we leave it out
}

var leftOut = regexp.MustCompile(`^function (\S+): left out: ([^(]*[^ (])`)

func (r *rules) note(file, message string) {
	m := leftOut.FindStringSubmatch(message)
	if m == nil {
		return
	}
	r.Lock()
	defer r.Unlock()
	if r.left[file] == nil {
		r.left[file] = map[string]string{}
	}
	r.left[file][m[1]] = m[2]
}

// compare puts all functions of a file under rules and reports those that fall under
// none, and all differences in variables.
func (r *rules) compare(t *testing.T, f *file, theirs *btf.Blob, count map[string]int) {
	blob := f.encode(t, f.encoders.ours)
	if blob == nil {
		return
	}
	r.Lock()
	left := r.left[f.path]
	r.Unlock()
	a, b := funccheck.Functions(blob, f.base), funccheck.Functions(theirs, f.base)
	all := maps.Clone(a)
	maps.Copy(all, b)
	found := map[string]int{}
	var assembly map[string]string
	var wrong map[string]error
	name := filepath.Base(f.path)
	for fn := range all {
		x, ours := a[fn]
		y, has := b[fn]
		rule := ""
		switch {
		case x == y:
			rule = same
		case ours && has:
			if wrong == nil {
				wrong = f.prove(t, blob)
			}
			if wrong[fn] == nil {
				rule = overruled
			}
		case ours && f.kernel[fn] == x:
			rule = inKernel
		case ours && f.refused[fn] != "":
			rule = "only ours: left out there, " + f.refused[fn]
		case has && left[fn] != "":
			rule = "only theirs: " + left[fn]
		case has && y == "func() void":
			if assembly == nil {
				assembly = map[string]string{}
				if b := f.encode(t, f.encoders.assembly); b != nil {
					assembly = funccheck.Functions(b, f.base)
				}
			}
			if assembly[fn] == y || f.kernel[fn] == y {
				rule = assembler
			}
		}
		if rule == "" {
			t.Errorf("%s: %s: ours %q, theirs %q", name, fn, x, y)
			continue
		}
		if found[rule]++; rule != same {
			r.example(rule, name+" "+fn)
		}
	}
	r.Lock()
	defer r.Unlock()
	for rule, n := range found {
		count[rule] += n
	}
	r.variables(t, f, funccheck.Variables(blob, f.base), funccheck.Variables(theirs, f.base))
}

// example remembers one example a rule, the same in each run.
func (r *rules) example(rule, text string) {
	r.Lock()
	defer r.Unlock()
	if e := r.examples[rule]; e == "" || text < e {
		r.examples[rule] = text
	}
}

// prove returns what an independent reading of the file says against its FUNCs.
func (f *file) prove(t *testing.T, blob *btf.Blob) map[string]error {
	data, err := os.ReadFile(f.path)
	if err != nil {
		t.Error(err)
		return nil
	}
	proof, err := funccheck.Read(data)
	if err != nil {
		t.Errorf("%s: %v", f.path, err)
		return nil
	}
	_, wrong := proof.Check(blob)
	byName := map[string]error{}
	for _, err := range wrong {
		words := strings.Fields(err.Error())
		byName[strings.TrimSuffix(words[1], ":")] = err
	}
	return byName
}

// variables reports differences. One is known: pahole 1.24 leaves out the variable at
// the very start of the section, newer ones do not.
func (r *rules) variables(t *testing.T, f *file, ours, theirs map[string]string) {
	for v, x := range ours {
		if y := theirs[v]; x != y && (y != "" || !strings.Contains(x, "at 0x0,")) {
			t.Errorf("%s: variable %s: ours %q, theirs %q", f.path, v, x, y)
		}
	}
	for v, y := range theirs {
		if ours[v] == "" {
			t.Errorf("%s: variable %s: theirs only, %q", f.path, v, y)
		}
	}
}

func (r *rules) table() string {
	var lines []string
	all := maps.Clone(r.kernel)
	maps.Copy(all, r.modules)
	for _, rule := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, fmt.Sprintf("| %s | %d | %d | %s |", rule, r.kernel[rule], r.modules[rule], r.examples[rule]))
	}
	return strings.Join(lines, "\n")
}
