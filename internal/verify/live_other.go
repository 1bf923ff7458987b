//go:build !linux

package verify

import "errors"

// ErrNotPermitted says that no BTF can be loaded: this is not Linux.
var ErrNotPermitted = errors.New("loading BTF takes a Linux kernel")

// KernelLoad always fails with ErrNotPermitted.
func KernelLoad([]byte) (log string, err error) { return "", ErrNotPermitted }
