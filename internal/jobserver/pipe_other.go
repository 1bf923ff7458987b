//go:build !linux

package jobserver

// open reports that the jobserver cannot be reached: kernels are built on Linux,
// where a pipe can be opened anew without blocking.
func open(auth) pipe { return nil }
