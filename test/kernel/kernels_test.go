package kernel

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/emit"
	"mkbtf/internal/encode"
	"mkbtf/internal/object"
	"mkbtf/internal/verify"
)

// TestOtherKernels puts the BTF of hello.ko, in each form, into a module of kernels
// that hello.ko is not built for, and compares what they make of it with what
// internal/verify predicts: taken and relocated to these very bytes, or refused.
// 6.1 does not know .BTF.base; 7.x refuses modules with bad BTF. Split BTF is made
// over each kernel's own BTF and, wrongly, over that of 6.12.
func TestOtherKernels(t *testing.T) {
	built := needDebug(t)
	for _, version := range []string{"6.1", "7"} {
		t.Run(version, func(t *testing.T) {
			k := needKernel(t, version, "cloud-amd64")
			vmlinux, err := object.LoadBTF(k.image())
			if err != nil {
				t.Fatal(err)
			}
			target, err := verify.NewTarget(vmlinux.BTF)
			if err != nil {
				t.Fatal(err)
			}
			host := k.host(t)
			dir := t.TempDir()
			var items []string
			var predictions []*verify.Result
			for _, tt := range []struct {
				name string
				form encode.Form
				base string
			}{
				{"split", encode.Split, k.image()},
				{"wrong-base", encode.Split, built.vmlinux()},
				{"distilled", encode.Distilled, built.vmlinux()},
				{"self-contained", encode.SelfContained, ""},
			} {
				e, err := encode.New(encode.Options{Form: tt.form, Base: tt.base})
				if err != nil {
					t.Fatal(err)
				}
				out, err := e.Open(filepath.Join(root, "testdata/hello.ko"), false)
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(dir, tt.name+".ko")
				transplant(t, path, host, out)
				items = append(items, "run=echo case "+tt.name, "-f", path, "run=rmmod dummy 2>/dev/null || true")
				predictions = append(predictions, target.Module(out.BTF, out.Base))
			}
			g := boot(t, k, items...)
			cases := strings.Split(g.String(), "out case ")[1:]
			if len(cases) != len(predictions) {
				t.Fatalf("%d cases ran, not %d:\n%s", len(cases), len(predictions), g)
			}
			for i, said := range cases {
				name, _, _ := strings.Cut(said, "\n")
				want := "btf dummy none"
				r := predictions[i]
				if r.Outcome == verify.Loads || r.Outcome == verify.Garbage {
					want = fmt.Sprintf("btf dummy %d %x", len(r.Relocated), sha256.Sum256(r.Relocated))
				}
				t.Logf("%s: predicted %s (%v)", name, r.Outcome, r.Err)
				if !strings.Contains(said, want) {
					t.Errorf("%s: want %q in\n%s", name, want, said)
				}
			}
		})
	}
}

// host is the content of a small module of the kernel, unpacked.
func (k kernel) host(t *testing.T) []byte {
	t.Helper()
	found := ""
	err := filepath.WalkDir(filepath.Join(k.dir, "modules")+"/", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), "dummy.ko") {
			found = path
			return fs.SkipAll
		}
		return err
	})
	if err != nil || found == "" {
		t.Fatalf("no dummy.ko in %s: %v", k.dir, err)
	}
	f, err := object.Open(found)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return bytes.Clone(f.Bytes())
}

// transplant writes a module with BTF that was made for another.
func transplant(t *testing.T, path string, module []byte, out *emit.Output) {
	t.Helper()
	ko, err := emit.EditELF(module, []emit.ELFSection{
		{Name: ".BTF", Data: out.BTF, Align: 4},
		{Name: ".BTF.base", Data: out.Base, Align: 4},
	}, emit.ELFOptions{DropSignature: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, ko.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
