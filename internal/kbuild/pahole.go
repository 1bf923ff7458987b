package kbuild

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"mkbtf/dwarf2btf"
	"mkbtf/internal/encode"
	"mkbtf/internal/jobserver"
)

// PaholeEnv is what the environment says and what is told while pahole's place is
// taken.
type PaholeEnv struct {
	Form    string // MKBTF_FORM
	Version string // MKBTF_PAHOLE_VERSION
	Objtree string // objtree, of the kernel's build
	Warn    func(message string)
}

// Run does what the command line says. Unlike pahole's, an error always shows.
func (p *Pahole) Run(env PaholeEnv, stdout io.Writer) error {
	switch {
	case p.Version, p.NumericVersion:
		v, err := PaholeVersion(env.Version, env.Objtree)
		if err != nil {
			return err
		}
		text := FormatPaholeVersion(v)
		if p.NumericVersion {
			text = fmt.Sprint(v)
		}
		_, err = fmt.Fprintln(stdout, text)
		return err
	case p.SupportedFeatures:
		_, err := fmt.Fprintln(stdout, strings.Join(encode.FeatureNames(), ","))
		return err
	}
	opts, err := p.options(env)
	if err != nil {
		return err
	}
	tokens := jobserver.Acquire(p.Jobs)
	defer tokens.Release()
	opts.Jobs = tokens.Jobs
	err = encode.Files([]string{p.File}, *opts, stdout)[0]
	if errors.Is(err, dwarf2btf.ErrNoDWARF) && p.Detached == "" {
		// A module that is built without -g on purpose has never failed the build.
		env.Warn(fmt.Sprintf("%s: no BTF: %v", p.File, err))
		return nil
	}
	return err
}

// options are those of the encoder.
func (p *Pahole) options(env PaholeEnv) (*encode.Options, error) {
	for _, name := range p.Ignored {
		env.Warn(fmt.Sprintf("%s is not known and has no effect", name))
	}
	features, _ := encode.ParseFeatures([]string{strings.Join(p.Features, ",")})
	// What its callers do not agree on is no prototype to trace a function by.
	features.Consistent = true
	form, err := p.form(env.Form)
	if err != nil {
		return nil, err
	}
	features.DistilledBase = false // form has it
	opts := &encode.Options{
		Base: p.Base, Form: form, Features: &features,
		Detached: p.Detached != "", Out: p.Detached, WriteEmpty: p.Detached != "", LeaveIDs: true,
		ExcludeLanguages: dwarf2btf.DefaultExcluded(), NamePrefix: p.KABIPrefix,
		Warn: func(file, message string) { env.Warn(strings.TrimPrefix(file+": "+message, ": ")) },
	}
	if p.Verbose {
		opts.Note = opts.Warn
		for _, name := range p.UnknownFeatures {
			opts.Note("", fmt.Sprintf("feature %s is not known and has no effect", name))
		}
	}
	for name := range strings.SplitSeq(p.LangExclude, ",") {
		codes, err := encode.ParseLanguages(name)
		if err != nil {
			env.Warn(err.Error())
		}
		opts.ExcludeLanguages = append(opts.ExcludeLanguages, codes...)
	}
	return opts, nil
}

// form is what is asked for: by MKBTF_FORM, else by the options as pahole does.
//
// Without a base there is only one: BTF of a kernel, or of a module that needs none.
// Detached BTF over a base is split BTF whatever is asked for, since resolve_btfids
// reads it next and makes the form of it.
func (p *Pahole) form(wanted string) (encode.Form, error) {
	form := encode.Split
	if wanted != "" {
		var err error
		if form, err = encode.ParseForm(wanted); err != nil {
			return 0, fmt.Errorf("MKBTF_FORM: %w", err)
		}
	}
	switch {
	case p.Base == "":
		return encode.SelfContained, nil
	case p.Detached != "":
		return encode.Split, nil
	case wanted == "" && slices.Contains(p.Features, "distilled_base"):
		return encode.Distilled, nil
	}
	return form, nil
}
