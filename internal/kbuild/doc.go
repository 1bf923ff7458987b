// Package kbuild lets mkbtf stand where the kernel's build calls other programs:
// resolve_btfids, which fills in .BTF_ids.
package kbuild
