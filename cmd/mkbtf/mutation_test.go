//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mkbtf/internal/compress"
	"mkbtf/internal/mutate"
)

// Bounds on one command: the damaged files are small, and so must be the effort.
const (
	mutationTime   = 10 * time.Second // of the processor
	mutationMemory = 1 << 30          // bytes allocated in all, which is more than is in use at a time
)

// TestMutations damages modules and BTF, runs commands on them, and demands success or
// one clear error, files that are whole or as they were, and from the encoder BTF that
// all readers take.
//
// MKBTF_MUTATIONS says how many damaged files to try, and MKBTF_MUTATION names a single
// one by its number. MKBTF_MUTATION_SEED takes others than the usual ones. With
// MKBTF_KERNEL_DIR, a directory that scripts/fetch-kernel.sh has made, modules of that
// kernel are damaged instead of those in testdata.
func TestMutations(t *testing.T) {
	first, n := 0, 400
	if testing.Short() {
		n = 100
	}
	seed := uint64(1)
	for name, set := range map[string]func(v int){
		"MKBTF_MUTATIONS":     func(v int) { n = v },
		"MKBTF_MUTATION":      func(v int) { first, n = v, 1 },
		"MKBTF_MUTATION_SEED": func(v int) { seed = uint64(v) },
	} {
		if s := os.Getenv(name); s != "" {
			v, err := strconv.Atoi(s)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			set(v)
		}
	}
	m := newMutations(t)
	start := time.Now()
	for i := first; i < first+n; i++ {
		m.one(t, i, rand.New(rand.NewPCG(seed, uint64(i))))
		if m.failed > 400 {
			t.Fatal("too many failures")
		}
		if done := i - first + 1; done%5000 == 0 {
			t.Logf("%d files in %v: %s", done, time.Since(start).Round(time.Second), m.counts())
		}
	}
	t.Logf("%d files: %s", n, m.counts())
	t.Logf("longest: %v (number %d); most allocated: %d MB (number %d)",
		m.longest.Round(time.Millisecond), m.longestAt, m.most>>20, m.mostAt)
	if m.outcomes["encode"][exitDone] == 0 && n >= 100 {
		t.Error("no damaged file could be encoded: the damage is too great to prove anything")
	}
}

// TestDamaged runs all commands on files that once made one fail as it should not.
func TestDamaged(t *testing.T) {
	files, err := filepath.Glob("testdata/damaged/*.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	m := newMutations(t)
	for _, file := range files {
		packed, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data, err := compress.All(compress.Gzip, packed)
		if err != nil {
			t.Fatal(err)
		}
		c := &mutationCase{mutations: m, t: t, subject: m.subjects[len(m.subjects)-1], data: data, path: filepath.Join(m.dir, "damaged.ko"), name: file}
		for _, cmd := range moduleCommands {
			c.run(cmd)
		}
	}
}

// mutations is the state of the test.
type mutations struct {
	dir      string // where the damaged file is, and nothing else between commands
	made     string // where the subjects are
	subjects []*subject
	outcomes map[string]map[int]int  // by command and exit status
	kernels  map[string]*kernelJudge // by base
	failed   int

	longest           time.Duration
	most              uint64 // bytes allocated
	longestAt, mostAt int    // the numbers of the files
}

// subject is a file to damage and what belongs to it.
type subject struct {
	*mutate.Subject
	path string // of the file as it is
	base string // of the BTF of a kernel that fits; "" if there is none
	btf  bool   // raw BTF of a kernel
}

func newMutations(t *testing.T) *mutations {
	m := &mutations{dir: t.TempDir(), made: t.TempDir(), outcomes: map[string]map[int]int{}, kernels: map[string]*kernelJudge{}}
	if shm, err := os.MkdirTemp("/dev/shm", "mkbtf"); err == nil { // where fsync costs nothing
		t.Cleanup(func() { os.RemoveAll(shm) })
		m.dir, m.made = filepath.Join(shm, "x"), filepath.Join(shm, "made")
		for _, dir := range []string{m.dir, m.made} {
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if kernel := os.Getenv("MKBTF_KERNEL_DIR"); kernel != "" {
		m.addKernel(t, kernel)
		return m
	}
	modules, err := filepath.Glob("../../testdata/obj/*/*.*")
	if err != nil || len(modules) < 20 {
		t.Fatalf("%d objects: %v", len(modules), err)
	}
	// Larger modules take longer: each counts as often as three of the others.
	modules = append(modules, "../../testdata/hello.ko", "../../testdata/kfuncs.ko")
	for _, path := range modules {
		base := m.baseFor(t, path)
		m.add(t, path, base, false)
		if strings.Contains(path, "-gcc-dwarf5/") || strings.HasPrefix(filepath.Dir(path), "../../testdata") && strings.HasSuffix(filepath.Dir(path), "testdata") {
			for _, form := range []string{"self-contained", "distilled", "split"} {
				out := filepath.Join(m.made, fmt.Sprintf("%d-%s.ko", len(m.subjects), form))
				args := []string{"encode", "-f", form, "-o", out}
				if form != "self-contained" {
					if base == "" {
						continue
					}
					args = append(args, "-b", base)
				}
				m.must(t, append(args, path)...)
				m.add(t, out, base, false)
			}
		}
	}
	return m
}

// addKernel adds small modules of a kernel, as they were built and with BTF in each form.
func (m *mutations) addKernel(t *testing.T, dir string) {
	base := filepath.Join(m.made, "vmlinux.btf")
	m.must(t, "base", filepath.Join(dir, "debug/vmlinux"), "-o", base)
	root, err := filepath.EvalSymlinks(filepath.Join(dir, "debug/modules"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"drivers/net/veth.ko", "drivers/net/dummy.ko"} {
		path := filepath.Join(root, name)
		m.add(t, path, base, false)
		for _, form := range []string{"self-contained", "distilled", "split"} {
			out := filepath.Join(m.made, fmt.Sprintf("%s-%s.ko", filepath.Base(name), form))
			m.must(t, "encode", "-f", form, "-b", base, "-o", out, path)
			m.add(t, out, base, false)
		}
	}
}

// baseFor makes the BTF of a kernel out of a module for the same machine.
func (m *mutations) baseFor(t *testing.T, path string) string {
	from := path
	if dir := filepath.Dir(path); strings.HasPrefix(filepath.Base(path), "s") || strings.HasPrefix(filepath.Base(path), "exotic") {
		from = filepath.Join(dir, "types.ko")
	}
	name := filepath.Join(m.made, strings.ReplaceAll(strings.TrimPrefix(from, "../../testdata/"), "/", "-")+".btf")
	if _, err := os.Stat(name); err == nil {
		return name
	}
	var errs bytes.Buffer
	if run([]string{"encode", "-f", "self-contained", "--detached", "-o", name, from}, nil, &errs, &errs) != exitDone {
		return ""
	}
	m.add(t, name, name, true)
	return name
}

func (m *mutations) must(t *testing.T, args ...string) {
	t.Helper()
	var out bytes.Buffer
	if status := run(args, nil, &out, &out); status != exitDone {
		t.Fatalf("%s: status %d: %s", strings.Join(args, " "), status, out.String())
	}
}

func (m *mutations) add(t *testing.T, path, base string, raw bool) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m.subjects = append(m.subjects, &subject{mutate.New(filepath.Base(path), data), path, base, raw})
}

// one damages a file and runs some commands on it.
func (m *mutations) one(t *testing.T, i int, r *rand.Rand) {
	s := m.subjects[r.IntN(len(m.subjects))]
	data, what := s.Mutate(r)
	name := "damaged.ko"
	if s.btf {
		name = "damaged.btf"
	}
	if method := []compress.Method{compress.Gzip, compress.Zstd, compress.XZ}[r.IntN(3)]; r.IntN(12) == 0 && len(data) < 40000 {
		packed, err := compress.Pack(method, data)
		if err != nil {
			t.Fatal(err)
		}
		what += "; packed with " + method.String()
		data = packed
		if r.IntN(2) == 0 {
			var did string
			data, did = mutate.New(name, packed).Mutate(r)
			what += "; " + did
		}
	}
	if single := os.Getenv("MKBTF_MUTATION"); single != "" {
		keep(t, single, data)
	}
	c := &mutationCase{
		mutations: m, t: t, subject: s, data: data, path: filepath.Join(m.dir, name),
		name: fmt.Sprintf("number %d, %s (%s)", i, s.path, what), number: i,
	}
	commands := moduleCommands
	if s.btf {
		commands = baseCommands
	}
	for range 2 {
		c.run(commands[r.IntN(len(commands))])
	}
}

// command is a command line in which FILE is the damaged file, BASE the base of the
// subject, GOOD the subject and OUT a file that does not exist.
type command struct {
	line string
	// judge, if set, looks at what a command that succeeded has written.
	judge func(c *mutationCase, file string) error
}

var moduleCommands = []command{
	{"encode -f self-contained FILE", judgeAlone},
	{"encode -f self-contained --keep reachable -o OUT FILE", judgeAlone},
	{"encode -f self-contained --keep own --hops 1 -j 3 FILE", judgeAlone},
	{"encode -f self-contained --keep own -b BASE FILE", judgeAlone},
	{"encode -f self-contained --features all -o OUT FILE", judgeAlone},
	{"encode -f self-contained --detached -o OUT FILE", judgeRaw},
	{"encode -f self-contained --drop-signature -v FILE", judgeAlone},
	{"encode -f self-contained --lang-exclude none FILE", judgeLoads},
	{"encode -f split -b BASE FILE", judgeOver},
	{"encode -f split -b BASE -v -o OUT FILE", judgeOver},
	{"encode -f distilled -b BASE --explain FILE", judgeOver},
	{"encode -f distilled -b BASE -o OUT FILE", judgeOver},
	{"encode -f self-contained --debug-file FILE -o OUT GOOD", judgeAlone},
	{"encode -b FILE -f split -o OUT GOOD", nil},
	{"relocate -b BASE FILE", nil},
	{"relocate -b BASE --from-base BASE -o OUT FILE", nil},
	{"relocate -b FILE -o OUT GOOD", nil},
	{"check -b BASE FILE", nil},
	{"check -b BASE --json FILE", nil},
	{"dump FILE", nil},
	{"dump -b BASE FILE", nil},
	{"dump --format json -b BASE FILE", nil},
	{"dump --format c --asserts -b BASE FILE", nil},
	{"diff -b BASE FILE GOOD", nil},
	{"resolve_btfids FILE", nil},
	{"resolve_btfids -b BASE FILE", nil},
	{"resolve_btfids --btf BASE FILE", nil},
	{"pahole -J --btf_features=all FILE", judgeDWARF},
	{"pahole -J --btf_base BASE --btf_features=all --btf_encode_detached=OUT FILE", nil},
	{"base FILE -o OUT", nil},
	{"compare -b BASE --compress none FILE", nil},
	{"compare --compress none --json FILE", nil},
	{"dkms hook --kernel 6.12 --form self-contained --strict FILE", nil},
}

var baseCommands = []command{
	{"dump FILE", nil},
	{"dump --format json FILE", nil},
	{"dump --format c --deps all FILE", nil},
	{"diff FILE GOOD", nil},
	{"diff --json GOOD FILE", nil},
	{"base FILE -o OUT", nil},
	{"base --elf FILE -o OUT", nil},
	{"check -b FILE GOOD", nil},
	{"encode -b FILE -f split --detached -o OUT MODULE", nil},
	{"encode -b FILE -f distilled -o OUT MODULE", nil},
	{"encode -b GOOD -f distilled --accept-on FILE -o OUT MODULE", nil},
	{"encode -b FILE -f self-contained --keep own -o OUT MODULE", nil},
	{"relocate -b FILE --from-base GOOD -o OUT MODULE", nil},
	{"resolve_btfids --btf FILE --btf_base GOOD MODULE", nil},
}

// mutationCase is one damaged file.
type mutationCase struct {
	*mutations
	*subject
	t      *testing.T
	number int
	name   string
	path   string
	data   []byte
	line   string // the command that runs
}

func (c *mutationCase) fail(format string, args ...any) {
	c.failed++
	c.t.Errorf("%s\n\tmkbtf %s\n\t%s", c.name, c.line, fmt.Sprintf(format, args...))
}

// run runs a command on the damaged file and looks at what that gives.
func (c *mutationCase) run(cmd command) {
	if c.base == "" && strings.Contains(cmd.line, "BASE") {
		return
	}
	out := filepath.Join(c.dir, "out")
	module := c.subject.path
	if c.btf {
		module = c.module()
	}
	c.line = strings.NewReplacer("FILE", c.path, "BASE", c.base, "GOOD", c.subject.path, "OUT", out, "MODULE", module).Replace(cmd.line)
	if strings.Contains(c.line, "resolve_btfids") && c.btf {
		copied := filepath.Join(c.dir, "module.ko")
		if err := copyFile(module, copied); err != nil {
			c.t.Fatal(err)
		}
		c.line = strings.ReplaceAll(c.line, module, copied)
	}
	if err := os.WriteFile(c.path, c.data, 0o644); err != nil {
		c.t.Fatal(err)
	}
	defer c.clean()
	status, stderr, ok := c.execute(strings.Fields(c.line))
	if !ok {
		return
	}
	verb := strings.Fields(cmd.line)[0]
	if c.outcomes[verb] == nil {
		c.outcomes[verb] = map[int]int{}
	}
	c.outcomes[verb][status]++
	c.judgeMessages(status, stderr)
	now, err := os.ReadFile(c.path)
	if err != nil {
		c.fail("the file is gone: %v", err)
		return
	}
	switch status {
	case exitDone:
		file := c.path
		if strings.Contains(cmd.line, "OUT") {
			file = out
		}
		if cmd.judge != nil {
			if err := cmd.judge(c, file); err != nil {
				c.fail("what it wrote: %v", err)
			}
		}
	case exitFailed:
		if !bytes.Equal(now, c.data) {
			c.fail("it failed and changed the file")
		}
		if _, err := os.Stat(out); err == nil {
			c.fail("it failed and left a file")
		}
	}
	if stray, _ := filepath.Glob(filepath.Join(c.dir, ".*")); len(stray) > 0 {
		c.fail("stray files: %q", stray)
	}
}

// module is one to encode or relocate over the damaged base.
func (c *mutationCase) module() string {
	for _, s := range c.subjects {
		if s.base == c.base && !s.btf {
			return s.path
		}
	}
	return c.subject.path
}

func (c *mutationCase) clean() {
	list, err := os.ReadDir(c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, e := range list {
		if err := os.RemoveAll(filepath.Join(c.dir, e.Name())); err != nil {
			c.t.Fatal(err)
		}
	}
}

// execute runs the program within its bounds. ok is false if it did not come to an end.
func (c *mutationCase) execute(args []string) (status int, stderr string, ok bool) {
	var out limitedBuffer
	var errs bytes.Buffer
	before, start := allocated(), cpuTime()
	done := make(chan string, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Sprintf("panic: %v\n%s", r, debug.Stack())
			}
		}()
		status = run(args, strings.NewReader(""), &out, &errs)
		done <- ""
	}()
	for ended := false; !ended; {
		select {
		case panicked := <-done:
			if panicked != "" {
				c.fail("%s", panicked)
				return 0, "", false
			}
			ended = true
		case <-time.After(time.Second):
			if cpuTime()-start > mutationTime {
				keep(c.t, strconv.Itoa(c.number), c.data)
				c.t.Fatalf("%s\n\tmkbtf %s\n\tdoes not end within %v of processor time", c.name, c.line, mutationTime)
			}
		}
	}
	if took := cpuTime() - start; took > c.longest {
		c.longest, c.longestAt = took, c.number
	}
	if used := allocated() - before; used > c.most {
		c.most, c.mostAt = used, c.number
		if used > mutationMemory {
			c.fail("it allocates %d MB", used>>20)
		}
	}
	return status, errs.String(), true
}

// keep saves a damaged file for whoever looks into a failure.
func keep(t *testing.T, number string, data []byte) {
	name := filepath.Join(os.TempDir(), "mkbtf-mutation-"+number)
	if os.WriteFile(name, data, 0o644) == nil {
		t.Logf("kept as %s", name)
	}
}

// limitedBuffer takes what a command prints and forgets it.
type limitedBuffer struct{ n int }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.n += len(p); b.n > 256<<20 {
		return 0, errors.New("more output than any file is worth")
	}
	return len(p), nil
}

// cpuTime is the processor time that the program has had: other programs do not count.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// allocated is how many bytes were allocated since the program began.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// badVerb is what package fmt writes for arguments that do not fit.
var badVerb = regexp.MustCompile(`%![a-zA-Z]?\((?:[A-Z]+|\w+=)`)

// judgeMessages looks at what is printed on standard error.
func (c *mutationCase) judgeMessages(status int, stderr string) {
	lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	for _, bad := range []string{"panic", "runtime error", "goroutine ", "index out of range", "nil pointer", "slice bounds", "<nil>", "\x00", "\x1b"} {
		if strings.Contains(stderr, bad) {
			c.fail("it says %q: %.500s", bad, stderr)
		}
	}
	if badVerb.MatchString(stderr) {
		c.fail("it prints with a wrong verb: %.500s", stderr)
	}
	switch status {
	case exitDone, exitMismatch:
		return
	case exitFailed:
	default:
		c.fail("exit status %d: %.500s", status, stderr)
		return
	}
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "mkbtf: ") || strings.Contains(last, "mkbtf: mkbtf: ") {
		c.fail("the last line is no error: %q", last)
	}
	named := slices.ContainsFunc(strings.Fields(c.line), func(arg string) bool {
		return strings.Contains(arg, "/") && strings.Contains(last, arg)
	})
	if !named {
		c.fail("the error names no file: %q", last)
	}
	if len(last) > 2000 {
		c.fail("an error of %d bytes: %.500q", len(last), last)
	}
}

// counts lists how many commands ended how.
func (m *mutations) counts() string {
	var parts []string
	total := map[int]int{}
	for verb, by := range m.outcomes {
		parts = append(parts, fmt.Sprintf("%s %d/%d/%d", verb, by[exitDone], by[exitFailed], by[exitMismatch]))
		for status, n := range by {
			total[status] += n
		}
	}
	slices.Sort(parts)
	return fmt.Sprintf("%d done, %d failed with an error, %d mismatches (%s)", total[exitDone], total[exitFailed], total[exitMismatch], strings.Join(parts, ", "))
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
