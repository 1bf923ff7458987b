package object

import (
	"os"

	"golang.org/x/sys/unix"
)

// onPseudoFS reports whether the file lies on sysfs or procfs, where st_size is
// not the size of the content: 7.1 can map /sys/kernel/btf/vmlinux, but then with
// the padding of its last page.
func onPseudoFS(f *os.File) bool {
	var st unix.Statfs_t
	if unix.Fstatfs(int(f.Fd()), &st) != nil {
		return false
	}
	return st.Type == unix.SYSFS_MAGIC || st.Type == unix.PROC_SUPER_MAGIC
}
