package golden

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/btf"
	"mkbtf/internal/encode"
)

const testdata = "../../testdata"

// An object is one file of testdata/obj.
type object struct {
	variant, module string
	path            string
	units           []unit // sources and how they were compiled; nil for what build.sh links by hand
}

func (o object) name() string { return o.variant + "/" + o.module }

// A unit is a source of an object with the command that compiles it.
type unit struct {
	source  string
	command []string
}

// objects lists what testdata/build.sh builds, with the commands it uses.
func objects(t *testing.T) []object {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(testdata, "obj/*/*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no objects in testdata/obj: %v", err)
	}
	cmd := exec.Command(filepath.Join(testdata, "build.sh"), "--commands")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("build.sh --commands: %v", err)
	}
	units := map[string][]unit{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		name := f[0] + "/" + f[1]
		units[name] = append(units[name], unit{source: f[2], command: strings.Fields(f[3])})
	}
	var list []object
	for _, p := range paths {
		o := object{variant: filepath.Base(filepath.Dir(p)), path: p}
		o.module = strings.TrimSuffix(filepath.Base(p), filepath.Ext(p))
		o.units = units[o.name()]
		list = append(list, o)
	}
	return list
}

// encodeObject is what the tests look at: the object as self-contained BTF.
func encodeObject(o object) (*btf.Blob, error) {
	e, err := encode.New(encode.Options{Form: encode.SelfContained})
	if err != nil {
		return nil, err
	}
	out, err := e.Open(o.path, true)
	if err != nil {
		return nil, err
	}
	return btf.Parse(out.BTF, nil)
}
