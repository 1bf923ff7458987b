package golden

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	ebtf "github.com/cilium/ebpf/btf"

	"mkbtf/btf"
	"mkbtf/internal/diff"
	"mkbtf/internal/funccheck"
	"mkbtf/internal/verify"
)

// A way of compiling that has to give the BTF of plain -gdwarf-5, or an error.
type way struct {
	name   string
	family string // of compilers, "" both
	since  int    // first version that knows the flags
	flags  string
	link   string   // of clang's link-time optimization
	after  []string // what the joined object goes through
	only   string   // this module, "" all
	lossy  bool     // the DWARF says less, or other functions are left
	err    string   // what is said instead, a regular expression
}

var ways = []way{
	{name: "dwarf2", flags: "-gdwarf-2", lossy: true},
	{name: "dwarf3", flags: "-gdwarf-3"},
	{name: "dwarf4", flags: "-gdwarf-4"},
	{name: "dwarf4-64bit", flags: "-gdwarf-4 -gdwarf64", only: "types"},
	{name: "dwarf5", flags: "-gdwarf-5"},
	{name: "dwarf5-64bit", flags: "-gdwarf-5 -gdwarf64"},
	{name: "dwarf5-strict", flags: "-gdwarf-5 -gstrict-dwarf"},
	{name: "macros", flags: "-gdwarf-5 -g3", only: "scopes"},
	{name: "unused types", flags: "-gdwarf-5 -fno-eliminate-unused-debug-types", family: "gcc", only: "scopes", lossy: true},
	{name: "type units 4", flags: "-gdwarf-4 -fdebug-types-section", lossy: true},
	{name: "type units 5", flags: "-gdwarf-5 -fdebug-types-section", lossy: true},
	{name: "gz", flags: "-gdwarf-5 -gz", only: "types"},
	{name: "gz=zstd", flags: "-gdwarf-5 -gz=zstd", family: "clang", since: 16, only: "types"},
	{name: "zlib by objcopy", flags: "-gdwarf-5", after: []string{"objcopy", "--compress-debug-sections=zlib"}, only: "types"},
	{name: "zstd by objcopy", flags: "-gdwarf-5", after: []string{"objcopy", "--compress-debug-sections=zstd"}, only: "types"},
	{name: "lto full", flags: "-gdwarf-5 -flto=full", family: "clang", link: "full", only: "scopes", lossy: true},
	{name: "lto thin", flags: "-gdwarf-5 -flto=thin", family: "clang", link: "thin", only: "scopes", lossy: true},
	{name: "split", flags: "-gdwarf-5 -gsplit-dwarf", only: "scopes", err: `^\.debug_info\+0x0: DW_TAG_skeleton_unit: the types lie in '.*\.dwo': build without -gsplit-dwarf$`},
	{name: "split 4", flags: "-gdwarf-4 -gsplit-dwarf", only: "scopes", err: `^\.debug_info\+0x0: .*the types lie in '.*\.dwo': build without -gsplit-dwarf$`},
	{name: "line tables", flags: "-gdwarf-5 -g1", only: "scopes", err: `^the DWARF has functions and no types, as -g1 makes it: build with -g$`},
	{name: "none", flags: "-g0", only: "scopes", err: `^no DWARF debug information: `},
}

// A compiler that is installed, or is named in MKBTF_CC.
type compiler struct {
	path    string
	family  string // gcc or clang
	version int
	lld     string // that reads what it writes with -flto; "" if it is not installed
}

func (c compiler) String() string { return fmt.Sprintf("%s-%d", c.family, c.version) }

var versionOf = regexp.MustCompile(`(?m)^#define __(clang_major|GNUC)__ (\d+)$`)

// compilers are those of all versions whose names end in it, and MKBTF_CC.
func compilers(t *testing.T) []compiler {
	t.Helper()
	var paths []string
	for v := 11; v < 40; v++ {
		paths = append(paths, fmt.Sprintf("gcc-%d", v), fmt.Sprintf("clang-%d", v))
	}
	list := map[string]compiler{}
	for _, p := range append(paths, strings.Fields(os.Getenv("MKBTF_CC"))...) {
		path, err := exec.LookPath(p)
		if err != nil {
			continue
		}
		out, err := exec.Command(path, "-dM", "-E", "-x", "c", "/dev/null").Output()
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		c := compiler{path: path, family: "gcc"}
		for _, m := range versionOf.FindAllSubmatch(out, -1) {
			v, _ := strconv.Atoi(string(m[2]))
			if string(m[1]) == "clang_major" {
				c.family, c.version = "clang", v
			} else if c.family == "gcc" {
				c.version = v
			}
		}
		if c.family == "clang" {
			c.lld, _ = exec.LookPath(fmt.Sprintf("ld.lld-%d", c.version))
		}
		list[c.String()] = c
	}
	return slices.SortedFunc(maps.Values(list), func(a, b compiler) int {
		return cmp.Or(cmp.Compare(a.family, b.family), cmp.Compare(a.version, b.version))
	})
}

// TestCompilers compiles the sources with every compiler at hand in many ways, and asks
// of each result: the compiler itself whether the BTF is true of the sources; readers
// that know nothing of mkbtf, and the running kernel, whether they take it; the DWARF
// whether functions and variables are where they are said to be; and whether it says
// the same as that of -gdwarf-5.
func TestCompilers(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("compiles for x86-64 with the compilers of the machine")
	}
	list := compilers(t)
	if len(list) == 0 {
		t.Skip("neither gcc-N nor clang-N is installed")
	}
	units := map[string][]unit{} // by family and module
	for _, o := range objects(t) {
		for _, family := range []string{"gcc", "clang"} {
			if o.variant == "x86_64-"+family+"-dwarf5" && o.module != "tags" {
				units[family+"/"+o.module] = o.units
			}
		}
	}
	for _, c := range list {
		for _, module := range []string{"shapes", "types", "scopes", "exotic"} {
			sources := units[c.family+"/"+module]
			reference := way{name: "reference", flags: "-gdwarf-5"}
			for _, w := range ways {
				if w.family != "" && w.family != c.family || c.version < w.since || w.only != "" && w.only != module {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%s", c, w.name, module), func(t *testing.T) {
					t.Parallel()
					if w.link != "" && c.lld == "" {
						t.Skipf("lld-%d is not installed", c.version)
					}
					o := c.build(t, module, sources, w)
					blob, err := encodeObject(o)
					if w.err != "" {
						if err == nil || !regexp.MustCompile(w.err).MatchString(strings.TrimPrefix(err.Error(), o.path+": ")) {
							t.Errorf("%v, want %s", err, w.err)
						}
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					judge(t, o, blob)
					if w.link == "" {
						newComparison(t, o).run(t, blob)
					}
					if w.lossy {
						return
					}
					want, err := encodeObject(c.build(t, module, sources, reference))
					if err != nil {
						t.Fatal(err)
					}
					r := diff.Compare(blob, want, diff.Options{})
					for i := range r.Entries {
						if d := &r.Entries[i]; !strings.HasPrefix(d.Name, "DW_ATE_") { // what clang's expressions compute with
							t.Errorf("%s %s %s %s %v", d.Class, d.Kind, d.Name, d.Text, d.Details)
						}
					}
				})
			}
		}
	}
}

// build compiles and joins a module in some way.
func (c compiler) build(t *testing.T, module string, sources []unit, w way) object {
	t.Helper()
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = filepath.Join(testdata, "src")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	o := object{variant: c.String() + "/" + w.name, module: module, path: filepath.Join(dir, module+".ko")}
	linker := "ld"
	if w.link != "" {
		linker = c.lld
	}
	link := []string{linker, "-r", "-o", o.path}
	if w.link != "" {
		link = append(link, "-mllvm", "-code-model=kernel")
		if c.version < 20 {
			link = link[:4]
		}
	}
	for _, u := range sources {
		command := append([]string{c.path, "-std=gnu11"}, u.command[1:]...) // as the kernel; gcc 15 went on to C23
		for i, arg := range command {
			if arg == "-gdwarf-5" {
				command = slices.Replace(command, i, i+1, strings.Fields(w.flags)...)
				break
			}
		}
		out := filepath.Join(dir, u.source+".o")
		source, err := filepath.Abs(filepath.Join(testdata, "src", u.source))
		if err != nil {
			t.Fatal(err)
		}
		run(append(slices.Clone(command), "-c", "-o", out, source)...)
		link = append(link, out)
		// The compiler is asked about the sources without link-time optimization.
		o.units = append(o.units, unit{u.source, command})
	}
	run(link...)
	if w.after != nil {
		run(append(slices.Clone(w.after), o.path)...)
	}
	return o
}

// readable asks others whether they take self-contained BTF.
func readable(t *testing.T, blob *btf.Blob) {
	t.Helper()
	if _, err := ebtf.LoadSpecFromReader(bytes.NewReader(blob.Data)); err != nil {
		t.Errorf("cilium/ebpf: %v", err)
	}
	log, err := verify.KernelLoad(blob.Data)
	wide := strings.Contains(log, "bitfield_size=40") // of an enum: legal C, and modules are not asked
	if err != nil && !errors.Is(err, verify.ErrNotPermitted) && !wide {
		t.Errorf("the running kernel: %v\n%s", err, log)
	}
}

// judge asks besides whether the functions and variables are where the object has them.
func judge(t *testing.T, o object, blob *btf.Blob) {
	t.Helper()
	readable(t, blob)
	data, err := os.ReadFile(o.path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := funccheck.Read(data)
	if errors.Is(err, funccheck.ErrTypeUnit) || err != nil && strings.HasSuffix(o.variant, "dwarf5-64bit") {
		return // debug/dwarf cannot read type units, nor .debug_str_offsets of 64 bits
	}
	if err != nil {
		t.Fatal(err)
	}
	n, wrong := f.Check(blob)
	for _, err := range wrong {
		t.Error(err)
	}
	if n.Functions == 0 && o.module != "shapes" && o.module != "exotic" {
		t.Error("no functions")
	}
}
