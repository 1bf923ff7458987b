package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mkbtf/internal/compare"
)

var update = flag.Bool("update", false, "write the golden files anew")

// example is a report on a few modules, checked against three kernels.
func example(t testing.TB) *compare.Report {
	t.Helper()
	data, err := os.ReadFile("../compare/testdata/example.json")
	if err != nil {
		t.Fatal(err)
	}
	r := new(compare.Report)
	if err := json.Unmarshal(data, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// oneKernel is a report on modules that were checked against their own kernel only, with
// totals that are far apart and nothing that was compressed.
func oneKernel(t testing.TB) *compare.Report {
	r := example(t)
	r.Kernels = r.Kernels[:1]
	r.Compression, r.Dictionary = compare.Compression{Method: "none"}, nil
	added := map[compare.FormID]int64{
		compare.FormSplit: 9_800_000, compare.FormDistilled: 11_700_000, compare.FormOwn: 13_000_000,
		compare.FormReachable: 171_000_000, compare.FormAll: 195_000_000, compare.FormFound: 9_900_000,
	}
	for i := range r.Forms {
		f := &r.Forms[i]
		f.Portability, f.Packed, f.WithDictionary = nil, nil, nil
		f.Accepted = f.Accepted[:min(1, len(f.Accepted))]
		f.Modules, f.File.Total = 1138, 106_100_000+added[f.ID]
		f.FileOverNone = float64(f.File.Total) / 106_100_000
	}
	return r
}

// longNames is a report on kernels that are called by long paths, and forms that lie close
// together.
func longNames(t testing.TB) *compare.Report {
	r := example(t)
	long := strings.Repeat("/a-folder-with-a-long-name", 8) + "/vmlinux"
	r.Base.Name = long
	for i := range r.Kernels {
		r.Kernels[i].Name = long
	}
	r.Kernels = r.Kernels[:2]
	for i := range r.Forms {
		f := &r.Forms[i]
		f.Accepted = f.Accepted[:min(2, len(f.Accepted))]
		f.File.Total = 6_900_000 + int64(i)
		if f.Portability != nil {
			half := 0.5
			f.Portability = &half
		}
	}
	r.Forms[len(r.Forms)-1].Portability = nil
	return r
}

// manyModules is a report on more modules than a browser should be given at once.
func manyModules(t testing.TB, n int) *compare.Report {
	r := example(t)
	few := r.Modules
	for i := range n - len(few) {
		m := few[i%len(few)]
		m.Path = fmt.Sprintf("kernel/drivers/vendor-%d/module-%d.ko", i%37, i)
		m.Sizes = slices.Clone(m.Sizes)
		for j := range m.Sizes {
			m.Sizes[j].File += int64(i*i) % 100_003
		}
		r.Modules = append(r.Modules, m)
	}
	return r
}

var reports = []struct {
	name string
	make func(testing.TB) *compare.Report
}{
	{"example", example},
	{"one-kernel", oneKernel},
	{"long-names", longNames},
	{"nothing", func(testing.TB) *compare.Report {
		return &compare.Report{Version: compare.Version, Tool: "mkbtf", NoBase: "no base was given"}
	}},
}

var writers = []struct {
	ext   string
	write func(io.Writer, *compare.Report) error
}{{"svg", WriteSVG}, {"html", WriteHTML}}

// TestGolden compares the plots and pages of reports with testdata.
func TestGolden(t *testing.T) {
	for _, r := range reports {
		for _, w := range writers {
			name := r.name + "." + w.ext
			t.Run(name, func(t *testing.T) {
				var out bytes.Buffer
				if err := w.write(&out, r.make(t)); err != nil {
					t.Fatal(err)
				}
				golden := filepath.Join("testdata", name)
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
			})
		}
	}
}

// script is what is no markup in a page.
var script = regexp.MustCompile(`(?s)<script>.*?</script>`)

// TestWellFormed reads plot and page with an XML parser: the page is written so that it is
// both HTML and XML.
func TestWellFormed(t *testing.T) {
	for _, r := range reports {
		for _, w := range writers {
			t.Run(r.name+"."+w.ext, func(t *testing.T) {
				var out bytes.Buffer
				if err := w.write(&out, r.make(t)); err != nil {
					t.Fatal(err)
				}
				checkXML(t, script.ReplaceAll(out.Bytes(), nil))
			})
		}
	}
}

// checkXML checks that elements end where they should and that ids are the only ones.
func checkXML(t *testing.T, text []byte) {
	t.Helper()
	ids := map[string]bool{}
	var refers []string
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			switch a.Name.Local {
			case "id":
				if ids[a.Value] {
					t.Errorf("two elements with the id %s", a.Value)
				}
				ids[a.Value] = true
			case "aria-labelledby":
				refers = append(refers, strings.Fields(a.Value)...)
			}
		}
	}
	for _, id := range refers {
		if !ids[id] {
			t.Errorf("no element has the id %s", id)
		}
	}
}

// policy forbids browsers to fetch anything, and names the kinds of it.
var policy = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)

// TestNothingFromOutside: neither plot nor page refers to anything but itself.
func TestNothingFromOutside(t *testing.T) {
	refers := regexp.MustCompile(`(?i)(https?:)?//[a-z]|@import|\b(src|href|url)\b[ =(]*["']?[^"'>)]*`)
	for _, r := range reports {
		for _, w := range writers {
			var out bytes.Buffer
			if err := w.write(&out, r.make(t)); err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(out.String(), `xmlns="http://www.w3.org/2000/svg"`, "")
			text = policy.ReplaceAllString(text, "")
			for _, m := range refers.FindAllString(text, -1) {
				if m != `href="data:,` {
					t.Errorf("%s.%s: refers to %q", r.name, w.ext, m)
				}
			}
		}
	}
}

// TestHostileNames: what a file's name holds is text, wherever it is shown.
func TestHostileNames(t *testing.T) {
	r := example(t)
	const evil = `</script><script>alert(1)</script><img src=x onerror=alert(1)>"'&` + "\x01\xff"
	r.Base.Name, r.Tool = evil, evil
	r.Modules[0].Path, r.Modules[0].Found = evil, evil
	for i := range r.Kernels {
		r.Kernels[i].Name = evil
	}
	r.Failed = append(r.Failed, compare.Failure{Path: evil, Error: evil})
	for i := range r.Forms {
		r.Forms[i].File.LargestModule = evil
	}
	for _, w := range writers {
		var out bytes.Buffer
		if err := w.write(&out, r); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(out.Bytes(), []byte("<script>alert")) || bytes.Contains(out.Bytes(), []byte("<img")) {
			t.Errorf("%s: a name became markup", w.ext)
		}
		if w.ext == "svg" { // HTML takes control characters
			checkXML(t, out.Bytes())
		}
	}
}

// TestPNG looks for the colour of every form in the picture.
func TestPNG(t *testing.T) {
	var out bytes.Buffer
	if err := WritePNG(&out, oneKernel(t)); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&out)
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() != plotWidth*pngScale || b.Dy() != plotHeight*pngScale {
		t.Errorf("%v", b)
	}
	seen := map[color.Color]int{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			seen[color.RGBAModel.Convert(img.At(x, y))]++
		}
	}
	for c := range colours {
		if n := seen[rgb(tint(c))]; n < 50 {
			t.Errorf("%d pixels in the colour of %s", n, tintClasses[c])
		}
	}
}

// TestLabels: no label of a plot covers another, a dot of another or the axes.
func TestLabels(t *testing.T) {
	for _, r := range reports {
		var backs []shape
		s := plot(r.make(t))
		for _, sh := range s.shapes {
			if sh.kind == rectShape {
				backs = append(backs, sh)
			}
		}
		for i, a := range backs {
			if a.x < plotLeft || a.x2 > plotWidth || a.y < 0 || a.y2 > plotBottom {
				t.Errorf("%s: label %d is at %v", r.name, i, a)
			}
			for _, b := range backs[:i] {
				if (box{a.x, a.y, a.x2, a.y2}).meets(box{b.x, b.y, b.x2, b.y2}) {
					t.Errorf("%s: a label covers another: %v, %v", r.name, a, b)
				}
			}
			for _, sh := range s.shapes {
				if sh.kind == dotShape && (box{a.x, a.y, a.x2, a.y2}).meets(box{sh.x - sh.r, sh.y - sh.r, sh.x + sh.r, sh.y + sh.r}) {
					t.Errorf("%s: a label covers a dot: %v, %v", r.name, a, sh)
				}
			}
		}
		for _, sh := range s.shapes {
			if sh.kind != textShape || sh.turned {
				continue
			}
			from := sh.x
			width := textWidth(sh.words, sh.r, sh.bold)
			switch sh.anchor {
			case anchorMiddle:
				from -= width / 2
			case anchorEnd:
				from -= width
			}
			if from < 0 || from+width > plotWidth {
				t.Errorf("%s: %q is cut off", r.name, sh.words)
			}
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrors(t *testing.T) {
	for name, write := range map[string]func(io.Writer, *compare.Report) error{"svg": WriteSVG, "png": WritePNG, "html": WriteHTML} {
		if err := write(brokenWriter{}, example(t)); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkHTML(b *testing.B) {
	r := manyModules(b, 4230)
	for b.Loop() {
		if err := WriteHTML(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
