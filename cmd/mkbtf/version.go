package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// printVersion prints the version, and the commit if the go command recorded one.
func printVersion(w io.Writer) error {
	commit, modified := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				commit = " " + s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = " (modified)"
			}
		}
	}
	_, err := fmt.Fprintf(w, "mkbtf %s%s%s %s %s/%s\n", version(), commit, modified, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// release is the version of a release; the linker sets it (scripts/dist.sh).
var release string

// version is that of a release, else the one that the go command recorded in the
// binary.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
