// Package funccheck proves, slowly and sharing no code with the encoder, that BTF
// tells the truth about the functions and variables of an object file: each FUNC
// has the prototype that DWARF gives for the code at the symbol of its name, and
// each variable in a DATASEC lies where its symbol says. It reads files with
// debug/elf and debug/dwarf only, and is for tests.
package funccheck
