package report

import (
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
)

// The fonts of pictures in PNG. Those of SVG are the viewer's own, and a little narrower.
var parsedFonts = sync.OnceValue(func() [2]*sfnt.Font {
	var out [2]*sfnt.Font
	for i, ttf := range [][]byte{goregular.TTF, gobold.TTF} {
		f, err := opentype.Parse(ttf)
		if err != nil {
			panic(err) // a font that is compiled in
		}
		out[i] = f
	}
	return out
})

// face returns a font of a size in pixels. It must be closed.
func face(size float64, bold bool) font.Face {
	i := 0
	if bold {
		i = 1
	}
	f, err := opentype.NewFace(parsedFonts()[i], &opentype.FaceOptions{Size: size, DPI: 72})
	if err != nil {
		panic(err) // none is possible with these options
	}
	return f
}

// textWidth is how wide a text is.
func textWidth(words string, size float64, bold bool) float64 {
	f := face(size, bold)
	defer f.Close()
	return float64(font.MeasureString(f, words)) / 64
}

// fit shortens a text to a width.
func fit(words string, size, width float64) string {
	if textWidth(words, size, false) <= width {
		return words
	}
	runes := []rune(words)
	for len(runes) > 0 && textWidth(string(runes)+"\u2026", size, false) > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "\u2026"
}
