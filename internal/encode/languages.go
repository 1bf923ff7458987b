package encode

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// languages are the names that pahole's --lang_exclude knows, with the DW_LANG
// codes that they stand for (DWARF 5, 7.12, and its later registry). c++ and
// fortran stand for all their editions.
var languages = map[string][]uint16{
	"ada83": {0x03}, "ada95": {0x0d}, "asm": {0x31, 0x8001}, "bliss": {0x25},
	"c": {0x02}, "c89": {0x01}, "c99": {0x0c}, "c11": {0x1d}, "c17": {0x2c}, "c23": {0x3e},
	"c++":   {0x04, 0x19, 0x1a, 0x21, 0x2a, 0x2b, 0x3a},
	"c++98": {0x04}, "c++03": {0x19}, "c++11": {0x1a}, "c++14": {0x21}, "c++17": {0x2a}, "c++20": {0x2b}, "c++23": {0x3a},
	"cobol74": {0x05}, "cobol85": {0x06}, "d": {0x13}, "dylan": {0x20},
	"fortran": {0x07, 0x08, 0x0e, 0x22, 0x23, 0x2d}, "fortran77": {0x07}, "fortran90": {0x08}, "fortran95": {0x0e}, "fortran03": {0x22}, "fortran08": {0x23}, "fortran18": {0x2d},
	"go": {0x16}, "haskell": {0x18}, "java": {0x0b}, "julia": {0x1f}, "modula2": {0x0a}, "modula3": {0x17},
	"objc": {0x10}, "objc++": {0x11}, "ocaml": {0x1b}, "opencl": {0x15}, "pascal83": {0x09}, "pli": {0x0f}, "python": {0x14},
	"renderscript": {0x24}, "rust": {0x1c, 0x9000}, "swift": {0x1e}, "upc": {0x12}, "zig": {0x27},
}

// LanguageNames are the names that ParseLanguages knows, sorted.
func LanguageNames() []string { return slices.Sorted(maps.Keys(languages)) }

// ParseLanguages reads a list such as c++14,rust. "none" or nothing gives an empty
// list, not nil.
func ParseLanguages(list string) ([]uint16, error) {
	codes := []uint16{}
	for name := range strings.SplitSeq(list, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" || name == "none" {
			continue
		}
		c, ok := languages[name]
		if !ok {
			return nil, fmt.Errorf("unknown language %q: known are %s", name, strings.Join(LanguageNames(), " "))
		}
		codes = append(codes, c...)
	}
	return codes, nil
}
