// Package check predicts what kernels do with the BTF of modules, and says what to
// do about it.
//
// Package verify does to the bytes what a kernel does. What a kernel does not
// notice is found here: split BTF that belongs to another build, by the fingerprint
// that encode leaves in the module and by its content, and structs of the kernel
// that the module holds by value in another size.
package check
