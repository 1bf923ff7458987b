package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

// Scatter is what files of different sizes cost, as points on two logarithmic axes.
type Scatter struct {
	Title  string
	Notes  []string // lines below the title; there is room for two
	X, Y   Axis
	Groups []Group
	Fit    Line
}

// Axis says what an axis shows, and how its values are written.
type Axis struct {
	Title  string
	Format func(int64) string // Bytes or Microseconds
}

// Group is points of one colour: there are colours for six.
type Group struct {
	Name   string
	Points []Point
}

// Point is one file. Both values are above 0, in units of the axes' Format.
type Point struct {
	Name string
	X, Y int64
}

// Line is y = A + B x.
type Line struct{ A, B float64 }

// At is the line's value at x.
func (l Line) At(x float64) float64 { return l.A + l.B*x }

// Microseconds writes a time with a unit that suits it.
func Microseconds(n int64) string {
	switch {
	case n < 0:
		return minus + Microseconds(-n)
	case n >= 999_950: // which would be written as 1000.0 ms
		return fmt.Sprintf("%.1f s", float64(n)/1e6)
	case n >= 1000:
		return fmt.Sprintf("%.1f ms", float64(n)/1000)
	}
	return fmt.Sprintf("%d \u00b5s", n)
}

const scatterDot = 2.5

// WriteScatter writes the points and the line as a picture, like WriteSVG. The error is that
// of w, or says that there are no points.
func WriteScatter(w io.Writer, sc *Scatter) error {
	s, err := scatter(sc)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	drawSVG(&out, s)
	_, err = w.Write(out.Bytes())
	return err
}

func scatter(sc *Scatter) (*scene, error) {
	var xs, ys extent
	for _, g := range sc.Groups {
		for _, p := range g.Points {
			if p.X <= 0 || p.Y <= 0 {
				return nil, fmt.Errorf("%s: %d, %d have no place on logarithmic axes", p.Name, p.X, p.Y)
			}
			xs.add(p.X)
			ys.add(p.Y)
		}
	}
	if xs.least == 0 {
		return nil, fmt.Errorf("no points to draw")
	}
	s := &scene{width: plotWidth, height: plotHeight, title: sc.Title, text: strings.Join(sc.Notes, " ")}
	s.words(plotLeft, 32, 19, tintInk, anchorStart, s.title).bold = true
	for i, note := range sc.Notes {
		s.words(plotLeft, 54+18*float64(i), 13.5, tintMuted, anchorStart, fit(note, 13.5, plotRight-plotLeft))
	}
	x, y := xs.axis(plotLeft, plotRight), ys.axis(plotBottom, plotTop)
	for _, v := range x.marks {
		at := x.at(v)
		s.line(at, plotTop, at, plotBottom, tintGrid)
		s.words(at, plotBottom+18, 13, tintMuted, anchorMiddle, markText(sc.X, v))
	}
	for _, v := range y.marks {
		at := y.at(v)
		s.line(plotLeft, at, plotRight, at, tintGrid)
		s.words(plotLeft-8, at+4.5, 13, tintMuted, anchorEnd, markText(sc.Y, v))
	}
	s.line(plotLeft, plotBottom, plotRight, plotBottom, tintMuted)
	s.line(plotLeft, plotTop, plotLeft, plotBottom, tintMuted)
	s.words((plotLeft+plotRight)/2, plotBottom+42, 13.5, tintInk, anchorMiddle, sc.X.Title+" (logarithmic) \u2192")
	s.words(22, (plotTop+plotBottom)/2, 13.5, tintInk, anchorMiddle, sc.Y.Title+" (logarithmic) \u2192").turned = true
	for i, g := range sc.Groups {
		c := tintSplit + tint(i%int(tintFound-tintSplit+1))
		for _, p := range g.Points {
			s.dot(x.at(float64(p.X)), y.at(float64(p.Y)), scatterDot, c, fmt.Sprintf("%s: %s, %s", p.Name, sc.X.Format(p.X), sc.Y.Format(p.Y)))
		}
		// The legend, where points of a cost that grows are not.
		top := plotTop + 20 + 20*float64(i)
		s.dot(plotLeft+20, top, 2*scatterDot, c, g.Name)
		s.words(plotLeft+32, top+4.5, 13.5, tintInk, anchorStart, fmt.Sprintf("%s: %s files", g.Name, count(len(g.Points))))
	}
	drawLine(s, sc.Fit, x, y)
	return s, nil
}

// markText writes a round value.
func markText(a Axis, v float64) string { return strings.Replace(a.Format(int64(v)), ".0 ", " ", 1) }

// drawLine draws what of the line lies within the axes; on logarithmic axes it is a curve.
func drawLine(s *scene, l Line, x, y logAxis) {
	const steps = 48
	low, high := x.marks[0], x.marks[len(x.marks)-1]
	inside := func(v float64) bool { return v >= y.marks[0] && v <= y.marks[len(y.marks)-1] }
	for i := range steps {
		from, to := low*math.Pow(high/low, float64(i)/steps), low*math.Pow(high/low, float64(i+1)/steps)
		if inside(l.At(from)) && inside(l.At(to)) {
			s.line(x.at(from), y.at(l.At(from)), x.at(to), y.at(l.At(to)), tintInk)
		}
	}
}

// extent is the least and the largest of some values above 0.
type extent struct{ least, most int64 }

func (e *extent) add(v int64) {
	if e.least == 0 || v < e.least {
		e.least = v
	}
	e.most = max(e.most, v)
}

// logAxis is a logarithmic axis from its first mark at start to its last one at end.
type logAxis struct {
	marks      []float64
	start, end float64
}

func (e extent) axis(start, end float64) logAxis {
	return logAxis{niceMarks(float64(e.least), float64(e.most)), start, end}
}

func (a logAxis) at(v float64) float64 {
	low, high := a.marks[0], a.marks[len(a.marks)-1]
	return a.start + math.Log(v/low)/math.Log(high/low)*(a.end-a.start)
}
