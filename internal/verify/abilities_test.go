package verify

import (
	"errors"
	"testing"

	"mkbtf/btf"
)

func TestDetect(t *testing.T) {
	// member makes a struct of a name with one pointer of a name.
	member := func(name, m string) rec { return rec{name, kStruct | 1, 8, m, 2, 0} }
	enum := func(v string, n int) rec { return rec{0, kEnum | 1, 4, v, n} }
	fn := func(name string) []rec { return []rec{{0, kFuncProto, 0}, {name, kFunc, 3}} }
	all := func(rs ...rec) []rec { return append([]rec{i32, {0, kPtr, 0}}, rs...) }
	tests := []struct {
		name string
		recs []rec
		got  func(ab *Abilities) any
		want any
	}{
		{"nothing: module BTF", all(), func(ab *Abilities) any { return ab.ModuleBTF }, false},
		{"nothing: largest kind", all(), func(ab *Abilities) any { return ab.MaxKind }, btf.DataSec},
		{"nothing: names", all(), func(ab *Abilities) any { return ab.MaxNameLen }, 128},
		{"nothing: tags", all(), func(ab *Abilities) any { return ab.TagOrder }, false},
		{"module.btf_data", all(member("module", "btf_data")), func(ab *Abilities) any { return ab.ModuleBTF }, true},
		{"module.btf_data: no base", all(member("module", "btf_data")), func(ab *Abilities) any { return ab.DistilledBase }, false},
		{"module.btf_base_data", all(member("module", "btf_base_data")), func(ab *Abilities) any { return ab.DistilledBase }, true},
		{"btf.base_id_map", all(member("btf", "base_id_map")), func(ab *Abilities) any { return ab.DistilledBase }, true},
		{"btf_relocate", all(fn("btf_relocate")...), func(ab *Abilities) any { return ab.DistilledBase }, true},
		{"btf.named_start_id", all(member("btf", "named_start_id")), func(ab *Abilities) any { return ab.Sorted }, true},
		{"btf_header.layout_off", all(member("btf_header", "layout_off")), func(ab *Abilities) any { return ab.LayoutHeader }, true},
		{"btf_struct_metas", all(member("btf_struct_metas", "cnt")), func(ab *Abilities) any { return ab.SpecialFields }, true},
		{"BTF_MAX_VLEN", all(enum("BTF_MAX_VLEN", 0xffffff)), func(ab *Abilities) any { return ab.WideVlen }, true},
		{"BTF_MAX_VLEN of 16 bits", all(enum("BTF_MAX_VLEN", 0xffff)), func(ab *Abilities) any { return ab.WideVlen }, false},
		{"NR_BTF_KINDS", all(enum("NR_BTF_KINDS", 19)), func(ab *Abilities) any { return ab.MaxKind }, btf.TypeTag},
		{"NR_BTF_KINDS of the future", all(enum("NR_BTF_KINDS", 23)), func(ab *Abilities) any { return ab.MaxKind }, btf.Enum64},
		{"NR_BTF_KINDS: tags in order", all(enum("NR_BTF_KINDS", 19)), func(ab *Abilities) any { return ab.TagOrder }, true},
		{"btf_check_type_tags", all(fn("btf_check_type_tags")...), func(ab *Abilities) any { return ab.TagOrder }, true},
		{"btf_check_modifier_chain_length", all(append(fn("btf_check_modifier_chain_length"), enum("NR_BTF_KINDS", 20))...), func(ab *Abilities) any { return ab.TagOrder }, false},
		{"BPF_RES_SPIN_LOCK", all(enum("BPF_RES_SPIN_LOCK", 1)), func(ab *Abilities) any { return ab.TagKindFlag }, true},
		{"BPF_WORKQUEUE", all(enum("BPF_WORKQUEUE", 1)), func(ab *Abilities) any { return ab.PrintableSections }, true},
		{"KSYM_NAME_LEN", all(rec{0, kArray, 0, 1, 1, 512}, rec{"bpf_ksym", kStruct | 1, 2048, "name", 3, 0}), func(ab *Abilities) any { return ab.MaxNameLen }, 512},
		{"64 bits", all(rec{"long unsigned int", kInt, 8, 64}), func(ab *Abilities) any { return ab.PointerSize }, 8},
		{"32 bits", all(rec{"long unsigned int", kInt, 4, 32}), func(ab *Abilities) any { return ab.PointerSize }, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target, err := NewTarget(mk(tt.recs...))
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.got(&target.Abilities); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestRelease(t *testing.T) {
	tests := []struct {
		major, minor int
		kind         btf.Kind
		base, wide   bool
	}{
		{5, 10, btf.DataSec, false, false},
		{5, 13, btf.Float, false, false},
		{5, 16, btf.DeclTag, false, false},
		{5, 19, btf.TypeTag, false, false},
		{6, 10, btf.Enum64, false, false},
		{6, 11, btf.Enum64, true, false},
		{7, 2, btf.Enum64, true, true},
		{8, 0, btf.Enum64, true, true},
	}
	for _, tt := range tests {
		if ab := Release(tt.major, tt.minor); ab.MaxKind != tt.kind || ab.DistilledBase != tt.base || ab.WideVlen != tt.wide {
			t.Errorf("%d.%d: %+v", tt.major, tt.minor, ab)
		}
	}
}

func TestNewTargetErrors(t *testing.T) {
	for _, blob := range [][]byte{nil, mk(i32)[:30], mk(rec{"x", kStruct | 9, 4}), mk(rec{0, kConst, 1})} {
		target, err := NewTarget(blob)
		var e *Error
		if target != nil || !errors.As(err, &e) || e.Section != "vmlinux" {
			t.Errorf("%x: got %v, %v", blob, target, err)
		}
	}
}

// TestPointerSize: pass G takes a pointer for as wide as the kernel's.
func TestPointerSize(t *testing.T) {
	blob := mk(rec{0, kPtr, 0}, rec{"s", kStruct | 1, 4, "p", 1, 0})
	ab := Release(6, 18)
	if err := Load(blob, &ab); err == nil {
		t.Error("a pointer fits 4 bytes of a 64-bit kernel")
	}
	ab.PointerSize = 4
	if err := Load(blob, &ab); err != nil {
		t.Error(err)
	}
}

func TestLayoutHeader(t *testing.T) {
	body := append(append([]byte{}, one...), 0, 0, 0) // 16 of types, 5 of strings, 3 of filling in the strings
	with := func(layoutOff, layoutLen uint32, layout ...byte) []byte {
		return sections([]uint32{32, 0, 16, 16, 8, layoutOff, layoutLen}, append(append([]byte{}, body...), layout...))
	}
	tests := []struct {
		name     string
		blob     []byte
		old, new string // messages of 7.0 and 7.1
	}{
		{"none", with(0, 0), "", ""},
		{"one entry", with(24, 4, 4, 0, 0, 0), "Unsupported btf_header", ""},
		{"not a multiple of 4", with(24, 6, 4, 0, 0, 0, 0, 0), "Unsupported btf_header", "layout_len is not multiple of 4"},
		{"too small", with(24, 2, 4, 0), "Unsupported btf_header", "Layout section is too small"},
		{"past the end", with(24, 8, 4, 0, 0, 0), "Unsupported btf_header", "Total section length too long"},
		{"gap", with(28, 4, 0, 0, 0, 0, 0, 0, 0, 0), "Unsupported btf_header", "Unsupported section found"},
		{"overlap", with(20, 4), "Unsupported btf_header", "Section overlap found"},
		{"unaligned", sections([]uint32{32, 0, 16, 16, 5, 21, 4}, append(append([]byte{}, one...), 0, 0, 0, 0)), "Unsupported btf_header", "Unaligned layout_off"},
		{"strings before types", sections([]uint32{32, 8, 16, 0, 8, 0, 0}, append([]byte("\x00int\x00\x00\x00\x00"), one[:16]...)), "String section is not at the end", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, k := range []struct {
				minor int
				want  string
			}{{0, tt.old}, {1, tt.new}} {
				ab := Release(7, k.minor)
				if _, msg := verdict(Load(tt.blob, &ab)); msg != k.want {
					t.Errorf("7.%d: got %q, want %q", k.minor, msg, k.want)
				}
			}
		})
	}
}
