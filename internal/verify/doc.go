// Package verify does to BTF what the kernel does to it, in user space: the
// checks of BPF_BTF_LOAD and of module loading, pass by pass and with the text
// that the kernel's own verifier logs, and the relocation of a module's BTF from
// its .BTF.base to the BTF of a running kernel (btf_relocate, Linux 6.11).
//
// It reads raw bytes with a reader of its own, because the kernel accepts things
// that package btf refuses, and what it refuses it refuses for its own reasons.
//
//	Load         BPF_BTF_LOAD of a standalone blob
//	NewTarget    a kernel's BTF, read and indexed once
//	Target.Module    what that kernel does with a module's .BTF and .BTF.base
//	Target.Relocate  the bytes that it would show in /sys/kernel/btf
//	KernelLoad   the verdict of the running kernel
//
// What a kernel can do differs by version; Abilities holds that, for a known
// version or as found in a kernel's own BTF.
package verify
