// Package kbuild holds no code, only tests that build modules as builders do: with
// the kernel's build against Debian's header packages, and with DKMS; and tests of what
// is released. Most install packages and take minutes, so they run only with
// MKBTF_KERNEL_TESTS=1, as make test-kernel does.
package kbuild
