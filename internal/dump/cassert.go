package dump

import (
	"bytes"
	"strconv"

	"mkbtf/btf"
)

// checkSize asserts the size of a record that is called name.
func (h *header) checkSize(id btf.ID, name []byte) {
	h.checks = append(append(h.checks, "_Static_assert(sizeof("...), name...)
	h.checks = append(h.checks, ") == "...)
	h.checks = strconv.AppendUint(h.checks, uint64(h.g.at(id).Size), 10)
	h.checks = append(append(append(h.checks, `, "`...), name...), "\");\n"...)
}

// checkOffset asserts the offset of a member. Its path is the record's name and the
// members that lead to it, with a comma after the first.
func (h *header) checkOffset(d declarator) {
	h.checks = append(append(h.checks, "_Static_assert(__builtin_offsetof("...), d.path...)
	h.checks = append(h.checks, ") == "...)
	h.checks = strconv.AppendUint(h.checks, d.bit/8, 10)
	h.checks = append(append(append(h.checks, `, "`...), d.path...), "\");\n"...)
}

// nested reports whether a record's path leads through members.
func (h *header) nested(d declarator) bool { return bytes.IndexByte(d.path, ',') >= 0 }
