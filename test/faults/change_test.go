//go:build linux

package faults

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// TestTwoAtOnce runs several programs on one file.
func TestTwoAtOnce(t *testing.T) {
	p := newPlace(t)
	for range 8 {
		p.put(oldModule)
		var cmds []*exec.Cmd
		var out [4]bytes.Buffer
		for i := range out {
			cmd := exec.Command(program, encode(p.path)...)
			cmd.Stderr = &out[i]
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			cmds = append(cmds, cmd)
		}
		for i, cmd := range cmds {
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v: %s", err, out[i].String())
			}
		}
		p.holds("several at once", newModule)
		p.clean("several at once")
	}
}

// TestReplacedMeanwhile puts other files in the place of the module while the program
// runs, at any time.
func TestReplacedMeanwhile(t *testing.T) {
	p := newPlace(t)
	for range 10 {
		p.put(oldModule)
		cmd := exec.Command(program, encode(p.path)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := os.WriteFile(p.path+".new", oldModule, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(p.path+".new", p.path); err != nil {
				t.Fatal(err)
			}
		}
		cmd.Wait()
		p.holds("replaced by another program", oldModule, newModule)
		p.clean("replaced by another program")
	}
}
