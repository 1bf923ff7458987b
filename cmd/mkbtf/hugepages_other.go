//go:build !linux

package main

// prepareHeap does nothing: only Linux is asked for large pages.
func prepareHeap([]string) {}
