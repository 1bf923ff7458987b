package main

import (
	"fmt"
	"os"

	"mkbtf/internal/kbuild"
)

func runKbuildLinks(args []string, s streams) error {
	f := newFlags("kbuild-links", s)
	program := f.String("program", "", "let the links lead to `PATH`, not to this program")
	dirs, err := parse(f, args, 1, 1, "one directory")
	if err != nil {
		return err
	}
	if *program == "" {
		if *program, err = ownPath(); err != nil {
			return err
		}
	}
	made, err := kbuild.Links(dirs[0], *program)
	for _, path := range made {
		fmt.Fprintln(s.out, path)
	}
	return err
}

// ownPath is where this program lies, for verbs with --program.
func ownPath() (string, error) {
	path, err := os.Executable()
	if err != nil { // as where there is no /proc
		return "", fmt.Errorf("where this program lies cannot be told (%w): name it with --program", err)
	}
	return path, nil
}
