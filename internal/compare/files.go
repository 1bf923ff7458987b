package compare

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mkbtf/internal/check"
	"mkbtf/internal/compress"
)

// Files are modules, and separate debug files that lie among them.
type Files struct {
	Modules []string // sorted, each once
	// debug lists the separate debug files by the name of the module's file, x.ko.
	debug map[string][]string
}

// debugSuffix is what distributions put behind the name of a module for its separate
// debug file.
const debugSuffix = ".debug"

// Find turns paths into modules: files as they are, directories into all modules below
// them, names into the module that modprobe would take. Separate debug files
// (x.ko.debug) are no modules of their own.
func Find(paths []string, lookup check.Lookup) (*Files, error) {
	found := &Files{debug: map[string][]string{}}
	for _, path := range paths {
		if strings.HasSuffix(path, debugSuffix) {
			if _, err := os.Stat(path); err != nil {
				return nil, err
			}
			found.addDebug(path)
			continue
		}
		before := len(found.debug)
		if err := found.addDebugBelow(path); err != nil {
			return nil, err
		}
		modules, err := lookup.Expand([]string{path})
		if err != nil && len(found.debug) == before {
			return nil, err // a tree of debug files alone is one of the modules' that are elsewhere
		}
		found.Modules = append(found.Modules, modules...)
	}
	slices.Sort(found.Modules)
	found.Modules = slices.Compact(found.Modules)
	if len(found.Modules) == 0 {
		return nil, fmt.Errorf("%s: only separate debug files: name the modules, too", strings.Join(paths, ", "))
	}
	return found, nil
}

func (f *Files) addDebug(path string) {
	name := strings.TrimSuffix(filepath.Base(path), debugSuffix)
	f.debug[name] = append(f.debug[name], path)
}

// addDebugBelow adds the separate debug files in a directory.
func (f *Files) addDebugBelow(dir string) error {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil // it is no directory, and what it is tells whoever opens it
	}
	if st, err := os.Stat(root); err != nil || !st.IsDir() {
		return nil
	}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".ko"+debugSuffix) {
			f.addDebug(path)
		}
		return err
	})
}

// debugFor lists what can be the debug file of a module.
func (f *Files) debugFor(module string) []string {
	return f.debug[compress.PlainName(filepath.Base(module))]
}
