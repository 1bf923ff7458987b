package report

import (
	"fmt"
	"math"
	"strings"

	"mkbtf/internal/compare"
)

// Where things are in the plot.
const (
	plotWidth, plotHeight = 880, 560
	plotLeft, plotRight   = 92, 852 // the axes
	plotTop, plotBottom   = 92, 490
	zeroBand              = 44 // height of the band below the logarithmic scale, where 0 is
	dotRadius             = 6

	textRoom = 700 // width of a line of text, less than there is for the sake of wide fonts
)

var tints = map[compare.FormID]tint{
	compare.FormNone: tintNone, compare.FormSplit: tintSplit, compare.FormDistilled: tintDistilled, compare.FormOwn: tintOwn,
	compare.FormReachable: tintReachable, compare.FormAll: tintAll, compare.FormFound: tintFound,
}

// point is one form in the plot.
type point struct {
	form  *compare.FormTotals
	added int64   // bytes of the modules over those without BTF
	reach float64 // 0 to 1 from left to right
	x, y  float64
}

func (p *point) label() string { return p.form.Label }

func (p *point) value() string {
	if p.form.ID == compare.FormNone {
		return Bytes(p.form.File.Total)
	}
	return more(p.added) + " (" + orZero(over(p.form.FileOverNone)) + ")"
}

func orZero(s string) string {
	if s == "" {
		return "0 %"
	}
	return s
}

// plot lays out the picture.
func plot(r *compare.Report) *scene {
	s := &scene{width: plotWidth, height: plotHeight}
	none := r.Form(compare.FormNone)
	if none == nil || none.Modules == 0 {
		s.title = "No module with debug information was measured"
		s.text = s.title
		s.words(plotWidth/2, plotHeight/2, 16, tintInk, anchorMiddle, s.title)
		return s
	}
	measured := reachMeasured(r)
	points, missing := pointsOf(r, none, measured)
	s.title = "Size and portability of module BTF"
	s.words(plotLeft, 32, 19, tintInk, anchorStart, s.title).bold = true
	s.words(plotLeft, 54, 13.5, tintMuted, anchorStart, fit(subtitle(r, none), 13.5, textRoom))
	if note := missingNote(missing); note != "" {
		s.words(plotLeft, 74, 13.5, tintMuted, anchorStart, fit(note, 13.5, textRoom))
	}
	reachAxis(s, r, measured)
	scale := sizeAxis(s, points)
	for i := range points {
		points[i].x = plotLeft + axisInset + points[i].reach*(plotRight-plotLeft-2*axisInset)
		points[i].y = scale.at(points[i].added)
	}
	drawPoints(s, points)
	s.text = describe(points, measured)
	return s
}

// axisInset is what lies between the ends of the horizontal axis and its first and last point.
const axisInset = 16

// reachMeasured reports whether forms were checked against kernels other than the base.
func reachMeasured(r *compare.Report) bool {
	for i := range r.Forms {
		if r.Forms[i].Portability != nil {
			return true
		}
	}
	return false
}

// classes are what stands on the horizontal axis where no kernel but one was given.
var classes = []string{"one build only", "6.11 and later that have\nthe types it names", "every kernel\nfrom 6.11 on", "every kernel"}

// classOf says which of the classes a form belongs to, -1 if that is not one for all modules.
func classOf(r *compare.Report, id compare.FormID) int {
	switch id {
	case compare.FormNone:
		return 3
	case compare.FormSplit:
		return 0
	case compare.FormDistilled:
		return 1
	case compare.FormOwn, compare.FormReachable, compare.FormAll:
		return 2
	}
	class := -1
	for i := range r.Modules {
		if !r.Modules[i].DWARF {
			continue
		}
		c, ok := map[string]int{"split": 0, "distilled": 1, "self-contained": 2}[r.Modules[i].Found]
		if ok && class >= 0 && c != class {
			return -1
		}
		if ok {
			class = c
		}
	}
	return class
}

// pointsOf returns the forms that the plot has, and the labels of those that it cannot have.
func pointsOf(r *compare.Report, none *compare.FormTotals, measured bool) (points []point, missing []string) {
	for i := range r.Forms {
		f := &r.Forms[i]
		p := point{form: f, added: f.File.Total - none.File.Total}
		switch class := classOf(r, f.ID); {
		case f.ID == compare.FormFound && f.WithBTF == 0:
			continue // is none
		case measured && f.ID == compare.FormNone:
			p.reach = 1
		case measured && f.Portability != nil:
			p.reach = *f.Portability
		case !measured && class >= 0 && (f.WithBTF > 0 || f.ID == compare.FormNone):
			p.reach = float64(class) / float64(len(classes)-1)
		default:
			missing = append(missing, f.Label)
			continue
		}
		points = append(points, p)
	}
	return points, missing
}

func missingNote(missing []string) string {
	if len(missing) == 0 {
		return ""
	}
	return "Not shown, as it has no one portability: " + strings.Join(missing, "; ")
}

func subtitle(r *compare.Report, none *compare.FormTotals) string {
	modules := count(none.Modules) + " modules"
	if none.Modules == 1 {
		modules = "1 module"
	}
	text := modules + ", " + Bytes(none.File.Total) + " without BTF"
	if r.Base != nil {
		text += ", made against " + r.Base.Name
	}
	return text
}

// reachAxis draws the horizontal axis and says what it is.
func reachAxis(s *scene, r *compare.Report, measured bool) {
	s.line(plotLeft, plotBottom, plotRight, plotBottom, tintMuted)
	at := func(part float64) float64 { return plotLeft + axisInset + part*(plotRight-plotLeft-2*axisInset) }
	if !measured {
		for i, words := range classes {
			x := at(float64(i) / float64(len(classes)-1))
			s.line(x, plotTop, x, plotBottom, tintGrid)
			a := anchorMiddle
			switch i {
			case 0:
				a, x = anchorStart, x-axisInset
			case len(classes) - 1:
				a, x = anchorEnd, x+axisInset
			}
			for j, line := range strings.Split(words, "\n") {
				s.words(x, plotBottom+18+16*float64(j), 13, tintMuted, a, line)
			}
		}
		s.words((plotLeft+plotRight)/2, plotBottom+58, 13.5, tintInk, anchorMiddle, "Which kernels take it (an order, not a measure: no kernel but the base was given) \u2192")
		return
	}
	for i := range 5 {
		x := at(float64(i) / 4)
		s.line(x, plotTop, x, plotBottom, tintGrid)
		s.words(x, plotBottom+18, 13, tintMuted, anchorMiddle, fmt.Sprintf("%d %%", 25*i))
	}
	s.words((plotLeft+plotRight)/2, plotBottom+42, 13.5, tintInk, anchorMiddle,
		fit("Share of modules whose BTF is taken by "+otherKernels(r), 13.5, textRoom)+" \u2192")
}

// otherKernels names the kernels, but for the base, that the modules were checked against.
func otherKernels(r *compare.Report) string {
	var names []string
	for _, k := range r.Kernels {
		if !k.Base {
			names = append(names, k.Name)
		}
	}
	if text := strings.Join(names, ", "); len(names) == 1 || len(text) < 50 && len(names) == 2 {
		if len(names) == 2 {
			return strings.Join(names, " and ") + ", on average"
		}
		return text
	}
	return fmt.Sprintf("a kernel other than the base, on average over %d", len(names))
}

// sizeScale is the vertical axis: 0 in a band at the bottom, and above it logarithms.
type sizeScale struct {
	low, high float64 // ends of the logarithmic part; equal if there is none
}

func (sc sizeScale) at(added int64) float64 {
	zero := float64(plotBottom - zeroBand/2)
	if float64(added) < sc.low || sc.low == sc.high {
		return zero
	}
	bottom := float64(plotBottom - zeroBand)
	return bottom - math.Log(float64(added)/sc.low)/math.Log(sc.high/sc.low)*(bottom-plotTop)
}

func sizeAxis(s *scene, points []point) sizeScale {
	s.line(plotLeft, plotTop, plotLeft, plotBottom, tintMuted)
	s.words(22, (plotTop+plotBottom)/2, 13.5, tintInk, anchorMiddle, "Added to the modules (logarithmic) \u2192").turned = true
	least, most := int64(math.MaxInt64), int64(0)
	for i := range points {
		if a := points[i].added; a > 0 {
			least, most = min(least, a), max(most, a)
		}
	}
	var sc sizeScale
	tick := func(y float64, words string) {
		s.line(plotLeft, y, plotRight, y, tintGrid)
		s.words(plotLeft-8, y+4.5, 13, tintMuted, anchorEnd, words)
	}
	tick(sc.at(0), "0")
	if most == 0 {
		return sc
	}
	// The band's upper edge, where the axis is broken.
	edge := float64(plotBottom - zeroBand)
	for _, d := range []float64{-3, 3} {
		s.line(plotLeft-6, edge+10+d+3, plotLeft+6, edge+10+d-3, tintMuted)
	}
	marks := niceMarks(float64(least), float64(most))
	sc.low, sc.high = marks[0], marks[len(marks)-1]
	for _, v := range marks {
		tick(sc.at(int64(v)), strings.Replace(Bytes(int64(v)), ".0 ", " ", 1))
	}
	return sc
}

// niceMarks are round numbers, at least two, of which the first is not above least and
// the last not below most.
func niceMarks(least, most float64) []float64 {
	leads := []float64{1, 2, 5}
	if most < 8*least {
		leads = []float64{1, 1.5, 2, 3, 4, 5, 6, 8}
	}
	var marks []float64
	for tens := 1.0; ; tens *= 10 {
		for _, lead := range leads {
			v := math.Round(lead * tens)
			if v <= least {
				marks = marks[:0]
			}
			if n := len(marks); n == 0 || marks[n-1] != v {
				marks = append(marks, v)
			}
			if v >= most && len(marks) > 1 {
				return marks
			}
		}
	}
}

// describe says in words what the plot shows.
func describe(points []point, measured bool) string {
	var b strings.Builder
	for i := range points {
		p := &points[i]
		if i > 0 {
			b.WriteString(" ")
		}
		reach := share(p.reach) + " taken"
		if !measured {
			reach = p.form.Reach
		}
		fmt.Fprintf(&b, "%s: %s, %s.", p.label(), p.value(), reach)
	}
	return b.String()
}
