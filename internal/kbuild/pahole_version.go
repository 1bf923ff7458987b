package kbuild

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// defaultPaholeVersion is the version of pahole, times a hundred, whose abilities
// are claimed: the first one that has everything that kernels ask for in modules
// (distilled_base since 1.28, attributes since 1.30), and one that every
// configuration of the kernel takes (x86 excludes 1.28 and 1.29 where
// CONFIG_GENDWARFKSYMS is set). 1.31 would only make kernels ask for the layout
// section, which modules do not have.
const defaultPaholeVersion = 130

// PaholeVersion is the version to answer, times a hundred: 130 stands for v1.30.
//
// The kernel's configuration records what pahole answers (CONFIG_PAHOLE_VERSION) and
// hides options from versions that are too old for them. If the answer changes, and
// with it CONFIG_DEBUG_INFO_BTF_MODULES, struct module gets another size and no
// module loads any more. So the answer is what the configuration has already: that
// in objtree, which the kernel's build exports, or in the working directory. Without
// one, or if it says that there was no pahole, it is 1.30. override, the
// environment's MKBTF_PAHOLE_VERSION, goes before all; it is written 1.31, v1.31 or
// 131.
func PaholeVersion(override, objtree string) (int, error) {
	if override != "" {
		return parseVersion(override)
	}
	for _, dir := range []string{objtree, "."} {
		if dir == "" {
			continue
		}
		for _, name := range []string{"include/config/auto.conf", ".config"} {
			if v := configuredVersion(filepath.Join(dir, name)); v > 0 {
				return v, nil
			}
		}
	}
	return defaultPaholeVersion, nil
}

// FormatPaholeVersion is what pahole --version prints: 130 is v1.30.
func FormatPaholeVersion(v int) string { return fmt.Sprintf("v%d.%d", v/100, v%100) }

func parseVersion(s string) (int, error) {
	major, minor, dotted := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	if !dotted && len(major) == 3 {
		major, minor = major[:1], major[1:]
	}
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	// two digits of the minor number, since the kernel joins the digits
	if err1 != nil || err2 != nil || a < 1 || len(minor) != 2 || b < 0 {
		return 0, fmt.Errorf("MKBTF_PAHOLE_VERSION=%s: want a version such as 1.30", s)
	}
	return a*100 + b, nil
}

// configuredVersion is CONFIG_PAHOLE_VERSION of a kernel's configuration; 0 if the
// file has none.
func configuredVersion(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if value, ok := strings.CutPrefix(sc.Text(), "CONFIG_PAHOLE_VERSION="); ok {
			n, _ := strconv.Atoi(value)
			return n
		}
	}
	return 0
}
