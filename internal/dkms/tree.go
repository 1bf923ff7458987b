package dkms

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mkbtf/internal/compress"
	"mkbtf/internal/lazy"
)

// System is a system with DKMS.
type System struct {
	Root string // its root directory; "" is this one
}

func (s System) path(name string) string { return filepath.Join(cmp.Or(s.Root, "/"), name) }

// etc is where DKMS looks for what the administrator wants to be different.
func (s System) etc() string { return s.path("etc/dkms") }

// validName is what can be the name of a DKMS package: the shell reads it too.
var validName = lazy.Regexp(`^[A-Za-z0-9_+][A-Za-z0-9._+-]*$`)

// configFile is the file that DKMS reads after the dkms.conf of a package.
func (s System) configFile(name string) (string, error) {
	if !validName().MatchString(name) {
		return "", fmt.Errorf("%q is not the name of a DKMS package", name)
	}
	if name == "framework" {
		return "", errors.New("framework: its file in /etc/dkms is that of DKMS itself")
	}
	return filepath.Join(s.etc(), name+".conf"), nil
}

var treeSetting = lazy.Regexp(`^\s*dkms_tree=["']?([^"'\s#]+)`)

// tree is the directory of the packages that DKMS knows, /var/lib/dkms unless
// framework.conf says otherwise.
func (s System) tree() string {
	dir := "/var/lib/dkms"
	files, _ := filepath.Glob(filepath.Join(s.etc(), "framework.conf.d/*.conf"))
	for _, name := range slices.Concat([]string{filepath.Join(s.etc(), "framework.conf")}, files) {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		for sc := bufio.NewScanner(f); sc.Scan(); {
			if m := treeSetting().FindStringSubmatch(sc.Text()); m != nil {
				dir = m[1]
			}
		}
		f.Close()
	}
	return s.path(dir)
}

// A Build is what DKMS has built of one version of a package for one kernel.
type Build struct {
	Name, Version string // of the package
	Kernel, Arch  string // "" if nothing is built
	Modules       []string
}

// names lists the packages that DKMS knows.
func (s System) names() ([]string, error) {
	builds, err := s.builds(nil)
	var names []string
	for i := range builds {
		names = append(names, builds[i].Name)
	}
	return slices.Compact(names), err
}

// builds lists everything that DKMS knows of some packages, or of all: sorted, with
// one entry without a kernel for a version that is built for none.
func (s System) builds(names []string) ([]Build, error) {
	tree := s.tree()
	var list []Build
	packages, err := os.ReadDir(tree)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, p := range packages {
		if !p.IsDir() || len(names) > 0 && !slices.Contains(names, p.Name()) {
			continue
		}
		versions, err := os.ReadDir(filepath.Join(tree, p.Name()))
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			dir := filepath.Join(tree, p.Name(), v.Name())
			if _, err := os.Stat(filepath.Join(dir, "source")); !v.IsDir() || err != nil {
				continue // links to builds, modules that DKMS has put aside
			}
			built, err := builtOf(dir)
			if err != nil {
				return nil, err
			}
			for i := range built {
				built[i].Name, built[i].Version = p.Name(), v.Name()
			}
			list = append(list, built...)
		}
	}
	return list, nil
}

// builtOf lists what lies below a version of a package: KERNEL/ARCH/module/*.ko.
func builtOf(dir string) ([]Build, error) {
	dirs, err := filepath.Glob(filepath.Join(dir, "[0-9]*", "*", "module"))
	if err != nil {
		return nil, err
	}
	var built []Build
	for _, d := range dirs {
		arch := filepath.Dir(d)
		b := Build{Kernel: filepath.Base(filepath.Dir(arch)), Arch: filepath.Base(arch)}
		if b.Modules, err = modulesIn(d); err != nil {
			return nil, err
		}
		built = append(built, b)
	}
	if built == nil {
		built = []Build{{}}
	}
	return built, nil
}

// modulesIn lists the modules below a directory, sorted; directories that a link
// leads to are not entered.
func modulesIn(dir string) ([]string, error) {
	var modules []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && strings.HasSuffix(compress.PlainName(e.Name()), ".ko") {
			modules = append(modules, path)
		}
		return err
	})
	return modules, err
}
