//go:build !linux

package object

// runningRelease is about Linux kernels.
func runningRelease() string { return "" }
