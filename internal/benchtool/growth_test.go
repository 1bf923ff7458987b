package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/internal/report"
)

func TestLeastSquares(t *testing.T) {
	for _, test := range []struct {
		name   string
		points []report.Point
		want   report.Line
	}{
		{"on a line", []report.Point{{X: 10, Y: 50}, {X: 20, Y: 70}, {X: 1000, Y: 2030}}, report.Line{A: 30, B: 2}},
		{"on both sides", []report.Point{{X: 1, Y: 10}, {X: 1, Y: 20}, {X: 3, Y: 30}, {X: 3, Y: 40}}, report.Line{A: 5, B: 10}},
		{"falling", []report.Point{{X: 1, Y: 9}, {X: 3, Y: 5}}, report.Line{A: 11, B: -2}},
		{"one size", []report.Point{{X: 7, Y: 10}, {X: 7, Y: 20}}, report.Line{A: 15}},
		{"one point", []report.Point{{X: 7, Y: 10}}, report.Line{A: 10}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := leastSquares(test.points)
			if math.Abs(l.A-test.want.A) > 1e-9 || math.Abs(l.B-test.want.B) > 1e-9 {
				t.Errorf("%+v, want %+v", l, test.want)
			}
		})
	}
}

func TestDistances(t *testing.T) {
	points := []report.Point{{Name: "a", X: 1, Y: 100}, {Name: "b", X: 1, Y: 110}, {Name: "c", X: 1, Y: 50}}
	d := distances(points, report.Line{A: 100})
	if math.Abs(d.half-0.1) > 1e-9 || math.Abs(d.most-0.1) > 1e-9 || d.farthest != "c" || math.Abs(d.far+0.5) > 1e-9 {
		t.Errorf("%+v", d)
	}
}

// TestGrowth measures a command on modules of the tree and looks at what is written.
func TestGrowth(t *testing.T) {
	objects, err := filepath.Glob("../../testdata/*.ko")
	if err != nil || len(objects) < 2 {
		t.Fatalf("%v: %v", objects, err)
	}
	var in strings.Builder
	for _, f := range objects[:2] {
		in.WriteString("some | " + f + " | cp " + f + " {out}\n")
	}
	prefix := filepath.Join(t.TempDir(), "g")
	var out strings.Builder
	if err := growth(strings.NewReader(in.String()), &out, prefix, 2); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CPU time. Line: ", "Peak memory. Line: ", " for each MB of .debug_info. Off the line: half of the files less than "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %q", want, out.String())
		}
	}
	for name, want := range map[string]string{
		"g.csv":        "group,file,debug_info_bytes,cpu_us,peak_bytes\nsome," + filepath.Base(objects[0]) + ",",
		"g-time.svg":   ">CPU time (logarithmic)",
		"g-memory.svg": ">Peak memory (logarithmic)",
	} {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(prefix), name))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v, or no %q in it", name, err, want)
		}
	}
}

func TestGrowthErrors(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"no ELF", "some | growth_test.go | true", "growth_test.go: bad magic"},
		{"no debug information", "some | /bin/true | true", "/bin/true: no .debug_info"},
		{"command fails", "some | x | false", "x: false: exit status 1"},
		{"nothing", "", "nothing to measure"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := growth(strings.NewReader(test.line), new(strings.Builder), filepath.Join(t.TempDir(), "g"), 1)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}
