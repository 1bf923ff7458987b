package kernels

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mkbtf/btf"
	"mkbtf/internal/object"
)

// Options say which kernel to look for and where.
type Options struct {
	// Release is what uname -r says when the kernel runs. It may be empty if
	// KernelDir is given, whose release is taken then.
	Release string
	// Sysroot is the root directory of the system that the kernel is installed in; ""
	// or "/" is this one.
	Sysroot string
	// KernelDir is a kernel's build tree that is looked at first; "" none. It does not
	// lie below Sysroot. A vmlinux of another release in it is an error.
	KernelDir string
}

// Found is the BTF of a kernel.
type Found struct {
	Path    string // of the file it is in
	Release string
	How     string          // "build tree", "debug vmlinux", "boot image" or "running kernel"
	Data    *object.BTFData // the BTF
	Blob    *btf.Blob       // the same, parsed
	Tried   []Attempt       // what came before it and was not taken
}

// String says in one line which file was taken, for messages.
func (f *Found) String() string {
	return fmt.Sprintf("BTF of kernel %s from %s (%s: %s)", f.Release, f.Path, f.How, f.Data.From)
}

// Find looks for the BTF of a kernel: in its build tree, its debug vmlinux, its boot
// image, and in sysfs if it is the running one. What it takes is of the release that
// was asked for: a file that says otherwise is passed over. A file that does not say
// what it is counts if its path has the release. *NotFoundError if there is none.
func Find(opts Options) (*Found, error) {
	f := finder{Options: opts, running: object.RunningRelease(), sysfs: sysfsBTF}
	return f.find()
}

type finder struct {
	Options
	running string
	sysfs   string
	tried   []Attempt
	seen    map[string]bool // real paths
	last    *Found          // taken if there is nothing better
}

func (f *finder) find() (*Found, error) {
	if f.KernelDir != "" {
		if f.Release == "" {
			if f.Release = treeRelease(f.KernelDir); f.Release == "" {
				return nil, fmt.Errorf("%s: no include/config/kernel.release in it: not a kernel's build tree, or not built", f.KernelDir)
			}
		}
		path := filepath.Join(f.KernelDir, "vmlinux")
		found, err := f.try(buildTree, path, path)
		if err != nil || found != nil {
			return found, err
		}
	}
	if strings.ContainsAny(f.Release, "/*?[\\") || strings.Trim(f.Release, ".") == "" {
		return nil, fmt.Errorf("%q is not the release of a kernel", f.Release)
	}
	r := root(f.Sysroot)
	if st, err := os.Stat(string(r)); r != "" && (err != nil || !st.IsDir()) {
		return nil, fmt.Errorf("%s: no directory in which a system could lie", r)
	}
	for _, p := range places {
		for _, name := range r.expand(strings.ReplaceAll(p.path, "{}", f.Release)) {
			if found, err := f.tryBelow(r, p.kind, name); err != nil || found != nil {
				return found, err
			}
		}
	}
	running := r.here() && f.running == f.Release
	if running {
		if found, err := f.try(sysfs, f.sysfs, f.sysfs); err != nil || found != nil {
			return found, err
		}
	}
	if f.last != nil {
		f.last.Tried = f.tried
		return f.last, nil
	}
	return nil, &NotFoundError{f.Release, f.Sysroot, f.KernelDir, running, f.tried}
}

func (f *finder) tryBelow(r root, k kind, name string) (*Found, error) {
	real, err := r.resolve(name)
	if err != nil {
		return nil, nil // most places do not exist
	}
	if f.seen[real] {
		return nil, nil
	}
	if f.seen == nil {
		f.seen = make(map[string]bool)
	}
	f.seen[real] = true
	if r.here() {
		return f.try(k, real, name)
	}
	return f.try(k, real, real)
}

// try looks into a file, whose path is real, and for which messages have another. It
// returns nil if that does not exist or is not taken.
func (f *finder) try(k kind, real, path string) (*Found, error) {
	st, err := os.Stat(real)
	if errors.Is(err, fs.ErrNotExist) || err == nil && st.IsDir() {
		return nil, nil
	}
	data, err := object.LoadBTF(real)
	var blob *btf.Blob
	if err == nil {
		if blob, err = btf.Parse(data.BTF, nil); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}
	if err != nil {
		if k != anyKernel {
			f.tried = append(f.tried, Attempt{path, err})
		}
		return nil, nil
	}
	release := data.Release
	byHand := false
	switch {
	case k == sysfs:
		release = f.running
	case k == buildTree:
		// A vmlinux that holds nothing but BTF has no banner; the tree knows. Raw BTF
		// somebody has copied there, often from the kernel that ran.
		byHand = release == "" && object.FormatBTF.String() == data.From
		if tree := treeRelease(filepath.Dir(path)); release == "" {
			release = tree
		}
	}
	if release == "" && k != anyKernel {
		release = f.Release // as the path says
	}
	if release != f.Release {
		err := &ReleaseError{path, f.Release, release}
		if k == buildTree && f.KernelDir != "" && path == filepath.Join(f.KernelDir, "vmlinux") {
			return nil, err
		}
		if k != anyKernel {
			f.tried = append(f.tried, Attempt{path, err})
		}
		return nil, nil
	}
	data.Release = release
	found := &Found{path, release, k.String(), data, blob, f.tried}
	if byHand && f.KernelDir == "" {
		if f.last == nil {
			f.last = found
		}
		return nil, nil
	}
	return found, nil
}

// treeRelease is the release of the kernel that a build tree makes, "" if the tree
// does not tell.
func treeRelease(dir string) string {
	if b, err := os.ReadFile(filepath.Join(dir, "include/config/kernel.release")); err == nil {
		return string(bytes.TrimSpace(b))
	}
	b, err := os.ReadFile(filepath.Join(dir, "include/generated/utsrelease.h"))
	if err != nil {
		return ""
	}
	_, rest, _ := bytes.Cut(b, []byte(`#define UTS_RELEASE "`))
	release, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(release)
}
