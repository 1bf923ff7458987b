package dump

import (
	"strconv"

	"mkbtf/btf"
)

// baseClass is what kind of arithmetic type a base type is.
type baseClass uint8

const (
	classInt baseClass = iota
	classBool
	classFloat
)

// cBase is an arithmetic type that all compilers have, under each name that
// compilers give it in debug information.
type cBase struct {
	spelling string
	size     uint8 // 0: that of a pointer
	class    baseClass
}

var cBases = map[string]cBase{
	"char":                   {"char", 1, classInt},
	"signed char":            {"signed char", 1, classInt},
	"unsigned char":          {"unsigned char", 1, classInt},
	"short":                  {"short", 2, classInt},
	"short int":              {"short int", 2, classInt},
	"unsigned short":         {"unsigned short", 2, classInt},
	"short unsigned int":     {"short unsigned int", 2, classInt},
	"int":                    {"int", 4, classInt},
	"unsigned int":           {"unsigned int", 4, classInt},
	"long":                   {"long", 0, classInt},
	"long int":               {"long int", 0, classInt},
	"unsigned long":          {"unsigned long", 0, classInt},
	"long unsigned int":      {"long unsigned int", 0, classInt},
	"long long":              {"long long", 8, classInt},
	"long long int":          {"long long int", 8, classInt},
	"unsigned long long":     {"unsigned long long", 8, classInt},
	"long long unsigned int": {"long long unsigned int", 8, classInt},
	"__int128":               {"__int128", 16, classInt},
	"__int128 unsigned":      {"unsigned __int128", 16, classInt},
	"unsigned __int128":      {"unsigned __int128", 16, classInt},
	"_Bool":                  {"_Bool", 1, classBool},
	"bool":                   {"_Bool", 1, classBool},
	"float":                  {"float", 4, classFloat},
	"double":                 {"double", 8, classFloat},
	"complex float":          {"float _Complex", 8, classFloat},
	"complex double":         {"double _Complex", 16, classFloat},
}

// baseType returns the C type for an INT or FLOAT if all compilers have it with
// that size. The others become typedefs.
func (g *graph) baseType(t *btf.Type, ptr uint32) (cBase, bool) {
	c, ok := cBases[string(g.name(t.Name))]
	if c.size == 0 {
		c.size = uint8(ptr)
	}
	if !ok || uint32(c.size) != t.Size || c.size == 16 && ptr != 8 {
		return cBase{}, false
	}
	return c, true
}

// isScalar reports whether what stands for an INT or FLOAT is no array.
func (g *graph) isScalar(t *btf.Type, ptr uint32) bool {
	_, n := opaqueElement(t.Size, ptr)
	_, ok := g.baseType(t, ptr)
	return ok || n == 1
}

// aligns is the alignment of a type in bytes, the least and the greatest that it
// has on the machines that the BTF may be of: BTF does not tell the machine. C that
// is laid out alike with both is laid out alike everywhere.
type aligns [2]uint32

func (a aligns) max(b aligns) aligns { return aligns{max(a[0], b[0]), max(a[1], b[1])} }

// scalarAligns is the alignment of arithmetic types of a size: i386 aligns 8 bytes
// to 4, s390x and old clang 16 bytes to 8.
func scalarAligns(size, ptr uint32) aligns {
	switch size {
	case 1, 2, 4:
		return aligns{size, size}
	case 8:
		return aligns{ptr, 8}
	case 16:
		return aligns{8, 16}
	}
	return aligns{1, 1}
}

// baseAligns is the alignment of the C type that stands for an INT or FLOAT.
func (g *graph) baseAligns(t *btf.Type, ptr uint32) aligns {
	if c, ok := g.baseType(t, ptr); ok {
		if c.class == classFloat && len(c.spelling) > len("double") { // complex: that of a part
			return scalarAligns(t.Size/2, ptr)
		}
		return scalarAligns(t.Size, ptr)
	}
	if isLongDouble(g, t) {
		if t.Size == 12 {
			return aligns{4, 4}
		}
		return aligns{ptr, 16}
	}
	elem, _ := opaqueElement(t.Size, ptr)
	return scalarAligns(elem, ptr)
}

func isLongDouble(g *graph, t *btf.Type) bool {
	return t.Kind == btf.Float && (t.Size == 12 || t.Size == 16) && string(g.name(t.Name)) == "long double"
}

// opaqueElement returns the size of the largest integers, and how many of them, that
// make up a size.
func opaqueElement(size, ptr uint32) (elem, n uint32) {
	for _, e := range []uint32{16, 8, 4, 2} {
		if size >= e && size%e == 0 && (e < 16 || ptr == 8) {
			return e, size / e
		}
	}
	return 1, size
}

// integer is the unsigned or signed integer type of a size that opaqueElement returns.
func integer(size uint32, signed bool) string {
	name := map[uint32]string{1: "char", 2: "short", 4: "int", 8: "long long", 16: "__int128"}[size]
	if signed {
		return "signed " + name
	}
	return "unsigned " + name
}

// opaqueTypedef appends the typedef for a base type that not every compiler has: an
// integer or an array of integers of the same size.
func (g *graph) opaqueTypedef(to []byte, t *btf.Type, name []byte, ptr uint32) []byte {
	elem, n := opaqueElement(t.Size, ptr)
	signed := t.Kind == btf.Int && btf.IntEncoding(t.Extra)&btf.IntSigned != 0
	long := isLongDouble(g, t)
	if long {
		to = append(to, "#if __SIZEOF_LONG_DOUBLE__ == "...)
		to = strconv.AppendUint(to, uint64(t.Size), 10)
		to = append(append(append(to, "\ntypedef long double "...), name...), ";\n#else\n"...)
	}
	to = append(append(to, "typedef "...), integer(elem, signed)...)
	to = append(append(to, ' '), name...)
	if n != 1 {
		to = append(strconv.AppendUint(append(to, '['), uint64(n), 10), ']')
	}
	to = append(to, ';')
	if orig := g.name(t.Name); string(orig) != string(name) {
		to = append(appendComment(append(to, " /* "...), orig), " */"...)
	}
	to = append(to, '\n')
	if long {
		to = append(to, "#endif\n"...)
	}
	return to
}

// pointerSize guesses the size of pointers from the size of long, as libbpf does.
func (g *graph) pointerSize() uint32 {
	for id := range g.types {
		t := &g.types[id]
		if t.Kind != btf.Int || t.Size != 4 && t.Size != 8 {
			continue
		}
		switch string(g.name(t.Name)) {
		case "long int", "long unsigned int", "long", "unsigned long":
			return t.Size
		}
	}
	return 8
}
