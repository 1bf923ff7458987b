//go:build !linux

package object

// RunningRelease is about Linux kernels.
func RunningRelease() string { return "" }
