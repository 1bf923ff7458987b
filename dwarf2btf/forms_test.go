package dwarf2btf

import (
	"encoding/binary"
	"fmt"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/dwarftest"
)

const (
	intText   = "int/4/0x1000020"
	indexText = intText
)

// TestForms writes the same struct with every form that each attribute can have,
// in every format.
func TestForms(t *testing.T) {
	names := []uint16{formString, formStrp, formLineStrp, formStrx, formStrx1, formStrx2, formStrx3, formStrx4}
	refs := []uint16{formRef1, formRef2, formRef4, formRef8, formRefUdata, formRefAddr}
	numbers := []uint16{formData1, formData2, formData4, formData8, formData16, formUdata, formSdata, formImplicitConst}
	run := func(t *testing.T, v int, is64 bool, order btf.Order, nameForm, refForm, numForm uint16, indirect bool, codes uint64) {
		i := intDIE()
		s := die(tagStructureType, attrs{
			{At: atName, Form: nameForm, Value: "some_struct", Indirect: indirect},
			{At: atByteSize, Form: numForm, Value: 12, Indirect: indirect && numForm != formImplicitConst},
			{At: atDeclFile, Form: formData1, Value: 1},
		}, die(tagMember, attrs{
			{At: atName, Form: nameForm, Value: "first"},
			{At: atType, Form: refForm, Value: i, Indirect: indirect},
			{At: atDataMemberLocation, Form: numForm, Value: 0},
		}), die(tagMember, attrs{
			{At: atName, Form: nameForm, Value: "a_longer_name"},
			{At: 0x3fff, Form: formString, Value: "unknown attribute"},
			{At: atType, Form: refForm, Value: i},
			{At: atDataMemberLocation, Form: numForm, Value: 8, Indirect: indirect && numForm != formImplicitConst},
		}))
		u := cUnit(v, i, s)
		u.Is64 = is64
		u.Root.Attrs = append(u.Root.Attrs, attr{At: atStrOffsetsBase, Form: formSecOffset, Value: u.StrOffsetsBase()})
		b := dwarftest.Builder{Order: order, Units: []*dwarftest.Unit{u}, Codes: codes}
		got := map[string]bool{}
		convertAll(t, builtSource(b.Build(), order), DefaultOptions(), func(u *Unit) { renderUnit(u, got) })
		wantTypes(t, got, intText, "struct some_struct size 12 signed false { 0:0 first int/4/0x1000020; 64:0 a_longer_name int/4/0x1000020; }")
	}
	for v := 2; v <= 5; v++ {
		for _, is64 := range []bool{false, true} {
			for _, order := range []btf.Order{binary.LittleEndian, binary.BigEndian} {
				prefix := fmt.Sprintf("v%d 64bit=%v %v", v, is64, order)
				for _, f := range names {
					t.Run(fmt.Sprintf("%s name %#x", prefix, f), func(t *testing.T) { run(t, v, is64, order, f, formRef4, formData1, false, 0) })
				}
				for _, f := range refs {
					t.Run(fmt.Sprintf("%s ref %#x", prefix, f), func(t *testing.T) { run(t, v, is64, order, formStrp, f, formData1, false, 0) })
				}
				for _, f := range numbers {
					t.Run(fmt.Sprintf("%s number %#x", prefix, f), func(t *testing.T) { run(t, v, is64, order, formString, formRef4, f, false, 0) })
					t.Run(fmt.Sprintf("%s indirect %#x", prefix, f), func(t *testing.T) { run(t, v, is64, order, formStrp, formRefAddr, f, true, 0) })
				}
				t.Run(prefix+" large codes", func(t *testing.T) { run(t, v, is64, order, formStrp, formRef4, formData2, false, 1<<40) })
			}
		}
	}
}

// TestLEB128 checks the readers against the encoders and at the ends.
func TestLEB128(t *testing.T) {
	for _, v := range []uint64{0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 1 << 31, 1<<63 - 1, 1 << 63, 1<<64 - 1} {
		b := dwarftest.AppendULEB(nil, v)
		if got, n := uleb128(append(b, 0xff)); got != v || n != len(b) {
			t.Errorf("uleb128(% x) = %#x, %d; want %#x", b, got, n, v)
		}
		for cut := range b {
			if _, n := uleb128(b[:cut]); n != 0 {
				t.Errorf("uleb128(% x) took %d bytes of a truncated number", b[:cut], n)
			}
		}
		for _, s := range []int64{int64(v), -int64(v)} {
			b := dwarftest.AppendSLEB(nil, s)
			if got, n := sleb128(append(b, 0x80)); got != s || n != len(b) {
				t.Errorf("sleb128(% x) = %d, %d; want %d", b, got, n, s)
			}
		}
	}
	// Padding is legal; bits beyond the 64th are not kept.
	if v, n := uleb128([]byte{0x81, 0x80, 0x80, 0}); v != 1 || n != 4 {
		t.Errorf("padded 1 reads as %d, %d bytes", v, n)
	}
	if v, n := sleb128([]byte{0xff, 0xff, 0x7f}); v != -1 || n != 3 {
		t.Errorf("padded -1 reads as %d, %d bytes", v, n)
	}
}
