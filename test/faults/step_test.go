//go:build linux && amd64

package faults

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ways are the two in which a temporary file is made: without a name where the file
// system can do that, or with a hidden one.
var ways = []struct {
	name  string
	named bool
}{{"O_TMPFILE", false}, {"hidden name", true}}

// way makes the program take one of them, by failing its attempt at the other.
func way(named bool, decide func(c call) action) func(call) action {
	return func(c call) action {
		if named && c.nr == unix.SYS_OPENAT && c.args[2]&unix.O_TMPFILE == unix.O_TMPFILE {
			return action{errno: unix.EOPNOTSUPP}
		}
		return decide(c)
	}
}

// first is the first step that can be disturbed: with a hidden name, the one before has
// been made to fail.
func first(named bool) int {
	if named {
		return 2
	}
	return 1
}

// steps are the calls that the program makes once it writes.
func steps(t *testing.T, named bool) (list []string) {
	t.Helper()
	p := newPlace(t)
	r := trace(t, way(named, func(c call) action {
		if c.phase > 0 {
			list = append(list, c.name)
		}
		return action{}
	}), encode(p.path)...)
	r.succeeds(t, "undisturbed")
	p.holds("undisturbed", newModule)
	p.clean("undisturbed")
	for _, must := range []string{"write", "fchmod", "fsync", "renameat"} {
		if !slices.Contains(list, must) {
			t.Fatalf("no %s among the steps: %v", must, list)
		}
	}
	return list
}

// TestKilledAtEachStep kills the program at each system call that it makes once it has
// begun to write. The module is the old or the new one. A hidden file may be left, and
// is gone after the next run.
func TestKilledAtEachStep(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			list := steps(t, w.named)
			p := newPlace(t)
			ends := map[string]int{}
			for n := first(w.named); n <= len(list)+5; n++ {
				p.put(oldModule)
				at := ""
				r := trace(t, way(w.named, func(c call) action {
					if c.phase == n {
						at = c.name
						return action{kill: true}
					}
					return action{}
				}), encode(p.path)...)
				what := fmt.Sprintf("killed at step %d, %s", n, at)
				if at == "" {
					r.succeeds(t, "not killed")
					break
				}
				if r.status != -1 {
					t.Fatalf("%s: it lives on: %v", what, r)
				}
				left := p.stray()
				p.holds(what, oldModule, newModule)
				ends[fmt.Sprintf("%d stray", len(left))]++
				if len(left) > 1 || len(left) == 1 && !strings.HasPrefix(left[0], ".hello.ko.") {
					t.Errorf("%s: stray files %q", what, left)
				}
				if len(left) > 0 {
					p.put(oldModule)
					run(t, encode(p.path)...).succeeds(t, "the next run")
					p.holds("the next run", newModule)
					p.clean("the next run")
				}
			}
			t.Logf("%d steps: %v: %v", len(list), list, ends)
			if !w.named && ends["1 stray"] > 1 {
				t.Errorf("a file was left at %d steps, want one at most, between linkat and renameat", ends["1 stray"])
			}
		})
	}
}

// TestErrorAtEachStep lets each of these system calls fail. The module is the old one,
// or the new one if only what follows the replacing failed; nothing else is left.
func TestErrorAtEachStep(t *testing.T) {
	for _, w := range ways {
		for _, errno := range []syscall.Errno{unix.ENOSPC, unix.EIO, unix.EDQUOT, unix.EPERM} {
			t.Run(w.name+" "+unix.ErrnoName(errno), func(t *testing.T) {
				list := steps(t, w.named)
				p := newPlace(t)
				failed := 0
				for n := first(w.named); n <= len(list)+5; n++ {
					p.put(oldModule)
					at, behind, renamed := "", false, false
					r := trace(t, way(w.named, func(c call) action {
						if c.phase == n {
							at, behind = c.name, renamed
							return action{errno: errno}
						}
						renamed = renamed || c.name == "renameat"
						return action{}
					}), encode(p.path)...)
					if at == "" {
						break
					}
					what := fmt.Sprintf("%s at step %d, %s", unix.ErrnoName(errno), n, at)
					switch {
					case r.status == 0:
						p.holds(what, newModule)
					case behind:
						p.holds(what, newModule)
						r.fails(t, what, "hello.ko")
					default:
						failed++
						p.holds(what, oldModule)
						r.fails(t, what, "hello.ko")
					}
					if at == "unlinkat" || at == "close" && len(p.stray()) > 0 {
						continue // it could not be removed
					}
					p.clean(what)
				}
				if failed < 5 {
					t.Errorf("only %d of %d steps made it fail", failed, len(list))
				}
			})
		}
	}
}
