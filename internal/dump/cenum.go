package dump

import (
	"math"

	"mkbtf/btf"
)

// enumMode is the attribute that an enum needs to get its size.
type enumMode string

const (
	enumPlain      enumMode = ""   // none: int or unsigned int, or 64 bits for large values
	enumByte       enumMode = "QI" // names of the machine modes of gcc and clang
	enumHalf       enumMode = "HI"
	enumDouble     enumMode = "DI"
	enumImpossible enumMode = "-" // C cannot give it that size
)

// enumMode looks at size and values. An enum without values can only be declared:
// where its size is needed, an integer stands for it.
func (g *graph) enumMode(t *btf.Type) enumMode {
	least, most, wide := int64(0), uint64(0), false
	for _, m := range g.membersOf(t) {
		if v := g.enumValue(t, &m); v < 0 && t.Flag {
			least = min(least, v)
		} else {
			most = max(most, uint64(v))
		}
	}
	if least < math.MinInt32 || most > math.MaxUint32 || least < 0 && most > math.MaxInt32 {
		wide = true
	}
	fits := func(bits uint) bool {
		if least < 0 {
			return least >= -1<<(bits-1) && most < 1<<(bits-1)
		}
		return most < 1<<bits
	}
	switch {
	case t.Size == 4 && !wide, t.Size == 8 && wide:
		return enumPlain
	case t.Size == 8:
		return enumDouble
	case t.Size == 1 && fits(8):
		return enumByte
	case t.Size == 2 && fits(16):
		return enumHalf
	}
	return enumImpossible
}

// enumValue is the value of an enumerator, sign extended if the enum is signed.
func (g *graph) enumValue(t *btf.Type, m *btf.Member) int64 {
	if t.Kind == btf.Enum && t.Flag {
		return int64(int32(m.Off))
	}
	return int64(m.Value())
}
