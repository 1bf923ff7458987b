package diff

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"mkbtf/btf"
)

// bounded fails if f does not come back soon: what it compares would take for ever
// or overflow the stack if types were unfolded.
func bounded(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("not done after 30 s")
	}
}

func TestHostileShapes(t *testing.T) {
	last := func(b builder) btf.ID { return b.End() - 1 }
	tests := []struct {
		name string
		f    func(builder)
	}{
		{"pointer to itself", func(b builder) { b.to(btf.Ptr, 2) }},
		{"circle of pointers", func(b builder) { b.to(btf.Ptr, 3); b.to(btf.Ptr, 4); b.to(btf.Const, 2) }},
		{"struct without a name that contains itself", func(b builder) { b.strct("", 8, b.member("x", 2, 0)) }},
		{"named struct that contains itself", func(b builder) { b.strct("s", 8, b.member("x", 2, 0)) }},
		{"typedef of itself", func(b builder) { b.named(btf.Typedef, "t", btf.Type{Ref: 2}) }},
		{"tag of itself", func(b builder) { b.named(btf.DeclTag, "t", btf.Type{Ref: 2}) }},
		{"100000 pointers deep", func(b builder) {
			for range 100000 {
				b.to(btf.Ptr, last(b))
			}
			b.named(btf.Typedef, "t", btf.Type{Ref: last(b)})
		}},
		{"2 to the 60 members when unfolded", func(b builder) {
			for range 60 {
				b.strct("", 8, b.member("x", last(b), 0), b.member("y", last(b), 0))
			}
			b.named(btf.Typedef, "t", btf.Type{Ref: last(b)})
		}},
		{"prototypes of prototypes", func(b builder) {
			for range 60 {
				p := b.to(btf.Ptr, last(b))
				b.AddWith(btf.Type{Kind: btf.FuncProto, Ref: p}, []btf.Member{{Type: p}, {Type: p}})
			}
			b.named(btf.Func, "f", btf.Type{Ref: last(b)})
		}},
		{"3000 definitions of one name", func(b builder) {
			i := last(b)
			for n := range uint32(3000) {
				b.strct("s", 8+n, b.member("x", i, n))
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at := func(name string) *btf.Blob {
				return build(t, nil, func(b builder) { b.integer(name); tt.f(b) })
			}
			a, b, c := at("int"), at("int"), at("long")
			bounded(t, func() {
				if r := Compare(a, b, Options{}); r.Different() {
					t.Errorf("differs from itself: %v", lines(r))
				}
				r := Compare(a, c, Options{IgnoreKinds: []btf.Kind{btf.Func}})
				if !r.Different() {
					t.Error("another integer is no difference")
				}
				if err := r.Write(io.Discard); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func FuzzCompare(f *testing.F) {
	seed := func(fn func(builder)) []byte {
		b := newBuilder(nil)
		fn(b)
		raw, err := btf.Encode(b.Table, binary.LittleEndian, nil, false)
		if err != nil {
			f.Fatal(err)
		}
		return raw
	}
	all := seed(everyKind)
	f.Add(all, all)
	f.Add(all, seed(func(b builder) { b.to(btf.Ptr, 1) }))
	f.Add(seed(func(b builder) { b.strct("s", 4); b.strct("s", 8); b.to(btf.Const, 2) }), all)
	f.Fuzz(func(t *testing.T, x, y []byte) {
		a, err := btf.Parse(x, nil)
		if err != nil {
			return
		}
		b, err := btf.Parse(y, nil)
		if err != nil {
			return
		}
		if r := Compare(a, a, Options{}); r.Different() {
			t.Errorf("differs from itself: %v", lines(r))
		}
		there, back := Compare(a, b, Options{}), Compare(b, a, Options{})
		if there.Different() != back.Different() {
			t.Errorf("%v, but the other way round %v", lines(there), lines(back))
		}
		var out bytes.Buffer
		if err := there.Write(&out); err != nil {
			t.Error(err)
		}
		if err := there.JSON(&out); err != nil {
			t.Error(err)
		}
	})
}
