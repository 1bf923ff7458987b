package encode

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/internal/fingerprint"
	"mkbtf/internal/object"
)

// TestNoteSurvivesStrip: what removes debug information keeps the note as long as it
// keeps .BTF.
func TestNoteSurvivesStrip(t *testing.T) {
	dir := t.TempDir()
	base, ko := filepath.Join(dir, "kernel.btf"), filepath.Join(dir, "hello.ko")
	e, err := New(Options{Form: SelfContained, Detached: true, Out: base})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.File("../../testdata/kfuncs.ko", io.Discard); err != nil {
		t.Fatal(err)
	}
	if e, err = New(Options{Form: Distilled, Base: base, Out: ko}); err != nil {
		t.Fatal(err)
	}
	if err := e.File("../../testdata/hello.ko", io.Discard); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"true", "strip -g", "strip --strip-unneeded", "llvm-strip-14 -g", "llvm-strip -g", "eu-strip -g", "objcopy --strip-debug"} {
		t.Run(command, func(t *testing.T) {
			args := strings.Fields(command)
			if _, err := exec.LookPath(args[0]); err != nil {
				t.Skip(err)
			}
			path := filepath.Join(t.TempDir(), "hello.ko")
			data, err := os.ReadFile(ko)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(args[0], append(args[1:], path)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			f, err := object.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			section, err := f.DataOf(fingerprint.Section)
			if err != nil {
				t.Fatal(err)
			}
			n, err := fingerprint.Parse(section, f.Order)
			if err != nil {
				t.Fatal(err)
			}
			btf, err := f.DataOf(".BTF")
			if err != nil {
				t.Fatal(err)
			}
			if n.Form != fingerprint.Distilled || n.Base != fingerprint.Of(raw) || n.BTF != fingerprint.Of(btf) {
				t.Errorf("the note says %+v", n)
			}
		})
	}
}
