package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

var units = []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}

// Bytes writes a number of bytes with a decimal unit: 1 kB is 1000 bytes.
func Bytes(n int64) string {
	const limit = 999.95 // which is written as 1000.0
	v, u := math.Abs(float64(n)), 0
	for v >= limit && u < len(units)-1 {
		v, u = v/1000, u+1
	}
	sign := ""
	if n < 0 {
		sign = minus
	}
	if u == 0 {
		return fmt.Sprintf("%s%.0f B", sign, v)
	}
	return fmt.Sprintf("%s%.1f %s", sign, v, units[u])
}

// Typographic signs, each of one width with the plus.
const minus = "\u2212"

// more writes a number of bytes with its sign.
func more(n int64) string {
	if n > 0 {
		return "+" + Bytes(n)
	}
	return Bytes(n)
}

// over writes a ratio as per cent that are added: 1.09 is "+9.0 %".
func over(ratio float64) string {
	if ratio == 0 {
		return "" // nothing to compare with
	}
	p := (ratio - 1) * 100
	switch s := strconv.FormatFloat(math.Abs(p), 'f', decimals(p), 64); {
	case strings.Trim(s, "0.") == "":
		return "0 %"
	case p < 0:
		return minus + s + " %"
	default:
		return "+" + s + " %"
	}
}

// decimals is how many a per cent needs to say something.
func decimals(percent float64) int {
	switch p := math.Abs(percent); {
	case p >= 100:
		return 0
	case p >= 1:
		return 1
	}
	return 2
}

// share writes a part of 1 as per cent, and never rounds to all or nothing.
func share(part float64) string {
	p := part * 100
	switch {
	case p <= 0:
		return "0 %"
	case p >= 100:
		return "100 %"
	case p > 99.9:
		return ">99.9 %"
	case p < 0.1:
		return "<0.1 %"
	}
	return strings.TrimSuffix(strconv.FormatFloat(p, 'f', 1, 64), ".0") + " %"
}

// count writes a number of things with separators.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
