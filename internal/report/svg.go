package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"

	"mkbtf/internal/compare"
)

// WriteSVG writes the plot as a picture that follows the light or dark setting of whoever
// looks at it. The error is that of w.
func WriteSVG(w io.Writer, r *compare.Report) error {
	var out bytes.Buffer
	out.WriteString(xml.Header)
	drawSVG(&out, plot(r))
	_, err := w.Write(out.Bytes())
	return err
}

// tintClasses are the names of tints in the style sheet.
var tintClasses = [...]string{
	tintBack: "back", tintInk: "ink", tintMuted: "muted", tintGrid: "grid", tintNone: "none", tintSplit: "split",
	tintDistilled: "distilled", tintOwn: "own", tintReachable: "reachable", tintAll: "all", tintFound: "found",
}

func drawSVG(out *bytes.Buffer, s *scene) {
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 %s %s" width="%[1]s" height="%[2]s" font-family="%[3]s" role="img" aria-labelledby="plot-title plot-text">`+"\n",
		number(s.width), number(s.height), "system-ui, 'Helvetica Neue', Arial, sans-serif")
	fmt.Fprintf(out, "<title id=\"plot-title\">%s</title>\n<desc id=\"plot-text\">%s</desc>\n", escaped(s.title), escaped(s.text))
	// Colours on a light ground are attributes, which all programs know.
	out.WriteString("<style>@media (prefers-color-scheme: dark) {\n")
	for i, c := range colours {
		fmt.Fprintf(out, ".plot .f-%s { fill: %s } .plot .s-%[1]s { stroke: %[2]s }\n", tintClasses[i], c[1])
	}
	out.WriteString("}</style>\n")
	fmt.Fprintf(out, "<rect width=\"%s\" height=\"%s\" %s/>\n", number(s.width), number(s.height), fill(tintBack))
	for i := range s.shapes {
		svgShape(out, &s.shapes[i])
	}
	out.WriteString("</svg>\n")
}

func fill(c tint) string { return fmt.Sprintf(`class="f-%s" fill="%s"`, tintClasses[c], colours[c][0]) }

func svgShape(out *bytes.Buffer, s *shape) {
	switch s.kind {
	case lineShape:
		fmt.Fprintf(out, "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" class=\"s-%s\" stroke=\"%s\"/>\n",
			number(s.x), number(s.y), number(s.x2), number(s.y2), tintClasses[s.tint], colours[s.tint][0])
	case rectShape:
		fmt.Fprintf(out, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" %s/>\n", number(s.x), number(s.y), number(s.x2-s.x), number(s.y2-s.y), fill(s.tint))
	case dotShape:
		paint := fill(s.tint)
		if s.hollow {
			paint = fmt.Sprintf(`class="f-back s-%s" fill="%s" stroke="%s" stroke-width="2"`, tintClasses[s.tint], colours[tintBack][0], colours[s.tint][0])
		}
		fmt.Fprintf(out, "<circle cx=\"%s\" cy=\"%s\" r=\"%s\" %s><title>%s</title></circle>\n", number(s.x), number(s.y), number(s.r), paint, escaped(s.hint))
	case textShape:
		extra := ""
		switch s.anchor {
		case anchorMiddle:
			extra = ` text-anchor="middle"`
		case anchorEnd:
			extra = ` text-anchor="end"`
		}
		if s.bold {
			extra += ` font-weight="600"`
		}
		if s.turned {
			extra += fmt.Sprintf(` transform="rotate(-90 %s %s)"`, number(s.x), number(s.y))
		}
		fmt.Fprintf(out, "<text x=\"%s\" y=\"%s\" font-size=\"%s\" %s%s>%s</text>\n", number(s.x), number(s.y), number(s.r), fill(s.tint), extra, escaped(s.words))
	}
}

// number writes a coordinate to a tenth.
func number(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

func escaped(s string) []byte {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(s)) // a Buffer takes everything
	return out.Bytes()
}
