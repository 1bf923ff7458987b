package kbuild

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"mkbtf/internal/encode"
)

// legacy are the features without --btf_features.
var legacy = []string{"var", "decl_tag", "type_tag", "enum64"}

// standard are those that kernels ask for since 6.10.
var standard = []string{"encode_force", "var", "float", "decl_tag", "type_tag", "enum64", "optimized_func", "consistent_func"}

func with(features []string, more ...string) []string {
	on := map[string]bool{}
	for _, f := range append(append([]string{}, features...), more...) {
		on[f] = true
	}
	return (&featureSet{on: on}).names()
}

func without(features []string, name string) []string {
	var rest []string
	for _, f := range features {
		if f != name {
			rest = append(rest, f)
		}
	}
	return rest
}

// TestParsePahole has the command lines that kernels from 5.15 to 7.3 use, as
// observed or as their scripts make them for some version of pahole.
func TestParsePahole(t *testing.T) {
	const features = "--btf_features=encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func"
	tests := []struct {
		name, args string
		env        string // PAHOLE_LANG_EXCLUDE
		want       Pahole
	}{
		{
			name: "5.15 vmlinux, pahole 1.19", args: "-J --skip_encoding_btf_vars .tmp_vmlinux.btf",
			want: Pahole{File: ".tmp_vmlinux.btf", Jobs: 1, Features: without(legacy, "var")},
		},
		{
			name: "5.15 module, pahole 1.24", args: "-J --btf_gen_floats --skip_encoding_btf_enum64 -j --btf_base vmlinux x.ko",
			want: Pahole{File: "x.ko", Base: "vmlinux", Features: without(with(legacy, "float"), "enum64")},
		},
		{
			name: "6.1 module, pahole 1.25", args: "-J --btf_gen_floats -j --lang_exclude=rust --skip_encoding_btf_inconsistent_proto --btf_gen_optimized --btf_base vmlinux x.ko",
			want: Pahole{File: "x.ko", Base: "vmlinux", LangExclude: "rust", Features: with(legacy, "float", "consistent_func", "optimized_func")},
		},
		{
			name: "6.12 of Debian 12, module", args: "-J --btf_gen_floats -j --lang_exclude=rust --btf_base vmlinux /src/x.ko",
			want: Pahole{File: "/src/x.ko", Base: "vmlinux", LangExclude: "rust", Features: with(legacy, "float")},
		},
		{
			name: "6.12 external module", args: "-J -j " + features + ",decl_tag_kfuncs --lang_exclude=rust --btf_features=distilled_base --btf_base vmlinux x.ko",
			want: Pahole{File: "x.ko", Base: "vmlinux", LangExclude: "rust", Features: with(standard, "decl_tag_kfuncs", "distilled_base")},
		},
		{
			name: "6.12 reproducible", args: "-J -j " + features + ",decl_tag_kfuncs -j --btf_features=+reproducible_build --lang_exclude=rust --btf_base vmlinux x.ko",
			want: Pahole{File: "x.ko", Base: "vmlinux", LangExclude: "rust", Features: with(standard, "decl_tag_kfuncs", "reproducible_build")},
		},
		{
			name: "6.18", args: "-J -j8 " + features + ",decl_tag_kfuncs --btf_features=attributes -j8 --lang_exclude=rust --btf_features=distilled_base --btf_base ./vmlinux x.ko",
			want: Pahole{File: "x.ko", Base: "./vmlinux", Jobs: 8, LangExclude: "rust", Features: with(standard, "decl_tag_kfuncs", "attributes", "distilled_base")},
		},
		{
			name: "7.2 module", args: "-J -j4 " + features + ",decl_tag_kfuncs --btf_features=attributes --btf_features=layout -j4 --lang_exclude=rust --btf_base vmlinux --btf_encode_detached=x.ko.BTF.1 x.ko",
			want: Pahole{File: "x.ko", Base: "vmlinux", Detached: "x.ko.BTF.1", Jobs: 4, LangExclude: "rust", Features: with(standard, "decl_tag_kfuncs", "attributes", "layout")},
		},
		{
			name: "7.3 vmlinux", args: "-J -j " + features + " --btf_features=layout -j --lang_exclude=rust --btf_encode_detached=.tmp_vmlinux1.BTF.1 .tmp_vmlinux1",
			want: Pahole{File: ".tmp_vmlinux1", Detached: ".tmp_vmlinux1.BTF.1", LangExclude: "rust", Features: with(standard, "layout")},
		},
		{
			name: "below a wrapper that puts languages first", args: "--lang_exclude=rust,c++ -J --btf_base vmlinux x.ko",
			want: Pahole{File: "x.ko", Base: "vmlinux", Jobs: 1, LangExclude: "rust,c++", Features: legacy},
		},
		{
			name: "languages of the environment", args: "-J x.ko", env: "c++14",
			want: Pahole{File: "x.ko", Jobs: 1, LangExclude: "c++14", Features: legacy},
		},
		{
			name: "the option goes before the environment", args: "-J --lang_exclude rust x.ko", env: "c++14",
			want: Pahole{File: "x.ko", Jobs: 1, LangExclude: "rust", Features: legacy},
		},
		{
			name: "default among others", args: "-J --btf_features=layout,default x.ko",
			want: Pahole{File: "x.ko", Jobs: 1, Features: with(standard, "decl_tag_kfuncs", "layout")},
		},
		{
			name: "an empty list switches all off", args: "-J --btf_features= x.ko",
			want: Pahole{File: "x.ko", Jobs: 1, Features: []string{}},
		},
		{
			name: "unknown features and options of a later pahole", args: "-J --btf_features=var,inline --frobnicate --colour=red x.ko",
			want: Pahole{File: "x.ko", Jobs: 1, Features: []string{"var"}, UnknownFeatures: []string{"inline"}, Ignored: []string{"--frobnicate", "--colour"}},
		},
		{
			name: "letters together, after the file, two dashes", args: "x.ko -VJj3 --",
			want: Pahole{File: "x.ko", Jobs: 3, Verbose: true, Features: legacy},
		},
		{
			name: "all that pahole up to 1.25 can", args: "-J --btf_gen_all x.ko",
			want: Pahole{File: "x.ko", Jobs: 1, Features: with(legacy, "float")},
		},
		{
			name: "of RHEL's kernels", args: "-J --kabi_prefix __UNIQUE_ID_rh_kabi_hide --hashbits=16 --btf_base vmlinux x.ko",
			want: Pahole{File: "x.ko", Base: "vmlinux", Jobs: 1, KABIPrefix: "__UNIQUE_ID_rh_kabi_hide", Features: legacy},
		},
		{
			name: "long -j", args: "-J --jobs=2 x.ko",
			want: Pahole{File: "x.ko", Jobs: 2, Features: legacy},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParsePahole(strings.Fields(tt.args), tt.env)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Encode = true
			if !reflect.DeepEqual(*got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", *got, tt.want)
			}
		})
	}
}

func TestParsePaholeErrors(t *testing.T) {
	for args, text := range map[string]string{
		"":                               "no -J",
		"x.ko":                           "no -J",
		"-J":                             "0 files",
		"-J a.ko b.ko":                   "2 files",
		"-J --btf_base":                  "--btf_base wants an argument",
		"-J --verbose=1 x.ko":            "--verbose takes no argument",
		"-J -jx y.ko":                    `-j "x"`,
		"-J --jobs=-1 y.ko":              `-j "-1"`,
		"-J -Q x.ko":                     "-Q is not known",
		"-J --lang c x.ko":               "--lang: ",
		"-J -Xdrivers x.ko":              "--cu_exclude: ",
		"-J --btf_features_strict=x a.o": "--btf_features_strict: x",
	} {
		_, err := ParsePahole(strings.Fields(args), "")
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: got error %v, want ErrUsage with %q", args, err, text)
		}
	}
}

func FuzzParsePahole(f *testing.F) {
	f.Add("-J --btf_gen_floats -j --lang_exclude=rust --btf_base vmlinux x.ko")
	f.Add("-j8 --btf_features=+layout,default -J --btf_encode_detached=x x.ko")
	f.Fuzz(func(t *testing.T, line string) {
		p, err := ParsePahole(strings.Fields(line), "")
		if err == nil && p.Encode && p.File == "" && !p.Version && !p.NumericVersion && !p.SupportedFeatures {
			t.Errorf("%q: encode what? %+v", line, p)
		}
	})
}

func TestForm(t *testing.T) {
	tests := []struct {
		name, args, env string
		want            encode.Form
	}{
		{"as pahole: split", "-J --btf_base v x.ko", "", encode.Split},
		{"as pahole: distilled", "-J --btf_features=distilled_base --btf_base v x.ko", "", encode.Distilled},
		{"wanted", "-J --btf_base v x.ko", "self-contained", encode.SelfContained},
		{"split though the kernel can more", "-J --btf_features=distilled_base --btf_base v x.ko", "split", encode.Split},
		{"auto", "-J --btf_base v x.ko", "auto", encode.Auto},
		{"no base, no choice", "-J vmlinux", "distilled", encode.SelfContained},
		{"resolve_btfids makes the form", "-J --btf_features=distilled_base --btf_base v --btf_encode_detached=o x.ko", "self-contained", encode.Split},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParsePahole(strings.Fields(tt.args), "")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := p.form(tt.env); err != nil || got != tt.want {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
	if _, err := (&Pahole{}).form("full"); err == nil || !strings.Contains(err.Error(), "MKBTF_FORM") {
		t.Errorf("got error %v", err)
	}
}

func TestPaholeVersion(t *testing.T) {
	kernel := func(file, text string) string {
		dir := t.TempDir()
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	tests := []struct {
		name, override, objtree string
		want                    string
	}{
		{"nothing known", "", t.TempDir(), "v1.30"},
		{"configured", "", kernel(".config", "CONFIG_X=y\nCONFIG_PAHOLE_VERSION=124\n"), "v1.24"},
		{"built", "", kernel("include/config/auto.conf", "CONFIG_PAHOLE_VERSION=131\n"), "v1.31"},
		{"configured without pahole", "", kernel(".config", "CONFIG_PAHOLE_VERSION=0\n"), "v1.30"},
		{"override", "1.26", kernel(".config", "CONFIG_PAHOLE_VERSION=124\n"), "v1.26"},
		{"override as pahole writes it", "v1.31", "", "v1.31"},
		{"override as the kernel writes it", "128", "", "v1.28"},
	}
	t.Chdir(t.TempDir())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := PaholeVersion(tt.override, tt.objtree)
			if err != nil || FormatPaholeVersion(v) != tt.want {
				t.Errorf("got %d, %v, want %s", v, err, tt.want)
			}
		})
	}
	for _, bad := range []string{"new", "1", "1.3", "1.x", "0.30", "12345"} {
		if v, err := PaholeVersion(bad, ""); err == nil {
			t.Errorf("%q: got %d, want an error", bad, v)
		}
	}
	t.Run("in the working directory", func(t *testing.T) {
		t.Chdir(kernel(".config", "CONFIG_PAHOLE_VERSION=127\n"))
		if v, err := PaholeVersion("", ""); v != 127 || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
	})
}

func TestLinks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a/b")
	for _, program := range []string{"/opt/old/mkbtf", "/usr/bin/mkbtf", "/usr/bin/mkbtf"} {
		made, err := Links(dir, program)
		if err != nil || len(made) != 2 {
			t.Fatalf("got %q, %v", made, err)
		}
		for _, path := range made {
			if to, err := os.Readlink(path); err != nil || to != program {
				t.Errorf("%s leads to %q, %v, want %q", path, to, err, program)
			}
		}
	}
	real := filepath.Join(t.TempDir(), "pahole")
	if err := os.WriteFile(real, []byte("a real one"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Links(filepath.Dir(real), "/usr/bin/mkbtf"); err == nil {
		t.Error("replaced a program")
	}
	if data, _ := os.ReadFile(real); string(data) != "a real one" {
		t.Errorf("the program is now %q", data)
	}
}

func TestLine(t *testing.T) {
	for quiet, want := range map[string]string{"quiet_": "  BTF [M] d/x.ko\n", "silent_": "", "": ""} {
		if got := Line(quiet, "d/x.ko"); got != want {
			t.Errorf("quiet=%q: got %q, want %q", quiet, got, want)
		}
	}
}
