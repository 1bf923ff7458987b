package verify

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"mkbtf/btf"
)

// kernelRecs are the types of a small kernel: with what it can do left out, that is
// an older one.
func kernelRecs(more ...rec) []rec {
	return append([]rec{
		i32, // 1
		{"char", kInt, 1, 8},
		{"long", kInt, 8, 0x01000040},
		{"double", kFloat, 8},
		{"state", kEnum | 1, 4, "RUNNING", 0}, // 5
		{"wide", kEnum64 | 1, 8, "WIDE", 0, 1},
		{"list_head", kStruct | 2, 16, "next", 8, 0, "prev", 8, 64},
		{0, kPtr, 7},
		{"task", kStruct | kf | 2, 8, "a", 1, 3 << 24, "b", 1, 29<<24 | 3},
		{"twice", kStruct, 8}, // 10
		{"twice", kStruct, 16},
		{"same", kStruct, 8},
		{"same", kUnion, 8},
		{"any", kUnion | 1, 8, "l", 3, 0},
		{"bits", kUnion | kf | 1, 8, "l", 3, 1 << 24}, // 15
		{"hidden", kFwd, 0},
		{"hiddenu", kFwd | kf, 0},
		{"num", kInt, 4, 32},
	}, more...)
}

// moduleAbilities are those of Linux 6.18 in little endian.
func moduleAbilities() *Abilities { return linux618() }

type moduleCase struct {
	name  string
	base  []byte // nil: no section
	split []byte
	want  Outcome
	no    Errno
	msg   string // of the error, or of the last problem without its place
}

// baseInt is the smallest base.
var baseInt = mk(i32)

// on is a module over a base of records.
func on(base []rec, split ...rec) (b, s []byte) {
	b = mk(base...)
	return b, over(b, split...)
}

func moduleCases() []moduleCase {
	var cs []moduleCase
	add := func(name string, want Outcome, no Errno, msg string, base, split []byte) {
		cs = append(cs, moduleCase{name, base, split, want, no, msg})
	}
	both := func(name string, want Outcome, no Errno, msg string, base []rec, split ...rec) {
		b, s := on(base, split...)
		add(name, want, no, msg, b, s)
	}
	refused := func(name, msg string, base []rec, split ...rec) { both(name, Refused, EINVAL, msg, base, split...) }
	loads := func(name string, base []rec, split ...rec) { both(name, Loads, 0, "", base, split...) }
	ptr := func(id int) rec { return rec{0, kPtr, id} }
	kernel := mk(kernelRecs()...)

	// The sections by themselves.
	add("no .BTF", Ignored, 0, "", baseInt, nil)
	add("empty .BTF.base", Refused, EINVAL, "hdr_len not found", []byte{}, over(baseInt, ptr(1)))
	add(".BTF.base of a header", Refused, EINVAL, "No data", mk()[:24], over(baseInt, ptr(1)))
	add(".BTF.base cut off", Refused, EINVAL, "Total section length too long", baseInt[:40], over(baseInt, ptr(1)))
	add(".BTF.base magic", Refused, EINVAL, "Invalid magic", patch(bytes.Clone(baseInt), 0, 1), over(baseInt, ptr(1)))
	add(".BTF.base without strings", Refused, EINVAL, "Invalid string section", sections([]uint32{24, 0, 16, 16, 0}, one[:16]), over(baseInt, ptr(1)))
	add(".BTF.base without types", Garbage, 0, "no types: the kernel then counts those of .BTF from 0, so that every reference is off by one", mk(), over(mk(), rec{"x", kStruct, 4}, ptr(1)))
	add(".BTF.base without types, PTR and CONST", Refused, ELOOP, "Max chain length or cycle detected", mk(), over(mk(), i32, rec{0, kConst, 1}, rec{0, kConst, 2}))
	add(".BTF.base with a bad record", Refused, EINVAL, "[2] STRUCT a b size=4 vlen=0 Invalid name", mk(i32, rec{"a b", kStruct, 4}), over(baseInt, ptr(1)))
	add(".BTF.base with a modifier loop", Refused, ELOOP, "Max chain length or cycle detected", mk(i32, rec{"t", kTypedef, 2}), over(baseInt, ptr(1)))
	add(".BTF of seven bytes", Refused, EINVAL, "hdr_len not found", baseInt, []byte("1234567"))
	add(".BTF magic", Refused, EINVAL, "Invalid magic", baseInt, patch(over(baseInt, ptr(1)), 0, 0))
	add(".BTF version", Refused, ENOTSUPP, "Unsupported version", baseInt, patch(over(baseInt, ptr(1)), 2, 9))
	add(".BTF of a header", Loads, 0, "no types", baseInt, over(baseInt)[:24])
	add(".BTF without types", Loads, 0, "no types", baseInt, over(baseInt))
	add(".BTF with a bad record", Refused, EINVAL, "[2] PTR (anon) type_id=1 vlen != 0", baseInt, over(baseInt, rec{0, kPtr | 1, 1}))
	add(".BTF with a bad name offset", Refused, EINVAL, "[2] Invalid name_offset:99", baseInt, over(baseInt, rec{99, kStruct, 4}))
	add(".BTF with a modifier of nothing", Refused, EINVAL, "", baseInt, over(baseInt, rec{0, kConst, 77}))
	add(".BTF TYPE_TAG behind CONST", Refused, EINVAL, "Type tags don't precede modifiers", baseInt, over(baseInt, rec{"t", kTypeTag, 1}, rec{0, kConst, 2}))
	add("strings that start with a NUL", Loads, 0, "", baseInt, func() []byte {
		b := newBuilder()
		b.strBase = 5
		return b.add(rec{"s", kStruct, 4}).bytes()
	}())

	// Over the kernel itself.
	add("split", Loads, 0, "", nil, over(kernel, ptr(1), rec{"mine", kStruct | 1, 16, "l", 7, 0}))
	add("split with a name in the kernel", Loads, 0, "", nil, over(kernel, rec{1, kStruct, 4}))
	add("split with a name behind the kernel's", Refused, EINVAL, "[19] Invalid name_offset:400", nil, over(kernel, rec{400, kStruct, 4}))
	add("split FUNC that is none", Garbage, EINVAL, "[19] FUNC f type_id=1 Invalid type_id", nil, over(kernel, rec{"f", kFunc, 1}))
	add("split FUNC of nothing", Garbage, 0, "[19] FUNC f: refers to type 20, which does not exist", nil, over(kernel, rec{"f", kFunc, 20}))
	add("split DECL_TAG of a FUNC_PROTO", Garbage, EINVAL, "[20] DECL_TAG t type=19 component_idx=-1 Invalid type_id", nil, over(kernel, rec{0, kFuncProto, 0}, rec{"t", kDeclTag, 19, -1}))
	add("split struct in itself", Garbage, EEXIST, "[19] STRUCT s size=8 vlen=1 Loop detected", nil, over(kernel, rec{"s", kStruct | 1, 8, "s", 19, 0}))
	add("split member too large", Loads, EINVAL, "[19] STRUCT s size=8 vlen=1\n\ta type_id=7 bits_offset=0 Member exceeds struct_size", nil, over(kernel, rec{"s", kStruct | 1, 8, "a", 7, 0}))
	add("split enum of a byte beside bit-fields", Loads, 0, "", nil, over(kernel, rec{"e", kEnum, 1}, rec{"s", kStruct | kf | 1, 1, "e", 19, 0}))
	add("split param of nothing", Garbage, 0, "[19] FUNC_PROTO (anon): refers to type 99, which does not exist", nil, over(kernel, rec{0, kFuncProto | 1, 0, "a", 99}))
	add("split param name of nothing", Garbage, 0, "[19] FUNC_PROTO (anon): refers to string offset 9999, which does not exist", nil, over(kernel, rec{0, kFuncProto | 1, 0, 9999, 1}))

	// What may stand in a base.
	for _, tt := range []struct {
		name string
		r    rec
		kind string
	}{
		{"PTR", rec{0, kPtr, 1}, "2"},
		{"ARRAY", rec{0, kArray, 0, 1, 1, 1}, "3"},
		{"TYPEDEF", rec{"t", kTypedef, 1}, "8"},
		{"VOLATILE", rec{0, kVolatile, 1}, "9"},
		{"CONST", rec{0, kConst, 1}, "10"},
		{"RESTRICT", rec{0, kRestrict, 1}, "11"},
		{"FUNC", rec{"f", kFunc, 1}, "12"},
		{"FUNC_PROTO", rec{0, kFuncProto, 0}, "13"},
		{"VAR", rec{"v", kVar, 1, 0}, "14"},
		{"DATASEC", rec{".data", kDataSec, 4}, "15"},
		{"DECL_TAG", rec{"t", kDeclTag, 1, -1}, "17"},
		{"TYPE_TAG", rec{"t", kTypeTag, 1}, "18"},
		{"ENUM64", rec{"wide", kEnum64, 8}, "19"},
	} {
		refused(tt.name+" in the base", "type [2] in distilled based BTF has unexpected kind ["+tt.kind+"]", []rec{i32, tt.r}, ptr(1))
	}
	refused("anonymous INT in the base", "type [1], kind [1] is invalid for distilled base BTF; it is anonymous", []rec{{0, kInt, 4, 32}}, ptr(1))
	refused("anonymous STRUCT in the base", "type [2], kind [4] is invalid for distilled base BTF; it is anonymous", []rec{i32, {0, kStruct, 4}}, ptr(1))
	loads("members in the base", []rec{i32, {"list_head", kStruct | 1, 16, "x", 1, 0}}, ptr(2))

	// Mapping.
	unmapped := func(name string) string {
		return "distilled base BTF type '" + name + "' [1] is not mapped to base BTF id"
	}
	loads("INT", []rec{i32}, ptr(1))
	refused("INT that is not there", unmapped("short"), []rec{{"short", kInt, 2, 0x01000010}}, ptr(1))
	refused("INT nobody uses", unmapped("short"), []rec{{"short", kInt, 2, 0x01000010}}, rec{"s", kStruct, 4})
	refused("INT of another size", unmapped("int"), []rec{{"int", kInt, 8, 0x01000020}}, ptr(1))
	refused("INT of another encoding", unmapped("char"), []rec{{"char", kInt, 1, 0x01000008}}, ptr(1))
	loads("INT of other bits", []rec{{"int", kInt, 4, 0x0100001f}}, ptr(1))
	refused("INT that is a FLOAT", unmapped("double"), []rec{{"double", kInt, 8, 64}}, ptr(1))
	refused("INT that is an ENUM", unmapped("state"), []rec{{"state", kInt, 4, 32}}, ptr(1))
	loads("FLOAT", []rec{{"double", kFloat, 8}}, ptr(1))
	refused("FLOAT of another size", unmapped("double"), []rec{{"double", kFloat, 16}}, ptr(1))
	refused("FLOAT that is an INT", unmapped("long"), []rec{{"long", kFloat, 8}}, ptr(1))
	loads("ENUM", []rec{{"state", kEnum, 4}}, ptr(1))
	refused("ENUM of another size", unmapped("state"), []rec{{"state", kEnum, 8}}, ptr(1))
	loads("ENUM for an ENUM64", []rec{{"wide", kEnum, 8}}, ptr(1))
	refused("ENUM that is an INT", unmapped("int"), []rec{{"int", kEnum, 4}}, ptr(1))
	refused("ENUM that is a STRUCT", unmapped("task"), []rec{{"task", kEnum, 8}}, ptr(1))
	loads("STRUCT", []rec{{"list_head", kStruct, 16}}, ptr(1))
	loads("STRUCT of another size behind a pointer", []rec{{"list_head", kStruct, 24}}, ptr(1))
	loads("STRUCT for a UNION", []rec{{"any", kStruct, 8}}, ptr(1))
	loads("UNION for a STRUCT", []rec{{"task", kUnion, 0}}, ptr(1))
	loads("STRUCT for a FWD", []rec{{"hidden", kStruct, 8}}, ptr(1))
	loads("STRUCT for an INT of its size", []rec{{"long", kStruct, 8}}, ptr(1))
	refused("STRUCT for an INT of another size", unmapped("long"), []rec{{"long", kStruct, 4}}, ptr(1))
	refused("STRUCT that is gone", unmapped("gone"), []rec{{"gone", kStruct, 4}}, ptr(1))
	loads("STRUCT with two definitions, the first", []rec{{"twice", kStruct, 8}}, ptr(1))
	loads("STRUCT with two definitions, the second", []rec{{"twice", kStruct, 16}}, ptr(1))
	loads("STRUCT with two definitions, both", []rec{{"twice", kStruct, 16}, {"twice", kStruct, 8}}, ptr(1), ptr(2))
	refused("STRUCT with two definitions, neither", unmapped("twice"), []rec{{"twice", kStruct, 12}}, ptr(1))
	refused("STRUCT with two definitions of a size", "distilled base BTF type 'same' [1], size 8 has multiple candidates of the same size (ids [13, 12]) in base BTF",
		[]rec{{"same", kStruct, 8}}, ptr(1))
	refused("ambiguous and gone", "distilled base BTF type 'same' [2], size 8 has multiple candidates of the same size (ids [13, 12]) in base BTF",
		[]rec{{"gone", kStruct, 8}, {"same", kStruct, 8}}, ptr(1))
	loads("two for one", []rec{{"task", kStruct, 8}, {"task", kStruct, 8}}, ptr(1), ptr(2))
	loads("FWD for a struct", []rec{{"list_head", kFwd, 0}}, ptr(1))
	refused("FWD for a struct with bit-fields", unmapped("task"), []rec{{"task", kFwd, 0}}, ptr(1))
	refused("FWD for a union", unmapped("any"), []rec{{"any", kFwd | kf, 0}}, ptr(1))
	loads("FWD for a union with bit-fields", []rec{{"bits", kFwd | kf, 0}}, ptr(1))
	loads("FWD for a FWD", []rec{{"hidden", kFwd, 0}}, ptr(1))
	refused("FWD union for a FWD struct", unmapped("hidden"), []rec{{"hidden", kFwd | kf, 0}}, ptr(1))
	refused("FWD for an INT", unmapped("num"), []rec{{"num", kFwd, 0}}, ptr(1))

	// Embedding.
	lh := []rec{{"list_head", kStruct, 16}}
	big := []rec{{"list_head", kStruct, 24}}
	loads("embedded STRUCT", lh, rec{"s", kStruct | 1, 16, "l", 1, 0})
	refused("embedded STRUCT of another size", unmapped("list_head"), big, rec{"s", kStruct | 1, 24, "l", 1, 0})
	refused("embedded in a UNION", unmapped("list_head"), big, rec{"s", kUnion | 1, 24, "l", 1, 0})
	refused("embedded behind modifiers", unmapped("list_head"), big,
		rec{"t", kTypedef, 3}, rec{0, kConst, 4}, rec{0, kVolatile, 5}, rec{0, kRestrict, 1}, rec{"s", kStruct | 1, 24, "l", 2, 0})
	refused("embedded behind a tag", unmapped("list_head"), big, rec{"t", kTypeTag, 1}, rec{"s", kStruct | 1, 24, "l", 2, 0})
	both("embedded in an array", Refused, EINVAL, "distilled base BTF type 'list_head' [2] is not mapped to base BTF id", []rec{i32, big[0]},
		rec{0, kArray, 0, 4, 1, 2}, rec{0, kArray, 0, 2, 1, 2}, rec{"s", kStruct | 1, 96, "l", 3, 0})
	loads("behind a pointer", big, ptr(1), rec{"s", kStruct | 1, 8, "l", 2, 0})
	loads("a variable does not embed", big, rec{"v", kVar, 1, 0})
	refused("embedded FWD of no size", unmapped("hidden"), []rec{{"hidden", kStruct, 8}}, rec{"s", kStruct | 1, 8, "l", 1, 0})
	both("array of itself", Garbage, 0, "[3] STRUCT s: array or typedef that is its own element: the kernel follows it for ever", []rec{i32},
		rec{0, kArray, 0, 2, 1, 2}, rec{"s", kStruct | 1, 24, "l", 2, 0})

	// References and names.
	both("param of nothing", Garbage, 0, "[2] FUNC_PROTO (anon): refers to type 50, which does not exist", []rec{i32}, rec{0, kFuncProto | 1, 0, "a", 50})
	both("member of nothing", Garbage, 0, "[2] STRUCT s: refers to type 50, which does not exist", []rec{i32}, rec{"s", kStruct | 1, 4, "a", 50, 0})
	both("borrowed name of a base type", Loads, 0, "", []rec{i32}, rec{1, kStruct, 4})
	both("borrowed tail of a name", Refused, ENOENT, "string '' [offset 2] is not mapped to base BTF", []rec{i32}, rec{2, kStruct, 4})
	both("borrowed name of a member", Refused, ENOENT, "string '' [offset 15] is not mapped to base BTF",
		[]rec{i32, {"list_head", kStruct | 1, 16, "x", 1, 0}}, rec{"s", kStruct | 1, 4, 15, 1, 0})
	both("borrowed name of a parameter", Refused, ENOENT, "string '' [offset 2] is not mapped to base BTF", []rec{i32}, rec{0, kFuncProto | 1, 0, 2, 1})
	both("FUNC that is none", Garbage, EINVAL, "[2] FUNC f type_id=1 Invalid type_id", []rec{i32}, rec{"f", kFunc, 1})
	loads("everything", []rec{i32, {"list_head", kStruct, 16}},
		rec{0, kArray, 0, 2, 1, 3}, rec{"s", kStruct | kf | 2, 64, "a", 3, 0, "b", 1, 3<<24 | 400}, rec{0, kFuncProto | 2, 1, "x", 4, 0, 0},
		rec{"f", kFunc | 1, 5}, rec{"v", kVar, 4, 0}, rec{".data", kDataSec | 1, 64, 7, 0, 64}, rec{"t", kDeclTag, 6, 0},
		rec{"e", kEnum | 1, 4, "E", 1}, rec{"e", kEnum64 | 1, 8, "E6", 1, 2}, rec{"fl", kFloat, 4}, rec{"fw", kFwd, 0}, rec{"tt", kTypeTag, 2})
	return cs
}

// lastMessage is what a result complains of, without the place.
func lastMessage(r *Result) (Errno, string) {
	switch {
	case r.Err != nil:
		return r.Err.Errno, r.Err.Msg
	case len(r.Problems) > 0:
		e := r.Problems[len(r.Problems)-1]
		return e.Errno, e.Msg
	}
	return 0, ""
}

func TestModule(t *testing.T) {
	target := smallKernel(t)
	names := map[string]bool{}
	for _, tt := range moduleCases() {
		if names[tt.name] {
			t.Errorf("%q is there twice", tt.name)
		}
		names[tt.name] = true
		t.Run(tt.name, func(t *testing.T) {
			r := target.Module(tt.split, tt.base)
			no, msg := lastMessage(r)
			if r.Outcome != tt.want || no != tt.no || msg != tt.msg {
				t.Errorf("got %v %v %q\nwant %v %v %q", r.Outcome, no, msg, tt.want, tt.no, tt.msg)
			}
		})
	}
}

func smallKernel(t testing.TB) *Target {
	t.Helper()
	target, err := NewTarget(mk(kernelRecs()...))
	if err != nil {
		t.Fatal(err)
	}
	target.Abilities = *moduleAbilities()
	return target
}

// TestRelocateAsLibbpf holds all cases with two readable sections against libbpf,
// whose code the kernel shares.
func TestRelocateAsLibbpf(t *testing.T) {
	target := smallKernel(t)
	target.Abilities.TagOrder = false // libbpf does not look at it
	kernel := mk(kernelRecs()...)
	var jobs []libbpfJob
	var names []string
	for _, tt := range moduleCases() {
		if r := target.Module(tt.split, tt.base); tt.base == nil || tt.want == Ignored || r.Outcome == Garbage || r.Err != nil && r.Err.Pass != PassRelocate {
			continue
		}
		jobs = append(jobs, libbpfJob{split: tt.split, base: tt.base, vmlinux: kernel})
		names = append(names, tt.name)
	}
	runLibbpf(t, jobs)
	for i, j := range jobs {
		if strings.HasSuffix(j.log, "unreadable") {
			t.Logf("%s: libbpf cannot read it", names[i])
			continue
		}
		out, _, err := target.Relocate(j.split, j.base)
		if _, msg := verdict(err); !bytes.Equal(out, j.out) || !strings.Contains(j.log, msg) {
			t.Errorf("%s: got %v\nlibbpf: %s\n%x\n%x", names[i], err, j.log, out, j.out)
		}
	}
}

func TestRelocatedBytes(t *testing.T) {
	for _, order := range []btf.Order{binary.LittleEndian, binary.BigEndian} {
		build := func(strBase uint32, borrowed map[string]uint32, recs ...rec) []byte {
			b := &builder{order: order, strBase: strBase, borrowed: borrowed}
			if strBase == 0 {
				b.strs = []byte{0}
			}
			return b.add(recs...).bytes()
		}
		kernel := build(0, nil, kernelRecs()...)
		n := order.Uint32(kernel[20:])
		off := func(name string) uint32 {
			return uint32(bytes.Index(kernel, []byte("\x00"+name+"\x00"))) + 1 - order.Uint32(kernel[16:]) - 24
		}
		base := build(0, nil, i32, rec{"list_head", kStruct, 16})
		recs := func(mine, l uint32) []rec {
			return []rec{
				{0, kArray, 0, l, 1, 2}, {"mine", kStruct | 1, 32, "heads", mine, 0}, {0, kFuncProto | 2, 1, "p", mine + 1, 0, 0}, {"list_head", kFunc, mine + 2},
			}
		}
		split := build(order.Uint32(base[20:]), map[string]uint32{"list_head": 5}, recs(3, 2)...)
		want := build(n, map[string]uint32{"list_head": off("list_head")}, recs(19, 7)...)
		got, ids, err := Relocate(split, base, kernel)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %v\ngot  %x\nwant %x", order, err, got, want)
		}
		if want := []uint32{0, 1, 7, 19, 20, 21, 22}; !slices.Equal(ids, want) {
			t.Errorf("%v: ids %v, want %v", order, ids, want)
		}
	}
}

func TestEmbeddedBeforeFix(t *testing.T) {
	// The embedding struct is type 4, and only ids below the number of own types,
	// 2, are looked at.
	base, split := on([]rec{i32, {"list_head", kStruct, 24}}, rec{0, kPtr, 1}, rec{"s", kStruct | 1, 24, "l", 2, 0})
	target := smallKernel(t)
	if r := target.Module(split, base); r.Outcome != Refused {
		t.Errorf("with the fix: %v", r.Outcome)
	}
	target.Abilities.EmbeddedFix = false
	if r := target.Module(split, base); r.Outcome != Loads {
		t.Errorf("without the fix: %v", r.Outcome)
	}
}

func TestOldKernels(t *testing.T) {
	kernel := mk(kernelRecs()...)
	tests := []struct {
		name         string
		major, minor int
		split, base  []byte
		want         Outcome
		msg          string
	}{
		{"5.10 looks at nothing", 5, 10, []byte("junk"), nil, Ignored, ""},
		{"6.10 ignores the base, one PTR passes", 6, 10, over(baseInt, rec{0, kPtr, 1}), baseInt, Garbage, "this kernel ignores .BTF.base and reads .BTF as if it had been made for itself"},
		{"6.10 ignores the base, names fail", 6, 10, over(baseInt, rec{2 + 0, kPtr, 1}), baseInt, Refused, "[19] PTR nt type_id=1 Invalid name"},
		{"5.17 has no ENUM64", 5, 17, over(kernel, rec{"e", kEnum64, 8}), nil, Refused, "[19] Invalid kind:19"},
		{"5.17 has no signed ENUM", 5, 17, over(kernel, rec{"e", kEnum | kf, 4}), nil, Refused, "[19] ENUM e size=4 vlen=0 Invalid btf_info kind_flag"},
		{"5.16 bounds no chains", 5, 16, over(kernel, rec{0, kConst, 19}), nil, Garbage, "[19] CONST (anon) type_id=19 Loop detected"},
		{"5.12 has four bits of kind", 5, 12, over(kernel, rec{"f", kFloat, 4}), nil, Refused, "[19] Invalid btf_info:10000000"},
		{"6.0 takes names of 128", 6, 0, over(kernel, rec{long(128), kStruct, 4}), nil, Loads, ""},
		{"6.0 takes no names of 129", 6, 0, over(kernel, rec{long(129), kStruct, 4}), nil, Refused, "[19] STRUCT " + long(129) + " size=4 vlen=0 Invalid name"},
		{"6.9 takes no printable sections", 6, 9, over(kernel, rec{"a b", kDataSec, 4}), nil, Refused, "[19] DATASEC a b size=4 vlen=0 Invalid name"},
		{"6.14 takes no kind_flag on tags", 6, 14, over(kernel, rec{"t", kTypeTag | kf, 1}), nil, Refused, "[19] TYPE_TAG t type_id=1 Invalid btf_info kind_flag"},
		{"6.14 takes no kind_flag on tags of declarations", 6, 14, over(kernel, rec{"t", kDeclTag | kf, 7, -1}), nil, Refused, "[19] DECL_TAG t type=7 component_idx=-1 Invalid btf_info kind_flag"},
		{"7.1 wants tags first", 7, 1, over(kernel, rec{"t", kTypeTag, 1}, rec{0, kConst, 19}), nil, Refused, "Type tags don't precede modifiers"},
		{"7.2 does not", 7, 2, over(kernel, rec{"t", kTypeTag, 1}, rec{0, kConst, 19}), nil, Loads, ""},
		{"7.1 has 16 bits of vlen", 7, 1, over(kernel, rec{"s", kStruct | 1<<16, 4}), nil, Refused, "[19] Invalid btf_info:4010000"},
		{"7.2 has 24 bits of vlen", 7, 2, over(kernel, rec{"s", kStruct | 1<<16, 4}), nil, Refused, "[19] STRUCT s meta_left:0 meta_needed:786432"},
		{"7.2 has 7 bits of kind", 7, 2, over(kernel, rec{"s", 0x41 << 24, 4}), nil, Refused, "[19] Invalid kind:65"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ab := Release(tt.major, tt.minor)
			r, err := Module(tt.split, tt.base, kernel, &ab)
			if err != nil {
				t.Fatal(err)
			}
			if _, msg := lastMessage(r); r.Outcome != tt.want || msg != tt.msg {
				t.Errorf("got %v %q\nwant %v %q", r.Outcome, msg, tt.want, tt.msg)
			}
		})
	}
}
