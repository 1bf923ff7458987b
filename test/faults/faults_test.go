//go:build linux

package faults

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// program is the binary under test, for any user.
var program string

// oldModule and newModule are what the file holds before and after.
var oldModule, newModule []byte

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := prepare(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func prepare(dir string) (err error) {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	program = filepath.Join(dir, "mkbtf")
	if out, err := exec.Command("go", "build", "-o", program, "mkbtf/cmd/mkbtf").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	if oldModule, err = os.ReadFile("../../testdata/hello.ko"); err != nil {
		return err
	}
	path := filepath.Join(dir, "hello.ko")
	if err := os.WriteFile(path, oldModule, 0o644); err != nil {
		return err
	}
	if out, err := exec.Command(program, encode(path)...).CombinedOutput(); err != nil {
		return fmt.Errorf("encode: %w: %s", err, out)
	}
	newModule, err = os.ReadFile(path)
	if bytes.Equal(newModule, oldModule) {
		return errors.New("encoding changes nothing")
	}
	return err
}

// encode is the command line for a file.
func encode(path string, more ...string) []string {
	return slices.Concat([]string{"encode", "-f", "self-contained"}, more, []string{path})
}

// place is a directory with a module in it and nothing else.
type place struct {
	t    *testing.T
	dir  string
	path string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	dir := t.TempDir()
	for dir, mode := range map[string]os.FileMode{filepath.Dir(dir): 0o755, dir: 0o777} { // for other users
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	return placeIn(t, dir)
}

func placeIn(t *testing.T, dir string) *place {
	t.Helper()
	p := &place{t, dir, filepath.Join(dir, "hello.ko")}
	p.put(oldModule)
	return p
}

// put makes a file with that content out of whatever is there.
func (p *place) put(content []byte) {
	p.t.Helper()
	os.Remove(p.path)
	if err := os.WriteFile(p.path, content, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// holds checks what the module holds.
func (p *place) holds(what string, wants ...[]byte) bool {
	p.t.Helper()
	now, err := os.ReadFile(p.path)
	if err == nil && slices.ContainsFunc(wants, func(want []byte) bool { return bytes.Equal(now, want) }) {
		return true
	}
	p.t.Errorf("%s: the module has %d bytes that it should not have (%v)", what, len(now), err)
	return false
}

// stray lists the files that should not be there.
func (p *place) stray(known ...string) (names []string) {
	p.t.Helper()
	list, err := os.ReadDir(p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range list {
		if e.Name() != filepath.Base(p.path) && !slices.Contains(known, e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

// clean fails if there are such files.
func (p *place) clean(what string, known ...string) {
	p.t.Helper()
	if names := p.stray(known...); len(names) > 0 {
		p.t.Errorf("%s: stray files %q", what, names)
	}
}

// result is how a run has ended.
type result struct {
	status int
	stderr string
}

// run runs the program.
func run(t *testing.T, args ...string) result {
	t.Helper()
	return finish(t, exec.Command(program, args...))
}

// runAs runs it as another user.
func runAs(t *testing.T, uid uint32, args ...string) result {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot become another user")
	}
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return finish(t, cmd)
}

// runLimited runs it under limits of the shell, as ulimit sets them.
func runLimited(t *testing.T, ulimit string, args ...string) result {
	t.Helper()
	return finish(t, exec.Command("sh", append([]string{"-c", "ulimit " + ulimit + ` && exec "$0" "$@"`, program}, args...)...))
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return result{-1, status.Signal().String() + ": " + stderr.String()}
	}
	return result{cmd.ProcessState.ExitCode(), stderr.String()}
}

// fails checks that a run has failed with one line that has a text in it.
func (r result) fails(t *testing.T, what, text string) {
	t.Helper()
	if r.status != 1 || strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "mkbtf: ") || !strings.Contains(r.stderr, text) {
		t.Errorf("%s: status %d, %q, want status 1 and one line with %q", what, r.status, r.stderr, text)
	}
}

func (r result) succeeds(t *testing.T, what string) {
	t.Helper()
	if r.status != 0 {
		t.Errorf("%s: status %d, %q", what, r.status, r.stderr)
	}
}
