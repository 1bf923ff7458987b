// Package dump prints BTF for people.
//
// Text writes the form that bpftool's "btf dump file FILE format raw" prints, so
// that the outputs of the two can be compared by any line based tool.
package dump
