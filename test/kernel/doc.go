// Package kernel holds no code, only tests against real kernels: modules that a
// distribution shipped, and kernels that are booted with what mkbtf wrote. They
// take minutes and fetch Debian packages, so they run only with
// MKBTF_KERNEL_TESTS=1, as make test-kernel does.
package kernel
