// Package btfids handles the ids of types that a kernel or a module knows when it
// is built: the section .BTF_ids, and the functions that BPF programs may call
// (kfuncs), which stand in it.
//
// The section is an array of 32-bit words that symbols give a meaning
// (include/linux/btf_ids.h). The compiler leaves the ids zero; after the BTF is
// made, they are filled in:
//
//	__BTF_ID__KIND__NAME__UNIQUE   one id: of the func, struct, union or typedef NAME
//	__BTF_ID__set__NAME            count, then that many ids, ascending
//	__BTF_ID__set8__NAME           count, flags, then pairs of id and flags, ascending by id
//
// A set covers the symbols of the ids in it; its size is that of its symbol. A set8
// whose flags have KFuncSet holds the kfuncs that the module registers.
package btfids
