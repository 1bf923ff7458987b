package report

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

func someScatter() *Scatter {
	return &Scatter{
		Title: "CPU time against the size of .debug_info",
		Notes: []string{"Line: 20.0 ms + 8.0 ms for each MB", "Some are <off> the line"},
		X:     Axis{"Size of .debug_info", Bytes},
		Y:     Axis{"CPU time", Microseconds},
		Groups: []Group{
			{"cloud", []Point{{"small.ko", 48_000, 20_100}, {"xfs.ko", 12_000_000, 118_000}}},
			{"large", []Point{{"amdgpu.ko", 162_000_000, 1_310_000}}},
		},
		Fit: Line{A: 20_000, B: 0.008},
	}
}

func TestScatter(t *testing.T) {
	var out bytes.Buffer
	if err := WriteScatter(&out, someScatter()); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/scatter.svg"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("differs from %s; look at the difference, then use -update", golden)
	}
}

// TestScatterLine checks that the line goes through a point that lies on it.
func TestScatterLine(t *testing.T) {
	s, err := scatter(&Scatter{
		X: Axis{"x", Bytes}, Y: Axis{"y", Bytes}, Fit: Line{B: 1},
		Groups: []Group{{"g", []Point{{"low", 1001, 1001}, {"high", 999_999, 999_999}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var curve []shape
	for _, sh := range s.shapes {
		if sh.kind == lineShape && sh.tint == tintInk {
			curve = append(curve, sh)
		}
	}
	if len(curve) == 0 {
		t.Fatal("no line")
	}
	first, last := curve[0], curve[len(curve)-1]
	if number(first.x) != number(plotLeft) || number(first.y) != number(plotBottom) || number(last.x2) != number(plotRight) || number(last.y2) != number(plotTop) {
		t.Errorf("from %v, %v to %v, %v; want corner to corner", first.x, first.y, last.x2, last.y2)
	}
}

func TestScatterErrors(t *testing.T) {
	s := someScatter()
	s.Groups[0].Points[0].Y = 0
	for name, s := range map[string]*Scatter{"no points": {}, "value 0": s} {
		if err := WriteScatter(new(bytes.Buffer), s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := WriteScatter(brokenWriter{}, someScatter()); !errors.Is(err, errBroken) {
		t.Errorf("a writer that fails: %v", err)
	}
}

func TestMicroseconds(t *testing.T) {
	for n, want := range map[int64]string{-57_045: minus + "57.0 ms", 1: "1 \u00b5s", 999: "999 \u00b5s", 1000: "1.0 ms", 19_960: "20.0 ms", 999_940: "999.9 ms", 999_950: "1.0 s", 1_310_000: "1.3 s", 61_000_000: "61.0 s"} {
		if got := Microseconds(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
