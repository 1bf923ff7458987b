//go:build !linux

package emit

import (
	"io/fs"
	"os"
)

// temp is a file with a hidden name that is to take the place of another.
type temp struct{ file *os.File }

func newTemp(dir, base string) (*temp, error) {
	f, err := os.CreateTemp(dir, "."+base+".*.tmp")
	if err != nil {
		return nil, err
	}
	return &temp{f}, nil
}

func (t *temp) discard() {
	if t.file != nil {
		t.file.Close()
		os.Remove(t.file.Name())
		t.file = nil
	}
}

func (t *temp) commit(path string, sync bool) error {
	if sync {
		if err := t.file.Sync(); err != nil {
			return err
		}
	}
	if err := t.file.Close(); err != nil {
		return err
	}
	if err := os.Rename(t.file.Name(), path); err != nil {
		return err
	}
	t.file = nil
	return nil
}

// copyAttributes keeps the mode; owners and extended attributes are the matter of
// Linux.
func copyAttributes(to, _ *os.File, st fs.FileInfo) error { return to.Chmod(st.Mode().Perm()) }

func umask() fs.FileMode { return 0o022 }
