package relocate

import (
	"math"

	"mkbtf/btf"
)

// flatten turns own ARRAYs of ARRAYs into one ARRAY of all elements, which is how
// the encoder of a kernel wrote them that has no ARRAY of ARRAY. An inner one that
// nothing else refers to becomes int, which every kernel has, and so disappears.
func (x *importer) flatten(own int) {
	u := x.u
	inner := make([]bool, own+1)
	other := make([]bool, own+1)
	for i := range u.Types {
		typ := u.Types[i] // a copy: nothing is changed
		isArray := typ.Kind == btf.Array
		u.Refs(&typ, func(ref *btf.ID) {
			if int(*ref) > own || *ref == 0 || u.At(*ref).Kind != btf.Array {
				return
			}
			if isArray {
				inner[*ref] = true
			} else {
				other[*ref] = true
			}
		})
	}
	for i := range own {
		t := &u.Types[i]
		for steps := 0; t.Kind == btf.Array && t.Ref != 0 && u.At(t.Ref).Kind == btf.Array && steps < deepest; steps++ {
			e := u.At(t.Ref)
			n := uint64(t.Size) * uint64(e.Size)
			if n > math.MaxUint32 || e == t {
				break
			}
			t.Size, t.Ref = uint32(n), e.Ref
		}
	}
	for i := range own {
		if t := &u.Types[i]; inner[i+1] && !other[i+1] {
			*t = btf.Type{Kind: btf.Int, Name: u.Strings.InternString("int"), Size: 4, Extra: btf.IntData(btf.IntSigned, 0, 32)}
		}
	}
}
