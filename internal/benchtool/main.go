// Command benchtool compares programs that do the same work. It runs them
// alternately, so that a machine that gets slower or faster meanwhile does so for
// all of them, and prints medians of wall time, CPU time and peak memory, with
// the ratio of each to the last program of the case: 8 means eight times as much.
//
//	benchtool [-n RUNS] < CASES
//
// A line of CASES is "case | program | command". The command is split at blanks
// and run without a shell; {out} becomes the path of a file that does not exist,
// whose size is reported, and {copy:FILE} a fresh copy of FILE. Neither making
// the copy nor removing files is timed. Empty lines and those with # are skipped.
//
//	benchtool -growth PREFIX [-n RUNS] < CASES
//
// shows how cost grows with a file's size. A line is "group | file | command": the
// command works on that file. For each file it writes the size of .debug_info, the
// least CPU time and the median of peak memory into PREFIX.csv, draws both costs
// against the size in PREFIX-time.svg and PREFIX-memory.svg, and fits a line.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	runs := flag.Int("n", 5, "runs of each command")
	prefix := flag.String("growth", "", "write tables and pictures of how cost grows to files whose names start with this")
	flag.Parse()
	var err error
	if *prefix != "" {
		err = growth(os.Stdin, os.Stdout, *prefix, *runs)
	} else {
		err = benchmark(os.Stdin, os.Stdout, *runs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchtool:", err)
		os.Exit(1)
	}
}

// A program is one command of a case with what its runs took.
type program struct {
	name    string
	command []string
	samples []sample
}

// A benchCase is a group of commands that do the same work.
type benchCase struct {
	name     string
	programs []program
}

func benchmark(in io.Reader, out io.Writer, runs int) error {
	cases, err := readCases(in)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "benchtool")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(out, "%-26s %-22s %9s %9s %9s %10s   %s\n", "case", "program", "wall s", "cpu s", "peak MB", "bytes", "wall, cpu, peak to the last")
	for _, c := range cases {
		for range runs {
			for i := range c.programs {
				s, err := run(c.programs[i].command, dir)
				if err != nil {
					return fmt.Errorf("%s: %s: %w", c.name, c.programs[i].name, err)
				}
				c.programs[i].samples = append(c.programs[i].samples, s)
			}
		}
		last := median(c.programs[len(c.programs)-1].samples)
		for _, p := range c.programs {
			m := median(p.samples)
			fmt.Fprintf(out, "%-26s %-22s %9.3f %9.3f %9.1f %10d   %.2f %.2f %.2f\n", c.name, p.name,
				m.wall.Seconds(), m.cpu.Seconds(), float64(m.peak)/1e6, m.bytes,
				ratio(m.wall, last.wall), ratio(m.cpu, last.cpu), ratio(m.peak, last.peak))
		}
	}
	return nil
}

func ratio[T ~int64](a, b T) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// readCases groups adjacent lines of one case.
func readCases(in io.Reader) ([]benchCase, error) {
	var cases []benchCase
	scanner := bufio.NewScanner(in)
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, "|", 3)
		if len(fields) != 3 || strings.TrimSpace(fields[2]) == "" {
			return nil, fmt.Errorf("line %d: want case | program | command", n)
		}
		name := strings.TrimSpace(fields[0])
		if len(cases) == 0 || cases[len(cases)-1].name != name {
			cases = append(cases, benchCase{name: name})
		}
		c := &cases[len(cases)-1]
		c.programs = append(c.programs, program{name: strings.TrimSpace(fields[1]), command: strings.Fields(fields[2])})
	}
	return cases, scanner.Err()
}
