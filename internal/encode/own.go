package encode

import (
	"path"
	"slices"
	"strings"

	"mkbtf/btf"
	"mkbtf/dedup"
	"mkbtf/dwarf2btf"
)

// root is a type that goes into the output by itself.
type root struct {
	unit int
	ref  dedup.Ref
}

// boilerplate reports whether a unit is one that kbuild adds to every module: X.mod.c,
// which scripts/mod/modpost generates, and scripts/module-common.c (since Linux 6.12).
// They hold data for the module loader. Their variables stay out, their types too unless something else
// leads to them: modversion_info, for one, is in no kernel from 7.0 on, and a
// condition that it be there would cost every module its BTF.
func boilerplate(unit string) bool {
	return strings.HasSuffix(unit, ".mod.c") || strings.HasSuffix(unit, "scripts/module-common.c")
}

// kernelMarks are headers of the kernel that declare what every unit uses (u8, __u32,
// size_t) and that nobody else has under this name. What stands before them is the
// path of the kernel's source: DW_AT_comp_dir is that of the objects, and since Linux
// 6.13 that of the module.
var kernelMarks = []string{
	"include/uapi/asm-generic/int-ll64.h",
	"include/asm-generic/int-ll64.h",
	"include/uapi/asm-generic/posix_types.h",
}

// kernelTree returns the path of the kernel's source with a slash at its end, which
// can be empty, as the files of a unit show it.
func kernelTree(files []string) (tree string, ok bool) {
	for _, f := range files {
		for _, m := range kernelMarks {
			if before, found := strings.CutSuffix(f, m); found && (before == "" || before[len(before)-1] == '/') {
				return before, true
			}
		}
	}
	return "", false
}

// ownFiles says for each file of a unit whether a type that is declared there is the
// module's own. It is not if the file is a header for all of the kernel: below include
// or arch/*/include of the kernel's source, or below any include/generated. That
// holds for modules inside and outside the kernel's tree; a header that lies
// elsewhere in the kernel (drivers/base/base.h) belongs to those who include it. Where
// the kernel's source does not show everything counts as own, lest something is lost.
func ownFiles(files []string, own []bool) []bool {
	tree, known := kernelTree(files)
	own = own[:0]
	for _, f := range files {
		own = append(own, !known || !inKernelHeaders(f, tree))
	}
	return own
}

func inKernelHeaders(file, tree string) bool {
	if strings.HasSuffix(file, ".mod.c") || strings.Contains(file, "/include/generated/") {
		return true
	}
	below, ok := strings.CutPrefix(file, tree)
	if !ok {
		return false
	}
	if strings.HasPrefix(below, "include/") {
		return true
	}
	in, _ := path.Match("arch/*/include", strings.Join(firstN(strings.Split(below, "/"), 3), "/"))
	return in
}

func firstN(s []string, n int) []string { return s[:min(n, len(s))] }

// ownRoots appends the types of a unit that the module itself defines, and the tags on
// them. refs is what the unit's types are to dedup.
func (c *collector) ownRoots(u int, unit *dwarf2btf.Unit, refs []dedup.Ref) {
	c.ownFiles = ownFiles(unit.Files, c.ownFiles)
	if tree, ok := kernelTree(unit.Files); ok && !slices.Contains(c.trees, tree) {
		c.trees = append(c.trees, tree)
	}
	isOwn := func(id btf.ID) bool {
		t := unit.Table.At(id)
		switch t.Kind {
		case btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Typedef:
		default:
			return false
		}
		file := unit.DeclFile[id-1]
		return file == 0 || c.ownFiles[file]
	}
	for id := btf.ID(1); int(id) <= unit.Roots; id++ {
		t := unit.Table.At(id)
		if isOwn(id) || t.Kind == btf.DeclTag && t.Ref != 0 && isOwn(t.Ref) {
			c.own = append(c.own, root{u, refs[id]})
		}
	}
}

// tagRoots appends the tags of a unit and the types that .BTF_ids names.
func (c *collector) tagRoots(u int, unit *dwarf2btf.Unit, refs []dedup.Ref) {
	for id := btf.ID(1); int(id) <= unit.Roots; id++ {
		t := unit.Table.At(id)
		if t.Kind == btf.DeclTag || c.named.has(unit.Table, t) {
			c.roots = append(c.roots, root{u, refs[id]})
		}
	}
}
