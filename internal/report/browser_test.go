package report

import (
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestBrowser opens the page in a browser, as an address asks for it, and reads what its
// script has made of it.
func TestBrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("chromium is not installed")
	}
	dir := t.TempDir()
	open := func(address string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--user-data-dir="+filepath.Join(dir, "profile"), "--dump-dom", address).Output()
		return string(out), err
	}
	page := filepath.Join(dir, "page.html")
	file, err := os.Create(page)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteHTML(file, manyModules(t, 4230)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		hash, status string
		sorted       string // the column's key and direction
		rows         int
		first        []string // cells of the first row
	}{
		{"", "4,230 modules, the first 200 shown", `path" aria-sort="ascending`, 200, []string{"drivers/block/loop.ko", "split"}},
		{"sort=path&dir=desc&q=VENDOR-36/", "114 of 4,230 modules", `path" aria-sort="descending`, 114, []string{"drivers/vendor-36/module-998.ko"}},
		{"sort=all&dir=desc&measure=btf&q=fs/", "1 of 4,230 modules", `all" aria-sort="descending`, 1, []string{"fs/xfs/xfs.ko", "split", "0 B", "379.2 kB"}},
		{"sort=split&dir=desc&show=none&rows=all", "4,230 modules", `split" aria-sort="descending`, 4230, nil},
		{"measure=loads&q=dummy", "1 of 4,230 modules", `path" aria-sort="ascending`, 1, []string{"drivers/net/dummy.ko", "split", "\u2013", "1 of 3"}},
	} {
		dom, err := open("file://" + page + "#" + c.hash)
		if err != nil && i == 0 {
			t.Skipf("%s does not start here: %v", browser, err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(dom, `role="status">`+c.status+"<") {
			t.Errorf("#%s: no %q in %s", c.hash, c.status, regexp.MustCompile(`role="status">[^<]*`).FindString(dom))
		}
		if !strings.Contains(dom, `data-key="`+c.sorted+`"`) {
			t.Errorf("#%s: not sorted by %s", c.hash, c.sorted)
		}
		rows := listRows(dom)
		if len(rows) != c.rows {
			t.Errorf("#%s: %d rows, want %d", c.hash, len(rows), c.rows)
			continue
		}
		for i, want := range c.first {
			if rows[0][i] != want {
				t.Errorf("#%s: the first row is %q, want %q", c.hash, rows[0], c.first)
				break
			}
		}
		if strings.Contains(c.hash, "show=none") {
			checkDescending(t, rows, 3)
		}
	}
}

var (
	listBody = regexp.MustCompile(`(?s)<table id="list">.*?<tbody>(.*?)</tbody>`)
	listRow  = regexp.MustCompile(`(?s)<tr>(.*?)</tr>`)
	listCell = regexp.MustCompile(`(?s)<t[hd][^>]*>(.*?)</t[hd]>`)
)

// listRows returns the cells of the list of modules.
func listRows(dom string) [][]string {
	body := listBody.FindStringSubmatch(dom)
	if body == nil {
		return nil
	}
	var rows [][]string
	for _, row := range listRow.FindAllStringSubmatch(body[1], -1) {
		var cells []string
		for _, cell := range listCell.FindAllStringSubmatch(row[1], -1) {
			cells = append(cells, html.UnescapeString(cell[1]))
		}
		rows = append(rows, cells)
	}
	return rows
}

// checkDescending checks that the per cents of a column fall, and that those without one
// are last.
func checkDescending(t *testing.T, rows [][]string, column int) {
	t.Helper()
	last, missing := 1e9, 0
	for _, row := range rows {
		v := 0.0
		if _, err := fmt.Sscanf(strings.Replace(row[column], minus, "-", 1), "%f %%", &v); err != nil {
			missing++
			continue
		}
		if v > last || missing > 0 {
			t.Fatalf("%s comes after %v", row[column], last)
		}
		last = v
	}
	if missing == len(rows) {
		t.Error("no figures")
	}
}
