// Package compare measures what each form of BTF costs a set of modules: bytes of the
// modules and of the BTF, compressed and not, memory of the kernel, and which kernels
// take it.
package compare
