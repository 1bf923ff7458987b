package kernel

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/check"
	"mkbtf/internal/diff"
	"mkbtf/internal/encode"
	"mkbtf/internal/object"
	"mkbtf/internal/relocate"
)

// TestUpdate is what users met: a module is encoded for one build of a kernel, and
// then the next point release is installed. Split BTF is dropped or, worse, taken
// for something else, and check says so before; relocate repairs it. The other forms
// never needed that.
func TestUpdate(t *testing.T) {
	b := needDebug(t)
	a := needKernel(t, "--update", "6.12", "cloud-amd64", "deb12", "2")
	if a.dir == b.dir {
		t.Skip("the archive has one build of this kernel only")
	}
	before, err := check.LoadKernel(a.image())
	if err != nil {
		t.Fatal(err)
	}
	after, err := check.LoadKernel(b.image())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"hello", "dummy", "veth"} {
		t.Run(name, func(t *testing.T) {
			home := encodedAtHome(t, b, name, dir)
			make := func(sub string, args ...string) *check.Module {
				ko := filepath.Join(dir, name+"-"+sub+".ko") // each file needs a name of its own in the guest
				copyWithoutBTF(t, ko, moduleWithDWARF(t, b, name))
				mkbtf(t, append(append([]string{"encode"}, args...), ko)...)
				m, err := check.LoadModule(ko)
				if err != nil {
					t.Fatal(err)
				}
				return m
			}
			predict := func(k *check.Kernel, m *check.Module, want bool) {
				t.Helper()
				if v := k.Check(m); (v.Outcome == check.Loads) != want {
					t.Errorf("%s", v.Line())
				}
			}
			split := make("split", "-f", "split", "-b", a.image())
			distilled := make("distilled", "-f", "distilled", "-b", a.image())
			whole := make("whole", "-f", "self-contained")
			predict(before, split, true)
			predict(after, split, false)
			predict(after, distilled, true)
			predict(after, whole, true)
			if line := after.Check(split).Line(); !strings.Contains(line, before.Release+"; this is "+after.Release) {
				t.Errorf("check does not say what the module was made for: %s", line)
			}
			repaired := filepath.Join(dir, name+"-repaired.ko")
			mkbtf(t, "relocate", "-b", b.image(), "--from-base", a.image(), "-o", repaired, split.File)
			m, err := check.LoadModule(repaired)
			if err != nil {
				t.Fatal(err)
			}
			predict(after, m, true)
			if !bytes.Equal(m.BTF, home.Data) {
				t.Errorf("relocated from %s: %d bytes, encoding for %s gives %d others", before.Release, len(m.BTF), after.Release, len(home.Data))
			}
			rmmod := "run=rmmod " + name
			g := boot(t, b, "run=echo case", "-f", split.File, rmmod, "run=echo case", "-f", distilled.File, rmmod,
				"run=echo case", "-f", whole.File, rmmod, "run=echo case", "-f", repaired, rmmod)
			said := strings.Split(g.String(), "out case\n")[1:]
			if len(said) != 4 {
				t.Fatalf("%d cases:\n%s", len(said), g)
			}
			for i, x := range []struct {
				m     *check.Module
				loads bool
			}{{split, false}, {distilled, true}, {whole, true}, {m, true}} {
				got, _ := whatHappened(strings.ReplaceAll(said[i], " "+name+" ", " dummy "), home, exposedBlob(t, after, x.m))
				t.Logf("%s: %s", x.m.File, got)
				if (got == "loads") != x.loads {
					t.Errorf("%s: %s\n%s", x.m.File, got, said[i])
				}
			}
		})
	}
}

// TestRelocateLikeEncoding relocates every module of the debug package, from its
// distilled and its self-contained form, to the kernel that it was built for and to
// the newest one. The first must give the bytes of encoding. So must the second where
// no struct of the kernel is different in what both know; how many do is logged.
func TestRelocateLikeEncoding(t *testing.T) {
	built := needDebug(t)
	newest := needKernel(t, "7", "cloud-amd64")
	data, err := object.LoadBTF(built.vmlinux())
	if err != nil {
		t.Fatal(err)
	}
	other, err := object.LoadBTF(newest.image())
	if err != nil {
		t.Fatal(err)
	}
	home, err := relocate.New(built.vmlinux(), data, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	away, err := relocate.New(newest.image(), other, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	encoder := func(form encode.Form, base string) *encode.Encoder {
		e, err := encode.New(encode.Options{Form: form, Base: base, Jobs: 1})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	split, distilled := encoder(encode.Split, built.vmlinux()), encoder(encode.Distilled, built.vmlinux())
	whole, splitAway := encoder(encode.SelfContained, ""), encoder(encode.Split, newest.image())
	base := built.base(t)
	var modules, same, refused atomic.Int64
	paths := make(chan string)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for path := range paths {
				modules.Add(1)
				open := func(e *encode.Encoder) *check.Module {
					out, err := e.Open(path, false)
					if err != nil {
						t.Errorf("%s: %v", path, err)
						return nil
					}
					return &check.Module{File: path, BTF: out.BTF, Base: out.Base}
				}
				want, w := open(split), open(whole)
				for _, m := range []*check.Module{w, open(distilled)} {
					if m == nil || want == nil || m.BTF == nil {
						continue
					}
					res, err := home.Module(m)
					if err != nil {
						t.Errorf("%s, %s: %v", path, m.Form(), err)
					} else if !bytes.Equal(res.BTF, want.BTF) && !onlyPartsOfArrays(t, want.BTF, res.BTF, base) {
						t.Errorf("%s, %s: %d bytes, encoding gives %d others", path, m.Form(), len(res.BTF), len(want.BTF))
					}
				}
				if want = open(splitAway); want == nil || w == nil || w.BTF == nil {
					continue
				}
				res, err := away.Module(w)
				switch {
				case err != nil:
					refused.Add(1)
					t.Errorf("%s to %s: %v", path, newest.dir, err)
				case bytes.Equal(res.BTF, want.BTF):
					same.Add(1)
				default:
					t.Logf("%s to the newest: %d bytes, encoding gives %d", filepath.Base(path), len(res.BTF), len(want.BTF))
				}
			}
		})
	}
	err = filepath.WalkDir(built.modules(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".ko" {
			paths <- path
		}
		return err
	})
	close(paths)
	wg.Wait()
	if err != nil || modules.Load() < 100 {
		t.Fatalf("%d modules, %v", modules.Load(), err)
	}
	t.Logf("%d modules; relocated to %s: %d are what encoding gives, %d refused", modules.Load(), filepath.Base(newest.dir), same.Load(), refused.Load())
}

// onlyPartsOfArrays reports whether relocated BTF lacks nothing but ARRAYs that nothing
// refers to: the kernel writes several dimensions as one, and that the DWARF names
// one of them is lost in BTF that has them apart.
func onlyPartsOfArrays(t *testing.T, want, got []byte, base *btf.Blob) bool {
	t.Helper()
	a, err := btf.Parse(want, base)
	if err != nil {
		t.Fatal(err)
	}
	b, err := btf.Parse(got, base)
	if err != nil {
		t.Fatal(err)
	}
	r := diff.Compare(a, b, diff.Options{})
	for i := range r.Entries {
		if d := &r.Entries[i]; d.Class != diff.OnlyA || d.Kind != "ARRAY" {
			return false
		}
	}
	return true
}
