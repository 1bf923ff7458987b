package check

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Tally counts outcomes, kernel by kernel.
type Tally struct {
	kernels []*Kernel
	counts  []map[Outcome]int
	abi     []int // refused for an embedded struct alone, or warned of
}

// NewTally returns an empty tally of the kernels.
func NewTally(kernels []*Kernel) *Tally {
	t := &Tally{kernels: kernels, counts: make([]map[Outcome]int, len(kernels)), abi: make([]int, len(kernels))}
	for i := range t.counts {
		t.counts[i] = map[Outcome]int{}
	}
	return t
}

// Add counts the verdicts of one module, which are in the order of the kernels.
func (t *Tally) Add(vs []*Verdict) {
	for i, v := range vs {
		t.counts[i][v.Outcome]++
		if v.ABIBreak() {
			t.abi[i]++
		}
	}
}

// Write prints a table: a line for each kernel, a column for each outcome, and how
// many of the modules hold a struct of the kernel by value that has another size
// there.
func (t *Tally) Write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tw, "loads\trefused\tgarbage\tignored\tno BTF\tABI break\t  kernel\n")
	for i, k := range t.kernels {
		for _, o := range []Outcome{Loads, Refused, Garbage, Ignored, None} {
			fmt.Fprintf(tw, "%d\t", t.counts[i][o])
		}
		fmt.Fprintf(tw, "%d\t  %s\n", t.abi[i], k.Name)
	}
	return tw.Flush()
}
