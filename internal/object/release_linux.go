package object

import "golang.org/x/sys/unix"

// runningRelease is the release of the running kernel.
func runningRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}
