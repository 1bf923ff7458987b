package btf

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func TestWithLayout(t *testing.T) {
	for _, order := range []Order{binary.LittleEndian, binary.BigEndian} {
		plain, err := Encode(sample(), order, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		out, err := WithLayout(plain)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Parse(out, nil)
		if err != nil {
			t.Fatal(err)
		}
		h := b.Header
		if h.HdrLen != 32 || h.TypeOff != 0 || h.LayoutOff != h.TypeLen || h.LayoutLen != 80 || h.StrOff != h.LayoutOff+h.LayoutLen {
			t.Errorf("header %+v", h)
		}
		if end := h.HdrLen + h.StrOff + h.StrLen; int(end) != len(out) {
			t.Errorf("ends at %d of %d", end, len(out))
		}
		again, err := Encode(b.Table(nil), order, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, plain) {
			t.Error("the types are not those that went in")
		}
		// A reader that knows only the layout must find the same records.
		layout := out[h.HdrLen+h.LayoutOff:][:h.LayoutLen]
		records := 0
		for p := b.OwnTypes(); len(p) > 0; records++ {
			info := order.Uint32(p[4:])
			entry := layout[4*(info>>24&0x1f):]
			p = p[12+int(entry[0])+int(entry[1])*int(info&0xffff):]
		}
		if records != int(b.End()-b.Start()) {
			t.Errorf("%d records by the layout, %d by kind", records, b.End()-b.Start())
		}
		if _, err := WithLayout(out); err == nil {
			t.Error("a second layout: no error")
		}
	}
}
