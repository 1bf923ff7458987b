package main

import (
	"slices"
	"testing"
)

func TestArguments(t *testing.T) {
	for _, tt := range []struct{ args, want []string }{
		{nil, nil},
		{[]string{"mkbtf"}, nil},
		{[]string{"/usr/bin/mkbtf", "dump", "x"}, []string{"dump", "x"}},
		{[]string{"/kernel/tools/bpf/resolve_btfids/resolve_btfids", "-b", "vmlinux", "x.ko"}, []string{"resolve_btfids", "-b", "vmlinux", "x.ko"}},
	} {
		if got := arguments(tt.args); !slices.Equal(got, tt.want) {
			t.Errorf("%q gives %q, want %q", tt.args, got, tt.want)
		}
	}
}
