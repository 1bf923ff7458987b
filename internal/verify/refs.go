package verify

import "mkbtf/btf"

// refs calls fn with the position in the type section of every word of a record
// that holds a type id.
func (t typ) refs(fn func(pos uint32)) {
	switch k := t.kind(); k {
	case btf.Ptr, btf.Typedef, btf.Volatile, btf.Const, btf.Restrict, btf.TypeTag, btf.Func, btf.Var, btf.DeclTag:
		fn(t.off + 8)
	case btf.Array:
		fn(t.off + recordLen)
		fn(t.off + recordLen + 4)
	case btf.Struct, btf.Union:
		t.each(12, 4, fn)
	case btf.FuncProto:
		fn(t.off + 8)
		t.each(8, 4, fn)
	case btf.DataSec:
		t.each(12, 0, fn)
	}
}

// names calls fn with the position in the type section of every word of a record
// that holds a string offset.
func (t typ) names(fn func(pos uint32)) {
	fn(t.off)
	switch t.kind() {
	case btf.Struct, btf.Union, btf.Enum64:
		t.each(12, 0, fn)
	case btf.Enum, btf.FuncProto:
		t.each(8, 0, fn)
	}
}

// each calls fn for the word at off of every element of elem bytes.
func (t typ) each(elem, off uint32, fn func(pos uint32)) {
	pos := t.off + recordLen + off
	for range t.vlen() {
		fn(pos)
		pos += elem
	}
}
