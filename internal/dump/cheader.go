package dump

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"mkbtf/btf"
)

// COptions says what C writes.
type COptions struct {
	// Types are the types to write, as for Select; with none, all own types of the
	// blob are written. A function gives its prototype.
	Types []string
	// Deps says what else is written. With DepsNone the header must be included after
	// one that C makes from the base with the same version of this package: the names
	// and alignments of the base's types must be the same.
	Deps Deps
	// Asserts adds a _Static_assert for the size of every record and the offset of
	// every member that is no bit-field, so that a compiler whose ABI is another one
	// refuses the header instead of laying it out in another way.
	Asserts bool
	// Guard is the macro of the include guard; it must be an identifier.
	Guard string
	// Source is what the header says it was made from, in a comment.
	Source string
}

// C writes a header for BPF programs with types of a blob in C: one that gcc and clang
// compile, and in which every size and offset is that of the BTF.
//
// What C has no way to say is said in comments: members that overlap others or
// have no size, attributes that are not plain type tags. Names that are taken or no
// identifiers are changed, see the package documentation.
//
// Errors are that of w and those that wrap ErrNoSuchType, ErrTooDeep or ErrTooLarge.
func C(w io.Writer, b *btf.Blob, opts COptions) error {
	g := newGraph(b)
	h := header{w: bufio.NewWriterSize(w, 1<<16), g: g, opts: opts, state: make([]uint8, len(g.types)), l: newLayouter(g)}
	h.left = 1 << 20
	for o := b; o != nil; o = o.Base {
		h.left += 64 * len(o.Data)
	}
	roots, sel, err := h.selectTypes()
	if err != nil {
		return err
	}
	h.nameAll(sel)
	h.records = h.anyRecord(sel)
	h.prologue()
	for _, id := range roots {
		h.define(id)
	}
	h.kfuncs(sel)
	h.putForwards(0)
	h.epilogue()
	h.flush()
	if h.err == nil {
		h.err = h.l.err
	}
	return errors.Join(h.err, h.w.Flush())
}

// header writes one header.
type header struct {
	w        *bufio.Writer
	g        *graph
	l        *layouter
	n        *names
	opts     COptions
	state    []uint8  // by id, what is written or being written
	out      []byte   // what is not yet in w
	checks   []byte   // assertions on the record that is being written
	forwards []btf.ID // tags to be declared
	chain    []link
	tags     []btf.Str
	members  *scope   // of the record that is being written
	scopes   []*scope // for other records
	depth    int
	records  bool // whether there are any
	left     int  // bytes that may still be written
	err      error
}

// Bits of header.state.
const (
	stDeclared     = 1 << iota // all that a declaration needs is written
	stComplete                 // all that is needed where it is held by value is written
	stBusyDeclared             // that is being written
	stBusyComplete
	stTag     // its tag is declared
	stDefined // the definition or typedef itself is written
	stMembers // all that its members need is written
	stInline  // its body is being written
)

// own reports whether the header defines the type: with DepsNone, those of the base
// are in another one.
func (h *header) own(id btf.ID) bool { return h.opts.Deps != DepsNone || id >= h.g.b.Start() }

// selectTypes returns what to define, in this order, and all that it needs.
func (h *header) selectTypes() ([]btf.ID, *selection, error) {
	sel := &selection{g: h.g, deps: h.opts.Deps, need: make([]uint8, len(h.g.types))}
	if len(h.opts.Types) == 0 {
		for id := h.g.b.Start(); id < h.g.b.End(); id++ {
			switch t := h.g.at(id); t.Kind {
			case btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Typedef:
				if t.Name != 0 {
					sel.add(id, complete)
				}
			case btf.DeclTag:
				if h.isKfunc(t) {
					sel.add(t.Ref, declared)
				}
			}
		}
	}
	for _, name := range h.opts.Types {
		ids, err := h.g.find(name)
		if err != nil {
			return nil, nil, err
		}
		for _, id := range ids {
			sel.add(id, complete)
		}
	}
	var roots []btf.ID
	for id := btf.ID(1); int(id) < len(h.g.types); id++ {
		t := h.g.at(id)
		free := t.Kind.IsEnum() && t.Name == 0 && len(h.opts.Types) == 0 && id >= h.g.b.Start() && sel.need[id] == notNeeded
		if free || sel.need[id] == complete && h.own(id) && !(t.Kind.IsEnum() && t.Name == 0) {
			roots = append(roots, id)
		}
	}
	return roots, sel, nil
}

// nameAll names the types that are written. With DepsNone those of the base get the
// names that they have in the header of the base.
func (h *header) nameAll(sel *selection) {
	h.n = nameTypes(h.g, h.l.ptr, func(id btf.ID) bool {
		return sel.need[id] != notNeeded || !h.own(id)
	})
	if h.opts.Deps == DepsNone {
		h.n.reserveEnumerators(h.g.b.Start())
	}
}

func (h *header) prologue() {
	guard := h.opts.Guard
	if guard == "" {
		guard = "__BTF_H__"
	}
	if h.opts.Source != "" {
		h.put("/* ")
		h.out = appendComment(h.out, []byte(h.opts.Source))
		h.put(" */\n")
	}
	h.put("#ifndef ", guard, "\n#define ", guard, "\n\n")
	if h.records { // else clang warns that there is nothing that the attribute is good for
		h.put(`#if defined(__clang__) && defined(__bpf__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

`)
	}
	h.put(`#ifndef __BTF_TYPE_TAG
#if defined(__clang__) && __has_attribute(btf_type_tag)
#define __BTF_TYPE_TAG(tag) __attribute__((btf_type_tag(tag)))
#else
#define __BTF_TYPE_TAG(tag)
#endif
#endif

`)
}

func (h *header) epilogue() {
	if h.records {
		h.put(`#if defined(__clang__) && defined(__bpf__) && !defined(BPF_NO_PRESERVE_ACCESS_INDEX)
#pragma clang attribute pop
#endif

`)
	}
	h.put("#endif\n")
}

// anyRecord reports whether there will be a definition of a struct or union.
func (h *header) anyRecord(sel *selection) bool {
	for id := range h.g.types {
		if t := &h.g.types[id]; t.Kind.IsComposite() && h.own(btf.ID(id)) && (sel.need[id] == complete || sel.need[id] != notNeeded && t.Name == 0) {
			return true
		}
	}
	return false
}

func (h *header) put(texts ...string) {
	for _, s := range texts {
		h.out = append(h.out, s...)
	}
}

// fail keeps the first error; what is written after it does not matter.
func (h *header) fail(id btf.ID, err error) {
	if h.err == nil {
		h.err = h.g.errorAt(id, err)
	}
}

// full reports whether there was an error or the text became too long.
func (h *header) full(id btf.ID) bool {
	if len(h.out)+len(h.checks) > h.left {
		h.fail(id, ErrTooLarge)
	}
	return h.err != nil || h.l.err != nil
}

// flush hands on what is written.
func (h *header) flush() {
	if h.full(0) {
		return
	}
	h.left -= len(h.out)
	if _, err := h.w.Write(h.out); err != nil {
		h.err = err
	}
	h.out = h.out[:0]
}

// appendComment appends text so that it can stand in a comment.
func appendComment(to, text []byte) []byte {
	start := len(to)
	to = appendClean(to, text[:min(len(text), maxName)])
	for i := start + 1; i < len(to); i++ {
		if to[i] == '/' && to[i-1] == '*' || to[i] == '*' && to[i-1] == '/' {
			to[i] = ' '
		}
	}
	return to
}

// kfuncs declares the functions of the blob that BPF programs may call, and those
// that were asked for by name.
func (h *header) kfuncs(sel *selection) {
	var ids []btf.ID
	ksyms := len(h.opts.Types) == 0
	if ksyms {
		seen := make(map[btf.ID]bool)
		for id := h.g.b.Start(); id < h.g.b.End(); id++ {
			if t := h.g.at(id); t.Kind == btf.DeclTag && h.isKfunc(t) && !seen[t.Ref] {
				seen[t.Ref] = true
				ids = append(ids, t.Ref)
			}
		}
	} else {
		for id := range h.g.types {
			if h.g.types[id].Kind == btf.Func && sel.need[id] != notNeeded {
				ids = append(ids, btf.ID(id))
			}
		}
	}
	if len(ids) == 0 {
		return
	}
	for _, id := range ids {
		h.needs(id, declared)
	}
	h.putForwards(0)
	if ksyms {
		h.put(`#ifndef BPF_NO_KFUNC_PROTOTYPES
#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif

`)
	}
	for _, id := range ids {
		h.prototype(id, ksyms)
	}
	if ksyms {
		h.put("#endif\n\n")
	}
}

// prototype declares a function, whose name must be the very one.
func (h *header) prototype(id btf.ID, ksym bool) {
	t := h.g.at(id)
	name := h.g.name(t.Name)
	if string(identifier(name)) != string(name) || h.n.idents.taken[string(name)] {
		h.put("/* function ")
		h.out = appendComment(h.out, name)
		h.put(": the name is taken or no identifier */\n\n")
		return
	}
	h.n.idents.take(name)
	h.put("extern ")
	h.declare(t.Ref, declarator{name: name})
	if ksym {
		h.put(" __weak __ksym")
	}
	h.put(";\n\n")
	h.flush()
}

// isKfunc reports whether a DECL_TAG marks a function that BPF programs may call
// (pahole --btf_features=decl_tag_kfuncs).
func (h *header) isKfunc(t *btf.Type) bool {
	return string(h.g.name(t.Name)) == "bpf_kfunc" && int32(t.Extra) == -1 &&
		h.g.at(t.Ref).Kind == btf.Func && h.g.at(h.g.at(t.Ref).Ref).Kind == btf.FuncProto
}

// GuardFor makes the name of an include guard from that of a file.
func GuardFor(file string) string {
	out := []byte("__")
	for i := 0; i < len(file) && i < maxName; i++ {
		c := file[i]
		switch {
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		case !isIdent(c):
			c = '_'
		}
		out = append(out, c)
	}
	return fmt.Sprintf("%s_H__", out)
}
