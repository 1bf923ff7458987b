// Package emit writes a table of distinct types as BTF in one of three forms and
// puts it into an ELF file.
//
//   - split: own types over exactly one kernel build (Linux 5.11 and later);
//   - distilled: the same over a small .BTF.base, a few names that the kernel maps
//     to its own types when the module is loaded (Linux 6.11 and later);
//   - self-contained: all types over a .BTF.base that holds nothing but int (6.11
//     and later), or, detached, as standalone BTF.
package emit
