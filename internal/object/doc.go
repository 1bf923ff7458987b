// Package object opens the files that users have and hands out what is in them:
// the sections of an ELF object of either class and byte order, its debug
// sections decompressed and relocated as they are read, its symbols, the
// signature behind a module, and BTF from wherever it lies.
//
// Files are mapped, not read. A file that somebody shortens while it is open
// ends the process (SIGBUS), as it does with every program that maps files; one
// that is replaced by a new one, as builds and package managers do, is safe.
package object
