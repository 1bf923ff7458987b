// Package elfhdr reads and writes the headers of ELF files: the file header,
// section headers and segments of both classes and byte orders with extended
// numbering, and the signature that may follow a kernel module. It knows nothing
// of what the sections hold.
package elfhdr
