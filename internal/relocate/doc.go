// Package relocate moves the BTF of a module to another kernel, as plain split BTF
// over that kernel's own, without DWARF.
//
// The input is distilled or self-contained BTF, which has a .BTF.base, or split BTF
// together with the base that it was made over. Structs and unions of the old base
// stand for those of the same name in the new kernel, as they do when a kernel
// relocates .BTF.base itself; everything else goes through package dedup as if it
// came from DWARF, so that what the kernel has too is the kernel's. Where the types
// are the same, the output is byte for byte what encoding for that kernel gives.
//
// It can differ from that in these cases:
//
//   - the input was not encoded with --keep all and lacks types;
//   - the old base and the new kernel define a struct differently: the module then
//     refers to the kernel's, where encoding would give it a copy of its own;
//   - arrays of several dimensions whose parts are types of their own, when the
//     kernel has one ARRAY for all dimensions: which parts the DWARF named is lost;
//   - a type that its unit saw with a mere declaration of a struct that the module and
//     the kernel define differently: encoding then takes the kernel's, here it leads to
//     the module's, as in the input;
//   - in distilled BTF, a struct of size 0 that has members in the kernel: it is taken
//     for what became of a declaration.
//
// What a kernel would refuse the BTF for, a name that it has not, is carried: of a
// struct that is only pointed to, name and size stay. A struct that the module
// embeds and that has another size there is an error: the module itself does not
// fit that kernel.
package relocate
