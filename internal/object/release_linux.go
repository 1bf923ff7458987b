package object

import "golang.org/x/sys/unix"

// RunningRelease is the release of the running kernel, as uname -r prints it; "" on
// systems other than Linux.
func RunningRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}
