// Package dump prints BTF for people and for programs.
//
// Text writes the form that bpftool's "btf dump file FILE format raw" prints, so
// that the outputs of the two can be compared by any line based tool; JSON writes the
// form of "bpftool -j btf dump file FILE".
//
// # Headers in C
//
// C writes a header for programs that read a kernel's or a module's types. The
// header compiles with gcc and clang in the GNU dialects of C11 to C23, and gives
// every record the size and every member the offset that they have in the BTF, also
// where the compiler's target is another machine than that of the BTF, as long as
// pointers have the same size. BTF knows neither alignment nor packing: they are
// worked out from the offsets. A gap that an aligned attribute of a power of two explains
// gets one; other gaps are filled with unnamed bit-fields or, where that would take
// many, with an array named __pad; records in which members are not aligned are packed.
//
// C has one space of names where BTF may have several types of one name: the first one,
// in the order of ids, keeps it, the others are called NAME___2, NAME___3 and so on.
// libbpf ignores such suffixes when it relocates accesses to the running kernel.
// Typedefs and enumerators share one space of names, structs, unions and enums
// another. Names that are no identifiers, as Rust has them, get underscores for what C
// does not take, and the name as it is in the BTF stands beside them in a comment.
//
// The arithmetic types that compilers disagree about (long double, _Float128, decimal
// floats, the types of other languages) become typedefs of integers of the same size.
// Qualifiers of functions, DECL_TAGs, and the TYPE_TAGs that stand for attributes or
// for anything but what a pointer leads to, or are not printable, are left out.
package dump
