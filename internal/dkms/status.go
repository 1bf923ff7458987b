package dkms

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"mkbtf/internal/check"
	"mkbtf/internal/compress"
	"mkbtf/internal/kernels"
)

// State says what the BTF of one module is that DKMS has built.
type State struct {
	Package string `json:"package"`
	Version string `json:"version,omitempty"`
	Enabled bool   `json:"enabled"` // the hook is in /etc/dkms
	// The rest is missing if nothing is built.
	Kernel string `json:"kernel,omitempty"`
	Arch   string `json:"arch,omitempty"`
	Module string `json:"module,omitempty"`
	Form   string `json:"form,omitempty"` // split, distilled, self-contained or none
	// Outcome is what the kernel does with it: loads, refused, garbage, ignored or
	// none; unknown if the kernel's BTF is not at hand, and Reason says why.
	Outcome string   `json:"outcome,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Advice  []string `json:"advice,omitempty"`
}

const unknown = "unknown"

// Status looks at what DKMS has built of some packages, or of all, and asks package
// check what the kernels will do with it. mismatch says that one will not take the
// BTF of a module.
func (s System) Status(names []string, jobs int) (states []State, mismatch bool, err error) {
	builds, err := s.builds(names)
	if err != nil {
		return nil, false, err
	}
	enabled, err := s.Enabled()
	if err != nil {
		return nil, false, err
	}
	for _, name := range names {
		if !slices.ContainsFunc(builds, func(b Build) bool { return b.Name == name }) {
			if !slices.Contains(enabled, name) {
				return nil, false, fmt.Errorf("%s: DKMS knows no such package", name)
			}
			builds = append(builds, Build{Name: name})
		}
	}
	loaded := map[string]*target{}
	for i := range builds {
		b := &builds[i]
		first := State{Package: b.Name, Version: b.Version, Enabled: slices.Contains(enabled, b.Name)}
		if b.Kernel == "" {
			states = append(states, first)
			continue
		}
		first.Kernel, first.Arch = b.Kernel, b.Arch
		t := loaded[b.Kernel]
		if t == nil {
			t = s.target(b.Kernel)
			loaded[b.Kernel] = t
		}
		list, bad := t.look(b.Modules, first, jobs)
		states, mismatch = append(states, list...), mismatch || bad
	}
	return states, mismatch, nil
}

// target is a kernel to check against, or why there is none.
type target struct {
	kernel *check.Kernel
	err    error
}

func (s System) target(release string) *target {
	root, err := filepath.Abs(s.path(""))
	if err != nil {
		return &target{err: err}
	}
	found, err := kernels.Find(kernels.Options{Release: release, Sysroot: root})
	if err != nil {
		return &target{err: err}
	}
	k, err := check.NewKernel(found.Path, found.Data)
	if err != nil {
		return &target{err: err}
	}
	k.Name, k.Release, k.Mismatch = release, release, check.MismatchConfig(release, root)
	return &target{kernel: k}
}

// look fills in what is known of modules.
func (t *target) look(modules []string, first State, jobs int) (states []State, mismatch bool) {
	var against []*check.Kernel
	if t.kernel != nil {
		against = append(against, t.kernel)
	}
	byFile := map[string]State{}
	check.Run(modules, against, check.Options{Jobs: jobs}, func(file string, vs []*check.Verdict, err error) {
		s := first
		s.Module = strings.TrimSuffix(compress.PlainName(filepath.Base(file)), ".ko")
		switch {
		case err != nil:
			s.Outcome, s.Reason = unknown, err.Error()
		case len(vs) == 0:
			s.Outcome, s.Reason = unknown, t.err.Error()
			if m, err := check.LoadModule(file); err == nil {
				s.Form = m.Form()
			}
		default:
			v := vs[0]
			s.Form, s.Outcome, s.Advice = v.Form, string(v.Outcome), v.Advice
			s.Reason = v.Message
			if len(v.Reasons) > 0 {
				s.Reason = strings.Join(v.Reasons, "; ")
			}
			mismatch = mismatch || v.Mismatch()
		}
		byFile[file] = s
	})
	for _, m := range modules {
		states = append(states, byFile[m])
	}
	return states, mismatch
}

// WriteStatus writes states as a table.
func WriteStatus(w io.Writer, states []State) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "PACKAGE\tHOOK\tKERNEL\tMODULE\tBTF\tTHE KERNEL")
	for i := range states {
		s := &states[i]
		hook := "off"
		if s.Enabled {
			hook = "on"
		}
		name := strings.TrimSuffix(s.Package+"/"+s.Version, "/")
		if s.Kernel == "" {
			fmt.Fprintf(tw, "%s\t%s\t-\t-\t-\tnot built\n", name, hook)
			continue
		}
		form := s.Form
		if form == "" {
			form = unknown
		}
		verdict := s.Outcome
		switch s.Outcome {
		case string(check.Loads):
			verdict = "takes it"
		case string(check.None):
			verdict = "has nothing to take"
		}
		if s.Reason != "" {
			verdict += ": " + s.Reason
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", name, hook, s.Kernel, s.Module, form, verdict)
	}
	return tw.Flush()
}
