// Package compress knows the seven ways in which Linux kernels are packed (the
// KERNEL_* choices of init/Kconfig) and the three of modules (MODULE_COMPRESS_*):
// it tells them from their first bytes, unpacks them within bounds, and packs
// modules so that the kernel's own decompressor (kernel/module/decompress.c) takes
// them.
package compress
