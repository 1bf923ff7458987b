package object

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// run executes a tool in dir and skips the test if this machine lacks it.
func run(t *testing.T, dir, tool string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s is not installed", tool)
	}
	cmd := exec.Command(tool, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", tool, args, err, out)
	}
	return string(out)
}

// source is compiled for every machine. It has pointers to data and code, a
// variable that moves between registers (location lists), a TLS-free extern, and
// functions in two sections.
const source = `
struct list { struct list *next, *prev; unsigned long flags : 3, rest : 9; };
extern int elsewhere(struct list *l, int n);
int counter = 7;
static struct list head = { &head, &head, 1, 2 };
void *table[] = { &counter, &head };
static int __attribute__((noinline)) sum(struct list *l, int n)
{
	int s = 0;
	for (int i = 0; i < n; i++) {
		int k = elsewhere(l, i) + s;
		s += elsewhere(l->next, k * i) ^ k;
	}
	return s;
}
int __attribute__((section(".init.text"))) start(int n)
{
	enum mode { OFF, ON = 5 } m = n > 3 ? ON : OFF;
	return sum(&head, n + m) + counter;
}
int reset(char *s, long long v) { counter = 0; return s[v] + elsewhere(&head, 3); }
`

func writeFile(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
