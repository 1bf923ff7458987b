package encode

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/dwarf2btf"
	"mkbtf/emit"
	"mkbtf/internal/verify"
)

const hello = "../../testdata/hello.ko"

// content is BTF by name: the number of members of each struct and union, and whether
// there is a FUNC.
type content struct {
	members map[string]int
	funcs   map[string]bool
}

func contentOf(t *testing.T, raw, base []byte) content {
	t.Helper()
	var b *btf.Blob
	var err error
	if base != nil {
		if b, err = btf.Parse(base, nil); err != nil {
			t.Fatal(err)
		}
	}
	blob, err := btf.Parse(raw, b)
	if err != nil {
		t.Fatal(err)
	}
	c := content{map[string]int{}, map[string]bool{}}
	for id := blob.Start(); id < blob.End(); id++ {
		r := blob.Record(id)
		switch name := string(blob.StringAt(r.NameOff)); {
		case r.Kind().IsComposite() && name != "":
			c.members[name] = r.Vlen()
		case r.Kind() == btf.Fwd:
			c.members["declared "+name] = 0
		case r.Kind() == btf.Func:
			c.funcs[name] = true
		}
	}
	return c
}

// kernelOf writes the BTF of a kernel of 6.12 that has all types of hello.ko but those
// that the module defines itself.
func kernelOf(t *testing.T, edit func(*btf.Table)) string {
	t.Helper()
	e, err := New(Options{Form: SelfContained})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Open(hello, true)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := btf.Parse(out.BTF, nil)
	if err != nil {
		t.Fatal(err)
	}
	k := blob.Table(nil)
	s := k.Strings.InternString
	for i := range k.Types {
		if typ := &k.Types[i]; strings.HasPrefix(k.Name(typ.Name), "hello_") {
			typ.Name = s("other_" + k.Name(typ.Name))
		}
	}
	k.AddWith(btf.Type{Kind: btf.Struct, Name: s("btf"), Size: 16}, []btf.Member{{Name: s("base_id_map"), Type: 1}})
	k.AddWith(btf.Type{Kind: btf.Enum, Size: 4}, []btf.Member{{Name: s("NR_BTF_KINDS"), Off: uint32(btf.NumKinds)}})
	if edit != nil {
		edit(k)
	}
	emit.SortByName(k)
	raw, err := btf.Encode(k, blob.Order, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kernel.btf")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rename changes the name of all structs of that name.
func rename(k *btf.Table, name, to string) {
	for i := range k.Types {
		if typ := &k.Types[i]; typ.Kind == btf.Struct && k.Name(typ.Name) == name {
			typ.Name = k.Strings.InternString(to)
		}
	}
}

func resize(k *btf.Table, name string, size uint32) {
	for i := range k.Types {
		if typ := &k.Types[i]; typ.Kind == btf.Struct && k.Name(typ.Name) == name {
			typ.Size = size
		}
	}
}

func TestKeep(t *testing.T) {
	base := kernelOf(t, nil)
	// Numbers of members; absent is -1.
	tests := []struct {
		name string
		opts Options
		want map[string]int
	}{
		{"all", Options{Form: SelfContained}, map[string]int{
			"hello_ring": 5, "list_head": 2, "file": 19, "modversion_info": -1,
		}},
		{"reachable", Options{Form: SelfContained, Keep: KeepReachable}, map[string]int{
			"hello_ring": 5, "list_head": 2, "file": 19, "modversion_info": -1,
		}},
		{"own", Options{Form: SelfContained, Keep: KeepOwn}, map[string]int{
			"hello_ring": 5, "list_head": 2, "mutex": 4, "file": 0, "miscdevice": 0, "super_block": -1, "modversion_info": -1,
		}},
		{"own, told by the base", Options{Form: SelfContained, Keep: KeepOwn, Base: base}, map[string]int{
			"hello_ring": 5, "list_head": 2, "mutex": 4, "file": 0, "miscdevice": 0, "super_block": -1, "modversion_info": -1,
		}},
		{"own and a hop", Options{Form: SelfContained, Keep: KeepOwn, Hops: 1}, map[string]int{
			"hello_ring": 5, "file": 19, "super_block": -1,
		}},
		{"own and two hops", Options{Form: SelfContained, Keep: KeepOwn, Hops: 2}, map[string]int{
			"hello_ring": 5, "file": 19, "super_block": 65,
		}},
		{"split", Options{Form: Split, Base: base}, map[string]int{"hello_ring": 5, "list_head": -1, "file": -1, "modversion_info": -1}},
		{"split, reachable", Options{Form: Split, Base: base, Keep: KeepReachable}, map[string]int{"hello_ring": 5, "list_head": -1}},
		{"distilled", Options{Form: Distilled, Base: base}, map[string]int{"hello_ring": 5, "list_head": -1, "modversion_info": -1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := New(tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			out, err := e.Open(hello, false)
			if err != nil {
				t.Fatal(err)
			}
			under := out.Base
			if under == nil {
				under = e.base.Blob.Data
			}
			got := contentOf(t, out.BTF, under)
			for name, want := range tt.want {
				n, ok := got.members[name]
				if !ok {
					n = -1
				}
				if n != want {
					t.Errorf("struct %s has %d members, want %d", name, n, want)
				}
			}
			if !got.funcs["hello_open"] {
				t.Error("FUNC hello_open is missing")
			}
			if tt.opts.Keep == KeepOwn {
				for name := range got.members {
					if strings.HasPrefix(name, "declared ") {
						t.Errorf("%s is left", name)
					}
				}
			}
		})
	}
}

// TestOwnWithAndWithoutBase takes the module's own types from where they are declared,
// and from what the base lacks: for a module built against that base it is the same.
func TestOwnWithAndWithoutBase(t *testing.T) {
	var outs [][]byte
	for _, base := range []string{"", kernelOf(t, nil)} {
		e, err := New(Options{Form: SelfContained, Keep: KeepOwn, Base: base})
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Open(hello, true)
		if err != nil {
			t.Fatal(err)
		}
		c := contentOf(t, out.BTF, nil)
		var list []string
		for name, n := range c.members {
			list = append(list, name+":"+string(rune('0'+n)))
		}
		slices.Sort(list)
		outs = append(outs, []byte(strings.Join(list, " ")))
	}
	if string(outs[0]) != string(outs[1]) {
		t.Errorf("without base: %s\nwith base: %s", outs[0], outs[1])
	}
}

// layouts are the structs and unions of BTF, each as its kind, name, size and the
// places of its members.
func layouts(t *testing.T, raw []byte) map[string]bool {
	t.Helper()
	blob, err := btf.Parse(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	table := blob.Table(nil)
	all := map[string]bool{}
	for i := range table.Types {
		typ := &table.Types[i]
		if !typ.Kind.IsComposite() || typ.Len == 0 {
			continue
		}
		s := fmt.Sprintf("%s %s %d", typ.Kind, table.Name(typ.Name), typ.Size)
		for _, m := range table.MembersOf(typ) {
			s += fmt.Sprintf(" %s:%d:%d", table.Name(m.Name), m.Off, m.Bits)
		}
		all[s] = true
	}
	return all
}

// TestLessIsTheSame makes sure that what the smaller levels keep in full is what
// everything has.
func TestLessIsTheSame(t *testing.T) {
	encoders := map[Keep]*Encoder{}
	for _, k := range []Keep{KeepAll, KeepReachable, KeepOwn} {
		e, err := New(Options{Form: SelfContained, Keep: k})
		if err != nil {
			t.Fatal(err)
		}
		encoders[k] = e
	}
	fixtures(t, func(t *testing.T, path string, _ *dwarf2btf.Source) {
		out, err := encoders[KeepAll].Open(path, true)
		if noTypes(err) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		all := layouts(t, out.BTF)
		for _, k := range []Keep{KeepReachable, KeepOwn} {
			out, err := encoders[k].Open(path, true)
			if err != nil {
				t.Fatal(err)
			}
			if out.BTF == nil {
				continue
			}
			for s := range layouts(t, out.BTF) {
				if !all[s] {
					t.Errorf("keep %v has %s", k, s)
				}
			}
		}
	})
}

func TestAcceptOn(t *testing.T) {
	base := kernelOf(t, nil)
	tests := []struct {
		name  string
		edit  func(*btf.Table) // what is different on the other kernel
		force bool
		warn  string // part of the warning, "" none
		want  map[string]int
		loads bool
	}{
		{"nothing differs", nil, false, "", map[string]int{"miscdevice": -1, "mutex": -1}, true},
		{"pointee is gone", func(k *btf.Table) { rename(k, "miscdevice", "gone") }, false, "", map[string]int{"miscdevice": 0, "mutex": -1}, true},
		{"pointee has grown", func(k *btf.Table) { resize(k, "miscdevice", 8000) }, false, "", map[string]int{"miscdevice": -1}, true},
		{"embedded is gone", func(k *btf.Table) { rename(k, "mutex", "gone") }, false, "", map[string]int{"mutex": 4}, true},
		{"embedded has grown", func(k *btf.Table) { resize(k, "mutex", 4000) }, false, "embeds struct mutex (32 bytes here, 4000 there)", map[string]int{"mutex": -1}, false},
		{"embedded has grown, by force", func(k *btf.Table) { resize(k, "mutex", 4000) }, true, "", map[string]int{"mutex": 4}, true},
		{"embedded and what it embeds are gone", func(k *btf.Table) {
			rename(k, "mutex", "gone")
			rename(k, "optimistic_spin_queue", "gone_too")
		}, false, "", map[string]int{"mutex": 4, "optimistic_spin_queue": 1}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			other := kernelOf(t, tt.edit)
			var warned []string
			e, err := New(Options{
				Form: Distilled, Base: base, AcceptOn: []string{base, other}, ForceABI: tt.force,
				Warn: func(_, message string) { warned = append(warned, message) },
			})
			if err != nil {
				t.Fatal(err)
			}
			out, err := e.Open(hello, false)
			if err != nil {
				t.Fatal(err)
			}
			got := contentOf(t, out.BTF, out.Base)
			for name, want := range tt.want {
				n, ok := got.members[name]
				if !ok {
					n = -1
				}
				if n != want {
					t.Errorf("own struct %s has %d members, want %d", name, n, want)
				}
			}
			text := strings.Join(warned, "\n")
			if (text == "") != (tt.warn == "") || !strings.Contains(text, tt.warn) {
				t.Errorf("warned %q, want %q", text, tt.warn)
			}
			for i, k := range e.kernels {
				if loads := k.target.Module(out.BTF, out.Base).Outcome == verify.Loads; loads != (tt.loads || i == 0) {
					t.Errorf("loads on kernel %d: %v", i, loads)
				}
			}
		})
	}
}

func TestAcceptOnRefuses(t *testing.T) {
	base := kernelOf(t, nil)
	old := kernelOf(t, func(k *btf.Table) {
		rename(k, "btf", "before_6_11")
		rename(k, "module", "before_6_11_too")
	})
	for _, tt := range []struct {
		name, want string
		opts       Options
	}{
		{"an old kernel", "cannot relocate module BTF", Options{Form: Distilled, Base: base, AcceptOn: []string{old}}},
		{"no kernel", hello, Options{Form: Distilled, Base: base, AcceptOn: []string{hello}}},
		{"split", "exactly one kernel", Options{Form: Split, Base: base, AcceptOn: []string{base}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := New(tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestExplainIsTold(t *testing.T) {
	var got []string
	e, err := New(Options{Form: Distilled, Base: kernelOf(t, nil), Explain: func(_ string, cs []emit.Condition) {
		for i := range cs {
			got = append(got, cs[i].Text())
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Open(hello, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"struct mutex: must have 32 bytes, the module embeds it", "struct miscdevice: must be there, of any size"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
}

func TestOwnFiles(t *testing.T) {
	const outside, inside = "/usr/src/linux-headers-6.12-common/", "debian/build/amd64/"
	tests := []struct {
		name  string
		files map[string]bool // whether what is declared there is the module's own
	}{
		{"outside of the kernel's tree", map[string]bool{
			outside + "include/uapi/asm-generic/int-ll64.h":                             false,
			outside + "include/linux/list.h":                                            false,
			outside + "arch/x86/include/asm/current.h":                                  false,
			outside + "arch/x86/include/uapi/asm/stat.h":                                false,
			outside + "drivers/base/base.h":                                             true,
			"/usr/src/linux-headers-6.12-amd64/include/generated/asm-offsets.h":         false,
			"/usr/src/linux-headers-6.12-amd64/arch/x86/include/generated/asm/unistd.h": false,
			"/src/hello.c":                       true,
			"/src/hello.h":                       true,
			"/src/include/hello/own.h":           true,
			"/src/compat/include/linux/skbuff.h": true,
			"/src/backport-include/linux/list.h": true,
			"/src/hello.mod.c":                   false,
		}},
		{"inside", map[string]bool{
			inside + "include/asm-generic/int-ll64.h":  false,
			inside + "include/drm/drm_device.h":        false,
			inside + "fs/xfs/xfs.h":                    true,
			inside + "drivers/gpu/drm/amd/include/x.h": true,
			inside + "arch/x86/kvm/mmu.h":              true,
			inside + "arch/x86/include/asm/kvm.h":      false,
		}},
		{"relative names", map[string]bool{
			"include/uapi/asm-generic/posix_types.h": false,
			"include/linux/list.h":                   false,
			"drivers/x.c":                            true,
		}},
		{"no kernel in sight", map[string]bool{"/src/a.c": true, "/usr/include/stdint.h": true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var files []string
			for f := range tt.files {
				files = append(files, f)
			}
			own := ownFiles(files, nil)
			for i, f := range files {
				if own[i] != tt.files[f] {
					t.Errorf("%s: own %v", f, own[i])
				}
			}
		})
	}
}

func TestBoilerplate(t *testing.T) {
	for name, want := range map[string]bool{
		"/src/hello.mod.c": true, "fs/xfs/xfs.mod.c": true,
		"scripts/module-common.c": true, "/usr/src/linux-headers-6.12-common/scripts/module-common.c": true,
		"/src/hello.c": false, "/src/mod.c": false, "/src/module-common.c": false, "": false,
	} {
		if boilerplate(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func TestParseKeep(t *testing.T) {
	for _, k := range []Keep{KeepAll, KeepReachable, KeepOwn} {
		if got, err := ParseKeep(k.String()); err != nil || got != k {
			t.Errorf("%v: %v, %v", k, got, err)
		}
	}
	if _, err := ParseKeep("some"); err == nil {
		t.Error("an unknown level was taken")
	}
}
