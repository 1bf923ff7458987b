package kernels

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// root is the root directory of a system, which need not be the one that runs.
// Symbolic links in it, absolute ones too, lead to what they would lead to if it ran.
type root string

// mostLinks bounds how many symbolic links a path may lead through, as the kernel
// does (MAXSYMLINKS).
const mostLinks = 40

// here reports whether it is the root of the system that runs.
func (r root) here() bool { return r == "" || filepath.Clean(string(r)) == "/" }

var errLinks = errors.New("too many symbolic links")

// resolve returns the real path of a path below the root, following links.
func (r root) resolve(name string) (string, error) {
	if r.here() {
		return filepath.EvalSymlinks(name)
	}
	left := mostLinks
	at := "/" // below the root; no links in it
	rest := name
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(strings.TrimLeft(rest, "/"), "/")
		if part == "" || part == "." {
			continue
		}
		next := path.Join(at, part) // above the root is the root
		st, err := os.Lstat(r.path(next))
		if err != nil {
			return "", err
		}
		if st.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if left--; left < 0 {
			return "", &fs.PathError{Op: "open", Path: r.path(name), Err: errLinks}
		}
		to, err := os.Readlink(r.path(next))
		if err != nil {
			return "", err
		}
		if path.IsAbs(to) {
			at = "/"
		}
		rest = to + "/" + rest
	}
	return r.path(at), nil
}

// path is the path below the root as seen from outside.
func (r root) path(name string) string { return filepath.Join(string(r), name) }

// expand lists the paths below the root that a pattern with stars stands for, in
// alphabetical order; a pattern without stars stands for itself whether it exists or
// not.
func (r root) expand(pattern string) []string {
	if !strings.ContainsAny(pattern, "*[") {
		return []string{pattern}
	}
	list := []string{"/"}
	for part := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		var next []string
		for _, dir := range list {
			if !strings.ContainsAny(part, "*[") {
				next = append(next, path.Join(dir, part))
				continue
			}
			real, err := r.resolve(dir)
			if err != nil {
				continue
			}
			entries, err := os.ReadDir(real)
			if err != nil {
				continue
			}
			for _, e := range entries {
				if ok, _ := path.Match(part, e.Name()); ok {
					next = append(next, path.Join(dir, e.Name()))
				}
			}
		}
		list = next
	}
	return list
}
