package main

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestAdviseHeap makes sure that room for the heap takes no memory before it is used.
func TestAdviseHeap(t *testing.T) {
	resident := func() int {
		b, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			t.Skip(err)
		}
		n, err := strconv.Atoi(strings.Fields(string(b))[1])
		if err != nil {
			t.Fatal(err)
		}
		return n * os.Getpagesize()
	}
	before := resident()
	adviseHeap(256 << 20)
	if more := resident() - before; more > 64<<20 {
		t.Errorf("%d bytes more are resident", more)
	}
}
