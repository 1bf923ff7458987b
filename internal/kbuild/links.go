package kbuild

import (
	"fmt"
	"os"
	"path/filepath"
)

// LinkNames are the names under which the kernel's build calls this program.
var LinkNames = []string{"pahole", "resolve_btfids"}

// Links creates symbolic links of those names to program in a directory, which is
// made if need be. What lies there under these names and is no symbolic link is an
// error and stays. It returns the paths of the links.
func Links(dir, program string) ([]string, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	var made []string
	for _, name := range LinkNames {
		path := filepath.Join(dir, name)
		if st, err := os.Lstat(path); err == nil {
			if st.Mode()&os.ModeSymlink == 0 {
				return made, fmt.Errorf("%s: is there and no symbolic link: choose a directory of its own", path)
			}
			if to, err := os.Readlink(path); err == nil && to == program {
				made = append(made, path)
				continue
			}
			if err := os.Remove(path); err != nil {
				return made, err
			}
		}
		if err := os.Symlink(program, path); err != nil {
			return made, err
		}
		made = append(made, path)
	}
	return made, nil
}
