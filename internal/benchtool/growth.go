package main

import (
	"debug/elf"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"mkbtf/internal/report"
)

// A file is one that a command was run on, and what that took.
type file struct {
	path      string
	debugInfo int64 // bytes of .debug_info, unpacked
	cpu       time.Duration
	peak      int64 // bytes
}

// A group is files of one origin.
type group struct {
	name  string
	files []file
}

// A cost is one of the quantities that are held against the size of .debug_info.
type cost struct {
	name   string // in the picture's file name
	title  string
	axis   string
	format func(int64) string
	of     func(file) int64
}

var costs = []cost{
	{"time", "CPU time against the size of .debug_info", "CPU time", report.Microseconds, func(f file) int64 { return f.cpu.Microseconds() }},
	{"memory", "Peak memory against the size of .debug_info", "Peak memory", report.Bytes, func(f file) int64 { return f.peak }},
}

// growth runs the commands of in and writes PREFIX.csv, PREFIX-time.svg and
// PREFIX-memory.svg; out gets the fitted lines.
func growth(in io.Reader, out io.Writer, prefix string, runs int) error {
	cases, err := readCases(in)
	if err != nil {
		return err
	}
	if len(cases) == 0 || runs < 1 {
		return fmt.Errorf("nothing to measure: %d groups, %d runs", len(cases), runs)
	}
	groups, err := measure(cases, runs)
	if err != nil {
		return err
	}
	if err := writeFile(prefix+".csv", func(w io.Writer) error { return writeTable(w, groups) }); err != nil {
		return err
	}
	for _, c := range costs {
		s, text := picture(c, groups)
		fmt.Fprintln(out, text)
		err := writeFile(prefix+"-"+c.name+".svg", func(w io.Writer) error { return report.WriteScatter(w, s) })
		if err != nil {
			return err
		}
	}
	return nil
}

// measure goes round all files as often as there are runs, so that what disturbs
// the machine for a while does not meet all runs of a file.
func measure(cases []benchCase, runs int) ([]group, error) {
	dir, err := os.MkdirTemp("", "benchtool")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for range runs {
		for i := range cases {
			for j := range cases[i].programs {
				p := &cases[i].programs[j]
				s, err := run(p.command, dir)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", p.name, err)
				}
				p.samples = append(p.samples, s)
			}
		}
	}
	var groups []group
	for _, c := range cases {
		g := group{name: c.name}
		for _, p := range c.programs {
			size, err := debugInfoSize(p.name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			f := file{path: p.name, debugInfo: size, cpu: p.samples[0].cpu, peak: median(p.samples).peak}
			for _, s := range p.samples {
				f.cpu = min(f.cpu, s.cpu)
			}
			g.files = append(g.files, f)
		}
		groups = append(groups, g)
	}
	return groups, nil
}

func debugInfoSize(path string) (int64, error) {
	f, err := elf.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	s := f.Section(".debug_info")
	if s == nil || s.Size == 0 {
		return 0, fmt.Errorf("no .debug_info")
	}
	return int64(s.Size), nil
}

// picture makes the plot of a cost, and says how well the line fits.
func picture(c cost, groups []group) (*report.Scatter, string) {
	s := &report.Scatter{
		Title: c.title,
		X:     report.Axis{Title: "Size of .debug_info", Format: report.Bytes},
		Y:     report.Axis{Title: c.axis, Format: c.format},
	}
	var all []report.Point
	for _, g := range groups {
		shown := report.Group{Name: g.name}
		for _, f := range g.files {
			shown.Points = append(shown.Points, report.Point{Name: filepath.Base(f.path), X: f.debugInfo, Y: c.of(f)})
		}
		s.Groups = append(s.Groups, shown)
		all = append(all, shown.Points...)
	}
	s.Fit = leastSquares(all)
	d := distances(all, s.Fit)
	line := fmt.Sprintf("Line: %s + %s for each MB of .debug_info", c.format(int64(math.Round(s.Fit.A))), c.format(int64(math.Round(s.Fit.B*1e6))))
	apart := fmt.Sprintf("Off the line: half of the files less than %.0f %%, 90 %% of them less than %.0f %%, %s %+.0f %%",
		100*d.half, 100*d.most, d.farthest, 100*d.far)
	s.Notes = []string{line, apart}
	return s, c.axis + ". " + line + ". " + apart + "."
}

// leastSquares fits a line to points. It goes by the values themselves: that the many small
// files cost about the same fixes one end of it, the few large ones the other.
func leastSquares(points []report.Point) report.Line {
	n := float64(len(points))
	var sx, sy, sxx, sxy float64
	for _, p := range points {
		sx, sy = sx+float64(p.X), sy+float64(p.Y)
	}
	mx, my := sx/n, sy/n
	for _, p := range points {
		dx := float64(p.X) - mx
		sxx, sxy = sxx+dx*dx, sxy+dx*(float64(p.Y)-my)
	}
	if sxx == 0 { // one size only
		return report.Line{A: my}
	}
	b := sxy / sxx
	return report.Line{A: my - b*mx, B: b}
}

// A distance is how far points lie from a line, as parts of the line's value.
type distance struct {
	half, most float64 // half and nine tenths of the points are no farther off
	farthest   string
	far        float64 // with its sign
}

func distances(points []report.Point, l report.Line) distance {
	var d distance
	var off []float64
	for _, p := range points {
		v := float64(p.Y)/l.At(float64(p.X)) - 1
		off = append(off, math.Abs(v))
		if math.Abs(v) >= math.Abs(d.far) {
			d.farthest, d.far = p.Name, v
		}
	}
	slices.Sort(off)
	d.half, d.most = off[(len(off)-1)/2], off[(len(off)-1)*9/10]
	return d
}

func writeTable(w io.Writer, groups []group) error {
	table := csv.NewWriter(w)
	table.Write([]string{"group", "file", "debug_info_bytes", "cpu_us", "peak_bytes"})
	for _, g := range groups {
		for _, f := range g.files {
			table.Write([]string{
				g.name, filepath.Base(f.path), strconv.FormatInt(f.debugInfo, 10),
				strconv.FormatInt(f.cpu.Microseconds(), 10), strconv.FormatInt(f.peak, 10),
			})
		}
	}
	table.Flush()
	return table.Error()
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
