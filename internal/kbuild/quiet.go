package kbuild

import "fmt"

// Line is what the kernel's build prints for a step that makes BTF, "" if it prints
// none. quiet is the environment's "quiet", which it exports: quiet_ for short
// lines, nothing with V=1, silent_ with -s; it is not set elsewhere.
func Line(quiet, file string) string {
	if quiet != "quiet_" {
		return ""
	}
	return fmt.Sprintf("  BTF [M] %s\n", file)
}
