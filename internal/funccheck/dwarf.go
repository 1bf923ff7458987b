package funccheck

import (
	"debug/dwarf"
	"errors"
	"fmt"
	"strings"
)

// ErrTypeUnit means that a type lies in a type unit, where debug/dwarf does not let
// anybody look.
var ErrTypeUnit = errors.New("reference to a type unit")

// typeTexts writes types as text, read from left to right: *const struct file,
// [4]int, func(x *void, ...) int. What has a name is that name.
type typeTexts struct {
	r    *dwarf.Reader
	memo map[dwarf.Offset]string
}

func newTypeTexts(d *dwarf.Data) *typeTexts {
	return &typeTexts{d.Reader(), map[dwarf.Offset]string{}}
}

func functionText(params []string, ret string) string {
	return "func(" + strings.Join(params, ", ") + ") " + ret
}

// at reads a DIE; its children are next in t.r.
func (t *typeTexts) at(off dwarf.Offset) (*dwarf.Entry, error) {
	t.r.Seek(off)
	e, err := t.r.Next()
	if err == nil && e == nil {
		err = fmt.Errorf("no DIE at %#x", off)
	}
	return e, err
}

// attr finds an attribute in a DIE or in what it is an instance or completion of.
func (t *typeTexts) attr(e *dwarf.Entry, want dwarf.Attr) (any, error) {
	for range 8 {
		if v := e.Val(want); v != nil {
			return v, nil
		}
		next, ok := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset)
		if !ok {
			if next, ok = e.Val(dwarf.AttrSpecification).(dwarf.Offset); !ok {
				break
			}
		}
		var err error
		if e, err = t.at(next); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (t *typeTexts) name(e *dwarf.Entry) (string, error) {
	v, err := t.attr(e, dwarf.AttrName)
	s, _ := v.(string)
	return s, err
}

// typeOf writes the type of a DIE, which it may have from its origin.
func (t *typeTexts) typeOf(e *dwarf.Entry) (string, error) {
	v, err := t.attr(e, dwarf.AttrType)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case dwarf.Offset:
		return t.text(v)
	case nil:
		return "void", nil
	}
	return "", ErrTypeUnit
}

func (t *typeTexts) text(off dwarf.Offset) (string, error) {
	if s, ok := t.memo[off]; ok {
		return s, nil
	}
	t.memo[off] = "..." // no C type leads to itself without passing a name
	e, err := t.at(off)
	if err != nil {
		return "", err
	}
	s, err := t.write(e)
	t.memo[off] = s
	return s, err
}

func (t *typeTexts) write(e *dwarf.Entry) (string, error) {
	name, _ := e.Val(dwarf.AttrName).(string)
	prefix := map[dwarf.Tag]string{
		dwarf.TagPointerType: "*", dwarf.TagConstType: "const ", dwarf.TagVolatileType: "volatile ",
		dwarf.TagRestrictType: "restrict ", dwarf.TagAtomicType: "", dwarf.TagTypedef: "typedef ",
		dwarf.TagStructType: "struct ", dwarf.TagUnionType: "union ", dwarf.TagEnumerationType: "enum ",
	}[e.Tag]
	switch e.Tag {
	case dwarf.TagBaseType:
		if enc, _ := e.Val(dwarf.AttrEncoding).(int64); enc == 3 { // DW_ATE_complex_float
			return "struct {real imag}", nil
		}
		return name, nil
	case dwarf.TagUnspecifiedType:
		return "void", nil
	case dwarf.TagTypedef:
		return prefix + name, nil
	case dwarf.TagPointerType, dwarf.TagConstType, dwarf.TagVolatileType, dwarf.TagRestrictType, dwarf.TagAtomicType:
		s, err := t.typeOf(e)
		return prefix + s, err
	case dwarf.TagStructType, dwarf.TagUnionType, dwarf.TagEnumerationType:
		if name != "" {
			return prefix + name, nil
		}
		names, err := t.children(e, func(c *dwarf.Entry) string {
			name, _ := c.Val(dwarf.AttrName).(string)
			return name
		}, dwarf.TagMember, dwarf.TagEnumerator)
		return prefix + "{" + strings.Join(names, " ") + "}", err
	case dwarf.TagArrayType:
		dims, err := t.children(e, func(c *dwarf.Entry) string {
			if n, ok := c.Val(dwarf.AttrCount).(int64); ok {
				return fmt.Sprintf("[%d]", n)
			}
			n, ok := c.Val(dwarf.AttrUpperBound).(int64)
			if !ok {
				n = -1
			}
			return fmt.Sprintf("[%d]", n+1)
		}, dwarf.TagSubrangeType)
		if err != nil {
			return "", err
		}
		s, err := t.typeOf(e)
		return strings.Join(dims, "") + s, err
	case dwarf.TagSubroutineType:
		var offs []dwarf.Offset
		if _, err := t.children(e, func(c *dwarf.Entry) string {
			off, _ := c.Val(dwarf.AttrType).(dwarf.Offset)
			if c.Tag == dwarf.TagUnspecifiedParameters {
				off = 0
			}
			offs = append(offs, off)
			return ""
		}, dwarf.TagFormalParameter, dwarf.TagUnspecifiedParameters); err != nil {
			return "", err
		}
		var params []string
		for _, off := range offs {
			s := "..."
			if off != 0 {
				var err error
				if s, err = t.text(off); err != nil {
					return "", err
				}
				s = " " + s
			}
			params = append(params, s)
		}
		ret, err := t.typeOf(e)
		return functionText(params, ret), err
	}
	return "", fmt.Errorf("%v is no type of C", e.Tag)
}

// children calls f for the children of e with one of the tags. The DIEs behind e have
// to be next in t.r.
func (t *typeTexts) children(e *dwarf.Entry, f func(*dwarf.Entry) string, tags ...dwarf.Tag) (list []string, err error) {
	for e.Children {
		c, err := t.r.Next()
		if err != nil {
			return nil, err
		}
		if c == nil || c.Tag == 0 {
			break
		}
		for _, tag := range tags {
			if c.Tag == tag {
				list = append(list, f(c))
			}
		}
		t.r.SkipChildren()
	}
	return list, nil
}
