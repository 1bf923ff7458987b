package report

// A scene is a picture of simple shapes in points, with y downwards: what both ways
// of drawing know.
type scene struct {
	width, height float64
	title, text   string // for those who do not see the picture
	shapes        []shape
}

// shape is a line, a dot, a text or a rectangle without a border.
type shape struct {
	kind   shapeKind
	x, y   float64 // start of a line, middle of a dot, an end or the middle of a text's base line, a corner
	x2, y2 float64 // end of a line, the other corner
	r      float64 // radius of a dot, size of a text's font
	tint   tint
	bold   bool
	hollow bool   // dot
	anchor anchor // of a text
	turned bool   // text that runs upwards
	words  string
	hint   string // what a pointer over a dot shows
}

type shapeKind uint8

const (
	lineShape shapeKind = iota
	dotShape
	textShape
	rectShape
)

type anchor uint8

const (
	anchorStart anchor = iota
	anchorMiddle
	anchorEnd
)

// tint is what a colour is for.
type tint uint8

const (
	tintBack tint = iota
	tintInk
	tintMuted
	tintGrid
	tintNone // the forms, in the order of compare.FormID
	tintSplit
	tintDistilled
	tintOwn
	tintReachable
	tintAll
	tintFound
)

// colours are those on a light and on a dark ground: of the forms, ones that most people
// can tell apart.
var colours = [...][2]string{
	tintBack:      {"#ffffff", "#14171c"},
	tintInk:       {"#1c2129", "#e6e9ee"},
	tintMuted:     {"#5a6472", "#a3adbb"},
	tintGrid:      {"#dfe3e8", "#2d343e"},
	tintNone:      {"#5a6472", "#a3adbb"},
	tintSplit:     {"#0065a8", "#5db3f0"},
	tintDistilled: {"#00805c", "#2fc49a"},
	tintOwn:       {"#c24e00", "#f58f45"},
	tintReachable: {"#9c3f86", "#d98bc6"},
	tintAll:       {"#7a1f3d", "#ec7f9e"},
	tintFound:     {"#6b5900", "#d3b73f"},
}

func (s *scene) line(x, y, x2, y2 float64, c tint) *shape {
	s.shapes = append(s.shapes, shape{kind: lineShape, x: x, y: y, x2: x2, y2: y2, tint: c})
	return &s.shapes[len(s.shapes)-1]
}

func (s *scene) words(x, y, size float64, c tint, a anchor, words string) *shape {
	s.shapes = append(s.shapes, shape{kind: textShape, x: x, y: y, r: size, tint: c, anchor: a, words: words})
	return &s.shapes[len(s.shapes)-1]
}

func (s *scene) dot(x, y, r float64, c tint, hint string) *shape {
	s.shapes = append(s.shapes, shape{kind: dotShape, x: x, y: y, r: r, tint: c, hint: hint})
	return &s.shapes[len(s.shapes)-1]
}

func (s *scene) rect(b box, c tint) {
	s.shapes = append(s.shapes, shape{kind: rectShape, x: b.x, y: b.y, x2: b.x2, y2: b.y2, tint: c})
}
