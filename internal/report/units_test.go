package report

import (
	"reflect"
	"testing"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 112_640: "112.6 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 106_100_000: "106.1 MB",
		1_026_000_000: "1.0 GB", -1500: minus + "1.5 kB", 1<<63 - 1: "9.2 EB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestRatios(t *testing.T) {
	for ratio, want := range map[float64]string{0: "", 1: "0 %", 1.09: "+9.0 %", 2.841: "+184 %", 1.00444: "+0.44 %", 0.9345: minus + "6.6 %", 1.00001: "0 %"} {
		if got := over(ratio); got != want {
			t.Errorf("%v: got %s, want %s", ratio, got, want)
		}
	}
	for part, want := range map[float64]string{0: "0 %", 1: "100 %", 0.8: "80 %", 0.9999: ">99.9 %", 0.0001: "<0.1 %", 0.123: "12.3 %"} {
		if got := share(part); got != want {
			t.Errorf("%v: got %s, want %s", part, got, want)
		}
	}
	if got := count(4230) + " " + count(12) + " " + count(1234567); got != "4,230 12 1,234,567" {
		t.Error(got)
	}
}

func TestNiceMarks(t *testing.T) {
	for _, c := range []struct {
		least, most float64
		want        []float64
	}{
		{9.8e6, 195e6, []float64{5e6, 10e6, 20e6, 50e6, 100e6, 200e6}},
		{450e3, 1.6e6, []float64{400e3, 500e3, 600e3, 800e3, 1e6, 1.5e6, 2e6}},
		{1, 1, []float64{1, 2}},
		{500, 500, []float64{500, 600}},
	} {
		if got := niceMarks(c.least, c.most); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v to %v: %v", c.least, c.most, got)
		}
	}
}
