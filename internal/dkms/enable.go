package dkms

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mkbtf/emit"
	"mkbtf/internal/lazy"
)

// validProgram is a path that the shell takes for one word wherever it stands.
var validProgram = lazy.Regexp(`^/[A-Za-z0-9._+/@%,:=-]+$`)

// Enable makes DKMS run the hook when it builds the packages. changed are those
// whose file in /etc/dkms is another one now; whatever else is in it stays. warn is
// told of what keeps the hook from running.
func (s System) Enable(names []string, h Hook, warn func(string)) (changed []string, err error) {
	if !validProgram().MatchString(h.Program) {
		return nil, fmt.Errorf("%s: the shell would not take this path of mkbtf for one word: put it somewhere else", h.Program)
	}
	known, err := s.names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		path, err := s.configFile(name)
		if err != nil {
			return changed, err
		}
		old, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return changed, err
		}
		if err == nil && old == nil {
			old = []byte{}
		}
		data, err := h.insert(old)
		if err != nil {
			return changed, fmt.Errorf("%s: %w", path, err)
		}
		if !slices.Contains(known, name) {
			warn(fmt.Sprintf("%s: DKMS does not know this package yet", name))
		}
		s.warnOverridden(name, warn)
		if old != nil && bytes.Equal(old, data) {
			continue
		}
		if err := os.MkdirAll(s.etc(), 0o755); err != nil {
			return changed, err
		}
		if err := replace(path, data); err != nil {
			return changed, err
		}
		changed = append(changed, name)
	}
	return changed, nil
}

// Disable undoes Enable: a file that it made goes, others get back the bytes that
// they had. changed are the packages whose file had the hook.
func (s System) Disable(names []string) (changed []string, err error) {
	for _, name := range names {
		path, err := s.configFile(name)
		if err != nil {
			return changed, err
		}
		old, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return changed, err
		}
		rest, found, gone, err := remove(old)
		switch {
		case err != nil:
			return changed, fmt.Errorf("%s: %w", path, err)
		case !found:
			continue
		case gone:
			err = os.Remove(path)
		default:
			err = replace(path, rest)
		}
		if err != nil {
			return changed, err
		}
		changed = append(changed, name)
	}
	return changed, nil
}

// Known are the packages that DKMS knows, Enabled those whose file in /etc/dkms has
// the hook; known or not.
func (s System) Known() ([]string, error) { return s.names() }

// Enabled lists the packages for which the hook is enabled.
func (s System) Enabled() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(s.etc(), "*.conf"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		if b, err := findBlock(data); b != nil || err != nil {
			names = append(names, strings.TrimSuffix(filepath.Base(f), ".conf"))
		}
	}
	return names, nil
}

var setsMake = lazy.Regexp(`(?m)^\s*MAKE\b`)

// warnOverridden warns of more specific files, which DKMS reads later, with a build
// command of their own.
func (s System) warnOverridden(name string, warn func(string)) {
	files, _ := filepath.Glob(filepath.Join(s.etc(), name+"-*.conf"))
	for _, f := range files {
		if data, err := os.ReadFile(f); err == nil && setsMake().Match(data) {
			warn(fmt.Sprintf("%s: sets MAKE, and DKMS reads it last: mkbtf will not run where it applies", f))
		}
	}
}

func replace(path string, data []byte) error {
	_, err := emit.ReplaceFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}, emit.ReplaceOptions{Perm: 0o644})
	return err
}
