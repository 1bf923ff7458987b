// Package dwarf2btf turns the DWARF of one object file into BTF types, one unit
// at a time. It reads DWARF 2 to 5 in 32 and 64 bit format of either byte order,
// with type units and units that refer to each other.
//
// A Converter splits the file into independent pieces of work; each goroutine
// has a Worker that turns pieces into Units. Nothing is deduplicated here, and
// which functions are written is decided when all units are known: see
// SelectFunctions.
//
// Definitions of earlier units are known again if those who tell types apart say what
// became of them (Learn); they must then ask whether a unit was right about that (Holds).
//
// A type that BTF cannot express never costs more than itself: it becomes the
// nearest thing that BTF has, or a stand-in of its size, and Options.Note hears
// of it. The rules stand in the comments of the files that apply them.
package dwarf2btf
