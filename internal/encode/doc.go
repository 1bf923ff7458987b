// Package encode is the whole way from a module's DWARF to its BTF: it opens the
// file, converts its units in parallel, removes duplicates, chooses functions and
// variables, writes one of the forms and puts it where the user wants it.
package encode
