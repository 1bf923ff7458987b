package report

import (
	"cmp"
	"math"
	"slices"
)

// box is a rectangle that text or a dot takes.
type box struct{ x, y, x2, y2 float64 }

func (b box) meets(o box) bool { return b.x < o.x2 && o.x < b.x2 && b.y < o.y2 && o.y < b.y2 }

// Font sizes and lines of a label: the name of the form over its value.
const (
	nameSize, valueSize = 14, 13
	labelHeight         = 32
	labelGap            = dotRadius + 6
)

// drawPoints draws the dots, and the label of each beside it where nothing else is.
func drawPoints(s *scene, points []point) {
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.y, b.y) })
	var taken []box
	for i := range points {
		p := &points[i]
		taken = append(taken, box{p.x - dotRadius - 2, p.y - dotRadius - 2, p.x + dotRadius + 2, p.y + dotRadius + 2})
	}
	for i := range points {
		p := &points[i]
		width := max(textWidth(p.label(), nameSize, true), textWidth(p.value(), valueSize, false))
		left, at := freePlace(p, width, taken)
		taken = append(taken, at)
		c := tints[p.form.ID]
		x, a := at.x, anchorStart
		if left {
			x, a = at.x2, anchorEnd
		}
		middle := (at.y + at.y2) / 2
		if math.Abs(middle-p.y) > labelHeight/3 {
			s.line(p.x, p.y, x, middle, c)
		}
		s.rect(at, tintBack)
		s.words(x, middle-2, nameSize, c, a, p.label()).bold = true
		s.words(x, middle+13, valueSize, tintInk, a, p.value())
	}
	for i := range slices.Backward(points) {
		p := &points[i]
		s.dot(p.x, p.y, dotRadius, tints[p.form.ID], p.label()+": "+p.value()).hollow = p.form.WithBTF == 0
	}
}

// freePlace returns the place for a label that is nearest to its point: on the side where
// there is more room, else on the other one, at the same height or higher or lower.
func freePlace(p *point, width float64, taken []box) (left bool, at box) {
	first := p.x > (plotLeft+plotRight)/2
	best := math.Inf(1)
	for step := range 120 {
		off := float64((step+1)/2*4) * float64(1-step%2*2)
		for _, l := range []bool{first, !first} {
			gap := float64(labelGap)
			if math.Abs(off) > labelHeight/3 {
				gap += 10
			}
			b := box{x: p.x + gap, x2: p.x + gap + width}
			if l {
				b = box{x: p.x - gap - width, x2: p.x - gap}
			}
			b.y, b.y2 = p.y+off-labelHeight/2, p.y+off+labelHeight/2
			cost := math.Abs(off)
			if l != first {
				cost += labelHeight
			}
			if b.x < plotLeft+4 || b.x2 > plotRight || b.y < plotTop-10 || b.y2 > plotBottom-1 || cost >= best {
				continue
			}
			free := true
			for _, o := range taken {
				free = free && !b.meets(o)
			}
			if free {
				best, left, at = cost, l, b
			}
		}
	}
	if math.IsInf(best, 1) { // more labels than places
		at = box{p.x + labelGap, p.y - labelHeight/2, p.x + labelGap + width, p.y + labelHeight/2}
	}
	return left, at
}
