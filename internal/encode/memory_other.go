//go:build !linux

package encode

// availableMemory is the memory in bytes that can be had without swapping, 0 if it is
// not known.
func availableMemory() int64 { return 0 }
