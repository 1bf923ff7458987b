package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// How the heap may grow before it is collected. What is on it hardly has pointers, so
// that collecting often costs a large file little time and saves memory that it would
// take from other programs; a small module should not collect at all. GOGC=100 in the
// environment shows the difference.
const (
	collectAt   = 30       // per cent of what is in use, GOGC
	leaveBefore = 32 << 20 // bytes
)

// tuneMemory keeps the heap to these figures, unless the user sets GOGC.
func tuneMemory() {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	set := func() {
		metrics.Read(live)
		n := max(live[0].Value.Uint64(), 4<<20) // Go's own start
		debug.SetGCPercent(max(collectAt, int((leaveBefore-min(n, leaveBefore))*100/n)))
	}
	// A finalizer runs after each collection.
	var again func(*collected)
	again = func(c *collected) {
		set()
		runtime.SetFinalizer(c, again)
	}
	set()
	runtime.SetFinalizer(new(collected), again)
}

// collected is something that is not small enough to share its place on the heap.
type collected struct{ _ [4]*byte }

// sizeValue is a flag that takes a number of bytes: 512M, 2G.
type sizeValue int64

var _ pflag.Value = (*sizeValue)(nil)

func (v *sizeValue) Type() string { return "SIZE" }

func (v *sizeValue) String() string {
	if *v == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*v), 10)
}

func (v *sizeValue) Set(s string) error {
	number, shift := strings.TrimSuffix(strings.ToUpper(s), "B"), 0
	if i := strings.IndexAny(number, "KMGT"); i >= 0 && i == len(number)-1 {
		number, shift = number[:i], 10*(1+strings.IndexByte("KMGT", number[i]))
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>shift {
		return fmt.Errorf("%q: want a number of bytes above 0, such as 512M or 2G", s)
	}
	*v = sizeValue(n << shift)
	return nil
}
