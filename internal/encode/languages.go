package encode

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"mkbtf/dwarf2btf"
)

// languages are the names by which units can be chosen, and the DW_LANG codes that
// each stands for (DWARF 5, 7.12, and the registry that goes on from there). A
// name without a year takes in every year, since a compiler's default differs from
// one distribution to the next.
var languages = map[string][]uint16{
	"c":   {0x01, 0x02, 0x0c, 0x1d, 0x2c, 0x3e},
	"c89": {0x01}, "c99": {0x0c}, "c11": {0x1d}, "c17": {0x2c}, "c23": {0x3e},
	"c++": {
		dwarf2btf.LangCPlusPlus, dwarf2btf.LangCPlusPlus03, dwarf2btf.LangCPlusPlus11, dwarf2btf.LangCPlusPlus14,
		dwarf2btf.LangCPlusPlus17, dwarf2btf.LangCPlusPlus20, dwarf2btf.LangCPlusPlus23,
	},
	"c++03": {dwarf2btf.LangCPlusPlus03}, "c++11": {dwarf2btf.LangCPlusPlus11}, "c++14": {dwarf2btf.LangCPlusPlus14},
	"c++17": {dwarf2btf.LangCPlusPlus17}, "c++20": {dwarf2btf.LangCPlusPlus20}, "c++23": {dwarf2btf.LangCPlusPlus23},
	"rust":    {dwarf2btf.LangRust, 0x9000}, // 0x9000: rustc before 2015
	"asm":     {dwarf2btf.LangMipsAssembler, dwarf2btf.LangAssembly},
	"ada":     {0x03, 0x0d, 0x2e, 0x2f},
	"d":       {0x13},
	"go":      {0x16},
	"fortran": {0x07, 0x08, 0x0e, 0x22, 0x23, 0x2d},
	"objc":    {0x10},
	"objc++":  {0x11},
	"swift":   {0x1e},
	"zig":     {0x27},
	"none":    nil,
}

// ParseLanguages turns a comma separated list of languages into DW_LANG codes for
// Options.ExcludeLanguages. Case does not matter; "none" adds nothing, and alone gives
// an empty list that is not nil.
func ParseLanguages(list string) ([]uint16, error) {
	codes := []uint16{}
	for name := range strings.SplitSeq(list, ",") {
		of, ok := languages[strings.ToLower(strings.TrimSpace(name))]
		if !ok {
			return nil, fmt.Errorf("unknown language %q: want some of %s", name, strings.Join(slices.Sorted(maps.Keys(languages)), ","))
		}
		for _, code := range of {
			if !slices.Contains(codes, code) {
				codes = append(codes, code)
			}
		}
	}
	return codes, nil
}
