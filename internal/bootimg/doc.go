// Package bootimg finds the kernel in a boot image, whatever it is wrapped and
// packed in, and BTF in a kernel that is no ELF file any more.
//
// What is read: x86 bzImage, EFI zboot and plain Image (arm64, riscv, loongarch),
// zImage (arm), bzImage of s390, ELF with a packed kernel inside (powerpc, mips),
// UKI, U-Boot's legacy uImage, each of them and each kernel in any of the packings
// of package compress, and any of them in each other.
package bootimg
