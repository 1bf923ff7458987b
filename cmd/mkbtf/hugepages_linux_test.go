package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestAdviseHeap makes sure that room for the heap takes no memory before it is used, in
// a process whose heap nobody has used yet.
func TestAdviseHeap(t *testing.T) {
	const variable = "MKBTF_TEST_HEAP"
	if os.Getenv(variable) == "" {
		c := exec.Command(os.Args[0], "-test.run=^TestAdviseHeap$", "-test.count=1")
		c.Env = append(os.Environ(), variable+"=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
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
