package main

import "testing"

func TestLiveBase(t *testing.T) {
	for path, want := range map[string]string{
		"/sys/kernel/btf/nf_tables": "/sys/kernel/btf/vmlinux",
		"/sys/kernel/btf/vmlinux":   "",
		"nf_tables":                 "",
		"./sys/kernel/btf/x":        "",
		"-":                         "",
	} {
		if got := liveBase(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
