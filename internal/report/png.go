package report

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"mkbtf/internal/compare"
)

// pngScale is how many pixels a point has.
const pngScale = 2

// WritePNG writes the plot as a picture on a light ground, 1760 pixels wide. The error is
// that of w.
func WritePNG(w io.Writer, r *compare.Report) error {
	return png.Encode(w, raster(plot(r)))
}

func raster(s *scene) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, int(s.width*pngScale), int(s.height*pngScale)))
	draw.Draw(img, img.Rect, image.NewUniform(rgb(tintBack)), image.Point{}, draw.Src)
	for i := range s.shapes {
		switch sh := &s.shapes[i]; sh.kind {
		case lineShape:
			rasterLine(img, sh)
		case rectShape:
			r := image.Rect(int(math.Round(sh.x*pngScale)), int(math.Round(sh.y*pngScale)), int(math.Round(sh.x2*pngScale)), int(math.Round(sh.y2*pngScale)))
			draw.Draw(img, r, image.NewUniform(rgb(sh.tint)), image.Point{}, draw.Src)
		case dotShape:
			rasterDot(img, sh.x, sh.y, sh.r, sh.tint)
			if sh.hollow {
				rasterDot(img, sh.x, sh.y, sh.r-2, tintBack)
			}
		case textShape:
			rasterText(img, sh)
		}
	}
	return img
}

func rgb(c tint) color.RGBA {
	hex := colours[c][0]
	at := func(i int) uint8 {
		v := uint8(0)
		for _, d := range []byte(hex[i : i+2]) {
			v <<= 4
			if d >= 'a' {
				v += d - 'a' + 10
			} else {
				v += d - '0'
			}
		}
		return v
	}
	return color.RGBA{at(1), at(3), at(5), 255}
}

// rasterLine draws a line one point wide. Those along the axes are rectangles.
func rasterLine(img *image.RGBA, s *shape) {
	x, y, x2, y2 := s.x*pngScale, s.y*pngScale, s.x2*pngScale, s.y2*pngScale
	const half = pngScale / 2
	if x == x2 || y == y2 {
		r := image.Rect(int(math.Round(x))-half, int(math.Round(y))-half, int(math.Round(x2))+half, int(math.Round(y2))+half)
		draw.Draw(img, r, image.NewUniform(rgb(s.tint)), image.Point{}, draw.Src)
		return
	}
	length := math.Hypot(x2-x, y2-y)
	dx, dy := (y2-y)/length*half, (x-x2)/length*half
	fillPath(img, s.tint, [][2]float64{{x + dx, y + dy}, {x2 + dx, y2 + dy}, {x2 - dx, y2 - dy}, {x - dx, y - dy}})
}

func rasterDot(img *image.RGBA, x, y, r float64, c tint) {
	const corners = 48
	var path [][2]float64
	for i := range corners {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		path = append(path, [2]float64{(x + r*cos) * pngScale, (y + r*sin) * pngScale})
	}
	fillPath(img, c, path)
}

// fillPath fills a polygon.
func fillPath(img *image.RGBA, c tint, path [][2]float64) {
	low, high := path[0], path[0]
	for _, p := range path {
		for i := range p {
			low[i], high[i] = min(low[i], p[i]), max(high[i], p[i])
		}
	}
	area := image.Rect(int(low[0])-1, int(low[1])-1, int(high[0])+2, int(high[1])+2)
	v := vector.NewRasterizer(area.Dx(), area.Dy())
	at := func(p [2]float64) (float32, float32) {
		return float32(p[0] - float64(area.Min.X)), float32(p[1] - float64(area.Min.Y))
	}
	v.MoveTo(at(path[0]))
	for _, p := range path[1:] {
		v.LineTo(at(p))
	}
	v.ClosePath()
	v.Draw(img, area, image.NewUniform(rgb(c)), image.Point{})
}

func rasterText(img *image.RGBA, s *shape) {
	f := face(s.r*pngScale, s.bold)
	defer f.Close()
	width := font.MeasureString(f, s.words)
	start := fixed.Int26_6(0)
	switch s.anchor {
	case anchorMiddle:
		start = -width / 2
	case anchorEnd:
		start = -width
	}
	x, y := fixed.Int26_6(math.Round(s.x*pngScale*64)), fixed.Int26_6(math.Round(s.y*pngScale*64))
	d := font.Drawer{Dst: img, Src: image.NewUniform(rgb(s.tint)), Face: f, Dot: fixed.Point26_6{X: x + start, Y: y}}
	if !s.turned {
		d.DrawString(s.words)
		return
	}
	// Drawn from left to right first, and turned pixel by pixel.
	m := f.Metrics()
	ascent := m.Ascent.Ceil()
	flat := image.NewAlpha(image.Rect(0, 0, width.Ceil()+1, ascent+m.Descent.Ceil()+1))
	d.Dst, d.Src, d.Dot = flat, image.Opaque, fixed.P(0, ascent)
	d.DrawString(s.words)
	turned := image.NewAlpha(image.Rect(0, 0, flat.Rect.Dy(), flat.Rect.Dx()))
	for j := range flat.Rect.Dy() {
		for i := range flat.Rect.Dx() {
			turned.SetAlpha(j, flat.Rect.Dx()-1-i, flat.AlphaAt(i, j))
		}
	}
	at := turned.Rect.Add(image.Pt(x.Round()-ascent, y.Round()-start.Round()-turned.Rect.Dy()))
	draw.DrawMask(img, at, image.NewUniform(rgb(s.tint)), image.Point{}, turned, image.Point{}, draw.Over)
}
