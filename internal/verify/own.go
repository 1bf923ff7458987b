package verify

import (
	"fmt"

	"mkbtf/btf"
)

// ownError is about something that the kernel does not check.
func ownError(b *blob, id uint32, t typ, format string, args ...any) *Error {
	return &Error{
		Pass: PassOwn, TypeID: id, Section: b.section, Offset: b.pos(t.off),
		Msg: fmt.Sprintf("[%d] %s %s: ", id, t.kind(), b.name(t.name)) + fmt.Sprintf(format, args...),
	}
}

// inRange makes sure that all ids and string offsets of own records lead
// somewhere. The kernel looks at neither the parameters of FUNC_PROTO nor, except
// for BPF_BTF_LOAD, at the existence of what is referred to; its relocation then
// reads behind the end of its map.
func (b *blob) inRange() *Error {
	n := b.nrTypes()
	var bad uint32
	var what string
	ref := func(pos uint32) {
		if id := b.u32(pos); id >= n && what == "" {
			bad, what = id, "type"
		}
	}
	name := func(pos uint32) {
		if off := b.u32(pos); !b.nameOK(off) && what == "" {
			bad, what = off, "string offset"
		}
	}
	for i, off := range b.offs {
		if off == voidRecord {
			continue
		}
		t := b.record(off)
		t.refs(ref)
		if t.kind() == btf.FuncProto {
			t.names(name)
		}
		if what != "" {
			return ownError(b, b.start+uint32(i), t, "refers to %s %d, which does not exist", what, bad)
		}
	}
	return nil
}

// sorted reports whether the own types ascend by name, those without one first, at
// least one has one: then Linux 7.0 and later search them in log(n).
func (b *blob) sorted() bool {
	var last []byte
	named := false
	for _, off := range b.offs {
		if off == voidRecord {
			continue
		}
		s, _ := b.str(b.u32(off))
		if string(last) > string(s) {
			return false
		}
		last = s
		named = named || len(s) > 0
	}
	return named
}

// functions are the names of the own FUNCs.
func (b *blob) functions() []string {
	var names []string
	all := string(b.strs) // names are cut from one copy
	for _, off := range b.offs {
		if off == voidRecord || b.record(off).kind() != btf.Func {
			continue
		}
		name := b.u32(off)
		s := b.text(name)
		if name >= b.strStart {
			i := int(name - b.strStart)
			names = append(names, all[i:i+len(s)])
		} else {
			names = append(names, string(s))
		}
	}
	return names
}
