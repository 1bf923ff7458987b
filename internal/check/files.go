package check

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mkbtf/internal/compress"
)

// Lookup says where modules are found that are given by name.
type Lookup struct {
	Release string // of the kernel whose modules they are
	Sysroot string // root directory of the system; "" is this one
}

// Expand turns what a user names into module files: files as they are, directories
// into all modules below them, and names such as nf_tables into the module that
// modprobe would take, from the modules.dep of a kernel.
func (l Lookup) Expand(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		st, err := os.Stat(arg)
		switch {
		case err == nil && st.IsDir():
			below, err := modulesBelow(arg)
			if err != nil {
				return nil, err
			}
			files = append(files, below...)
		case err == nil || !errors.Is(err, fs.ErrNotExist) || !isName(arg):
			files = append(files, arg) // opening it says what is wrong
		default:
			file, err := l.find(arg)
			if err != nil {
				return nil, err
			}
			files = append(files, file)
		}
	}
	return files, nil
}

// isName reports whether something can be the name of a module, not of a file.
func isName(arg string) bool { return !strings.ContainsAny(arg, "/.") }

func isModule(name string) bool { return strings.HasSuffix(compress.PlainName(name), ".ko") }

func modulesBelow(dir string) ([]string, error) {
	var files []string
	// A link to a directory is what distributions have; WalkDir does not follow it.
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && isModule(d.Name()) {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			files = append(files, filepath.Join(dir, rel))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no modules in this directory", dir)
	}
	slices.Sort(files)
	return files, nil
}

// find looks a module up in modules.dep, taking - and _ for the same as modprobe
// does.
func (l Lookup) find(name string) (string, error) {
	if l.Release == "" {
		return "", fmt.Errorf("%s: no such file, and without --kernel it is not known whose module of that name is meant", name)
	}
	if strings.ContainsAny(l.Release, "/\x00") || strings.Trim(l.Release, ".") == "" {
		return "", fmt.Errorf("%q is not the release of a kernel", l.Release)
	}
	var tried []string
	for _, lib := range []string{"lib/modules", "usr/lib/modules"} {
		dir := filepath.Join(cmp.Or(l.Sysroot, "/"), lib, l.Release)
		dep, err := os.ReadFile(filepath.Join(dir, "modules.dep"))
		if errors.Is(err, fs.ErrNotExist) {
			tried = append(tried, dir)
			continue
		}
		if err != nil {
			return "", err
		}
		for line := range bytes.Lines(dep) {
			path, _, ok := strings.Cut(string(line), ":")
			if !ok {
				continue
			}
			base := strings.TrimSuffix(compress.PlainName(filepath.Base(path)), ".ko")
			if normal(base) != normal(name) {
				continue
			}
			if filepath.IsAbs(path) {
				return filepath.Join(cmp.Or(l.Sysroot, "/"), path), nil
			}
			return filepath.Join(dir, path), nil
		}
		return "", fmt.Errorf("%s: no such file, and no module of that name in %s", name, dir)
	}
	return "", fmt.Errorf("%s: no such file, and no modules.dep in %s", name, strings.Join(tried, " or "))
}

func normal(name string) string { return strings.ReplaceAll(name, "-", "_") }

// MismatchConfig looks up CONFIG_MODULE_ALLOW_BTF_MISMATCH in the configuration that
// distributions install beside a kernel.
func MismatchConfig(release, sysroot string) Config {
	if release == "" || strings.ContainsAny(release, "/\x00") {
		return Unknown
	}
	for _, path := range []string{"boot/config-" + release, "lib/modules/" + release + "/config", "usr/lib/modules/" + release + "/config", "lib/modules/" + release + "/build/.config"} {
		f, err := os.Open(filepath.Join(cmp.Or(sysroot, "/"), path))
		if err != nil {
			continue
		}
		c := readConfig(bufio.NewScanner(f))
		f.Close()
		if c != Unknown {
			return c
		}
	}
	return Unknown
}

func readConfig(s *bufio.Scanner) Config {
	modules := false
	for s.Scan() {
		switch s.Text() {
		case "CONFIG_MODULE_ALLOW_BTF_MISMATCH=y":
			return Yes
		case "CONFIG_DEBUG_INFO_BTF_MODULES=y":
			modules = true
		}
	}
	if modules && s.Err() == nil {
		return No
	}
	return Unknown
}
