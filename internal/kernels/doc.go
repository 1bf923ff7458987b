// Package kernels finds the BTF of a kernel that is installed, though not
// necessarily running, where distributions put kernels, and writes it as a file
// that stands in for vmlinux.
package kernels
