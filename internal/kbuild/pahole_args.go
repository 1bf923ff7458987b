package kbuild

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// ErrUsage is a command line that pahole would not take either.
var ErrUsage = errors.New("wrong use")

// Pahole is a command line of pahole, as far as the kernel's build uses it.
type Pahole struct {
	// What to do. Without any of these the command line is one of pahole's many
	// other uses, which this program has not.
	Encode                                     bool // -J, --btf_encode, or --btf_encode_detached
	Version, NumericVersion, SupportedFeatures bool

	File     string   // the ELF file
	Base     string   // --btf_base: the kernel's BTF, "" none
	Detached string   // --btf_encode_detached: write raw BTF here and leave File alone
	Jobs     int      // -j: at most so many, 0 as many as there are processors; 1 without -j
	Features []string // in pahole's order
	// LangExclude is the list of --lang_exclude, or of PAHOLE_LANG_EXCLUDE.
	LangExclude string
	// KABIPrefix is taken for the whole of each name that starts with it: RHEL's kernels
	// number the members that they hide, which would keep equal types apart.
	KABIPrefix string
	Verbose    bool // -V

	// Ignored are options that are not known. The kernel's build chooses options by
	// the version of pahole that the kernel was built with, so that newer ones can
	// come; they have been about more BTF, never about other BTF.
	Ignored []string
	// UnknownFeatures are ignored as pahole does.
	UnknownFeatures []string
}

// argument says whether an option takes one.
type argument uint8

const (
	noArgument argument = iota
	anArgument
	optionalArgument // only after an equals sign, or joined to the letter
)

// paholeOption is one that is known; letter is 0 if it has none. The usage has the
// name of its argument in backquotes.
type paholeOption struct {
	name     string
	letter   byte
	argument argument
	usage    string
}

// paholeOptions are those that are known; those of featureSwitches besides.
var paholeOptions = []paholeOption{
	{"btf_encode", 'J', noArgument, "encode BTF into ELF"},
	{"btf_encode_detached", 0, anArgument, "write raw BTF to `FILE` and leave ELF alone"},
	{"btf_base", 0, anArgument, "take `BASE` for the kernel's BTF: any file with BTF in it"},
	{"btf_features", 0, anArgument, "encode with these `FEATURES`; lists add up, \"+\" and \"default\" stand for pahole's default"},
	{"btf_features_strict", 0, anArgument, "likewise, but fail if one of these `FEATURES` is not known"},
	{"jobs", 'j', optionalArgument, "use `N` processors, without N all"},
	{"kabi_prefix", 0, anArgument, "take `NAME` for the whole of each name that starts with it, as kernels derived from RHEL's need it"},
	{"lang_exclude", 0, anArgument, "skip units in these `LANGUAGES`; C++, Rust and assembly are skipped in any case"},
	{"numeric_version", 0, noArgument, "print the version as a number, such as 130"},
	{"supported_btf_features", 0, noArgument, "print the features that are known"},
	{"verbose", 'V', noArgument, "explain each decision"},
	{"version", 0, noArgument, "print the version of pahole that this one stands for"},
	// known for their arguments' sake
	{"cu_exclude", 'X', anArgument, ""},
	{"hashbits", 0, anArgument, ""},
	{"lang", 0, anArgument, ""},
}

// PaholeFlags defines the options of pahole that are known in f, for help and
// completion; they are parsed by ParsePahole. The switches of pahole before 1.26 are not
// among them.
func PaholeFlags(f *pflag.FlagSet) {
	for _, o := range paholeOptions {
		if o.usage == "" {
			continue
		}
		letter := ""
		if o.letter != 0 {
			letter = string(o.letter)
		}
		if o.argument == noArgument {
			f.BoolP(o.name, letter, false, o.usage)
			continue
		}
		f.StringP(o.name, letter, "", o.usage)
		if o.argument == optionalArgument {
			f.Lookup(o.name).NoOptDefVal = " "
		}
	}
}

// paholeParser collects what the options say.
type paholeParser struct {
	p        *Pahole
	features *featureSet
	files    []string
}

// ParsePahole reads a command line of pahole. langExclude is the environment's
// PAHOLE_LANG_EXCLUDE. An error matches ErrUsage.
func ParsePahole(args []string, langExclude string) (*Pahole, error) {
	s := paholeParser{p: &Pahole{Jobs: 1}, features: newFeatureSet()}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		var err error
		switch {
		case arg == "--":
			s.files = append(s.files, args...)
			args = nil
		case strings.HasPrefix(arg, "--"):
			args, err = s.long(arg[2:], args)
		case len(arg) > 1 && arg[0] == '-':
			err = s.short(arg[1:])
		default:
			s.files = append(s.files, arg)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUsage, err)
		}
	}
	p := s.p
	p.Features = s.features.names()
	if p.LangExclude == "" {
		p.LangExclude = langExclude
	}
	if p.Version || p.NumericVersion || p.SupportedFeatures {
		return p, nil
	}
	switch {
	case !p.Encode:
		return nil, fmt.Errorf("%w: no -J: of all that pahole does, only encoding BTF is here", ErrUsage)
	case len(s.files) != 1:
		return nil, fmt.Errorf("%w: %d files, want one ELF file", ErrUsage, len(s.files))
	}
	p.File = s.files[0]
	return p, nil
}

// long reads an option with a name, without its dashes. It returns the arguments
// that are left.
func (s *paholeParser) long(arg string, rest []string) ([]string, error) {
	name, value, joined := strings.Cut(arg, "=")
	if sw, ok := featureSwitches[name]; ok {
		s.features.on[sw.feature] = sw.on
		return rest, nil
	}
	for _, o := range paholeOptions {
		if o.name != name {
			continue
		}
		switch {
		case o.argument == noArgument && joined:
			return nil, fmt.Errorf("--%s takes no argument", name)
		case o.argument == anArgument && !joined && len(rest) == 0:
			return nil, fmt.Errorf("--%s wants an argument", name)
		case o.argument == anArgument && !joined:
			value, rest = rest[0], rest[1:]
		}
		return rest, s.apply(name, value)
	}
	s.p.Ignored = append(s.p.Ignored, "--"+name)
	return rest, nil
}

// short reads letters, without their dash.
func (s *paholeParser) short(letters string) error {
	for letters != "" {
		c := letters[0]
		letters = letters[1:]
		i := slices.IndexFunc(paholeOptions, func(o paholeOption) bool { return o.letter == c })
		if i < 0 {
			return fmt.Errorf("-%c is not known", c)
		}
		value := ""
		if paholeOptions[i].argument != noArgument {
			value, letters = letters, ""
		}
		if err := s.apply(paholeOptions[i].name, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *paholeParser) apply(name, value string) error {
	p := s.p
	switch name {
	case "btf_encode":
		p.Encode = true
	case "btf_encode_detached":
		p.Encode, p.Detached = true, value
	case "btf_base":
		p.Base = value
	case "btf_features":
		p.UnknownFeatures = append(p.UnknownFeatures, s.features.list(value)...)
	case "btf_features_strict":
		if unknown := s.features.list(value); len(unknown) > 0 {
			return fmt.Errorf("--btf_features_strict: %s: not known", strings.Join(unknown, ","))
		}
	case "cu_exclude", "lang":
		return fmt.Errorf("--%s: of units only --lang_exclude selects here", name)
	case "hashbits":
		// the size of a table that is not here
	case "kabi_prefix":
		p.KABIPrefix = value
	case "jobs":
		n := 0
		if value != "" {
			var err error
			if n, err = strconv.Atoi(value); err != nil || n < 0 {
				return fmt.Errorf("-j %q: want a number", value)
			}
		}
		p.Jobs = n
	case "lang_exclude":
		p.LangExclude = value
	case "numeric_version":
		p.NumericVersion = true
	case "supported_btf_features":
		p.SupportedFeatures = true
	case "verbose":
		p.Verbose = true
	case "version":
		p.Version = true
	}
	return nil
}
