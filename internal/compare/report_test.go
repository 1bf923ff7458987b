package compare

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// The example is what other packages are tested with: it must be a whole report.
func TestExample(t *testing.T) {
	data, err := os.ReadFile("testdata/example.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var r Report
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if r.Version != Version {
		t.Errorf("version %d, want %d", r.Version, Version)
	}
	if len(r.Forms) != len(forms) {
		t.Fatalf("%d forms, want all %d", len(r.Forms), len(forms))
	}
	for i := range forms {
		f := r.Forms[i]
		if f.ID != forms[i].id || f.Label != forms[i].label {
			t.Errorf("form %d is %s %q, want %s %q", i, f.ID, f.Label, forms[i].id, forms[i].label)
		}
		var sum int64
		n := 0
		for j := range r.Modules {
			if s := r.Modules[j].Size(f.ID); s != nil && r.Modules[j].DWARF {
				sum += s.File
				n++
			}
		}
		if sum != f.File.Total || n != f.Modules {
			t.Errorf("%s: modules say %d files with %d bytes, the totals %d with %d", f.ID, n, sum, f.Modules, f.File.Total)
		}
	}
}
