package kernel

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	sizes "mkbtf/internal/compare"
	"mkbtf/internal/report"
)

// TestCompareSizes runs examples/compare-sizes on a folder of modules, tried on another
// kernel too, and holds what it prints against what the forms promise.
func TestCompareSizes(t *testing.T) {
	needDebug(t)
	needKernel(t, "7", "cloud-amd64")
	svg, html := filepath.Join(t.TempDir(), "sizes.svg"), filepath.Join(t.TempDir(), "sizes.html")
	out := compareSizes(t, "--modules", "drivers/block", "--against", "7 cloud-amd64", "6.12", "cloud-amd64", "deb12", "--",
		"--compress", "none", "--json", "--plot", svg, "--html", html)
	r := new(sizes.Report)
	if err := json.Unmarshal(out, r); err != nil {
		t.Fatal(err)
	}
	if len(r.Modules) < 5 || len(r.Failed) > 0 || len(r.Kernels) != 2 || !r.Kernels[0].Base || r.Kernels[1].Base {
		t.Fatalf("%d modules, %d failed, kernels %v", len(r.Modules), len(r.Failed), r.Kernels)
	}
	var last int64 = -1
	for _, id := range []sizes.FormID{sizes.FormNone, sizes.FormSplit, sizes.FormDistilled, sizes.FormOwn, sizes.FormReachable, sizes.FormAll} {
		f := r.Form(id)
		if f == nil || f.BTF.Total <= last {
			t.Fatalf("%s is not larger than the form before: %+v", id, f)
		}
		last = f.BTF.Total
		if id == sizes.FormNone {
			continue
		}
		if f.WithBTF != f.Modules || f.Accepted[0] != f.WithBTF {
			t.Errorf("%s: %d of %d modules have BTF, the base takes %d", id, f.WithBTF, f.Modules, f.Accepted[0])
		}
		taken := f.Accepted[1]
		switch id {
		case sizes.FormSplit:
			if taken != 0 {
				t.Errorf("split: another kernel takes %d", taken)
			}
		case sizes.FormOwn, sizes.FormReachable, sizes.FormAll:
			if taken != f.WithBTF {
				t.Errorf("%s: the other kernel takes %d of %d", id, taken, f.WithBTF)
			}
		}
	}
	var plot, page bytes.Buffer
	if err := report.WriteSVG(&plot, r); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteHTML(&page, r); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]byte{svg: plot.Bytes(), html: page.Bytes()} {
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not that of the report: %v", filepath.Base(path), err)
		}
	}
	text := string(compareSizes(t, "--modules", "drivers/block", "--", "--compress", "none"))
	for _, form := range []string{"none", "split", "distilled", "self-contained, own", "self-contained, all", "as found"} {
		if !strings.Contains(text, "\n  "+form) && !strings.Contains(text, " "+form+" ") {
			t.Errorf("no %q in\n%s", form, text)
		}
	}
}

func compareSizes(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(filepath.Join(root, "examples/compare-sizes/debian.sh"), args...)
	cmd.Env = append(os.Environ(), "MKBTF="+program)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("debian.sh %s: %v\n%s", strings.Join(args, " "), err, messages.Bytes())
	}
	if !strings.Contains(messages.String(), "Linux version 6.12.") {
		t.Errorf("it does not say which kernel it is:\n%s", messages.Bytes())
	}
	return out
}
