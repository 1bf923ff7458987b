// Package testkernel finds the kernel that tests of real modules are run on.
package testkernel

import (
	"os"
	"testing"
)

// Dir is the directory of a kernel as scripts/fetch-kernel.sh makes it, with
// debug/vmlinux and debug/modules: what MKBTF_KERNEL_DIR names. It may be a kernel for
// another machine. Without it the test is skipped.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("MKBTF_KERNEL_DIR")
	if dir == "" {
		t.Skip("MKBTF_KERNEL_DIR is not set: no kernel with debug modules at hand; see scripts/fetch-kernel.sh")
	}
	return dir
}
