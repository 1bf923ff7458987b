package kernels

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestResolve follows links as they would lead if the directory were the root.
func TestResolve(t *testing.T) {
	dir := tree(t, [][2]string{
		{"usr/lib/file", "x"},
		{"lib", "-> usr/lib"},
		{"absolute", "-> /usr/lib/file"},
		{"out", "-> ../../../../usr/lib/file"},
		{"usr/up", "-> ../../lib/../lib"},
		{"a", "-> b"},
		{"b", "-> a"},
		{"dangling", "-> /etc/passwd"},
	})
	for _, tt := range []struct{ name, want string }{
		{"/usr/lib/file", "usr/lib/file"},
		{"/lib/file", "usr/lib/file"},
		{"/absolute", "usr/lib/file"},
		{"/out", "usr/lib/file"},
		{"/usr/up/./file", "usr/lib/file"},
		{"/../../usr/lib/file", "usr/lib/file"},
		{"/a", ""},
		{"/dangling", ""},
		{"/usr/lib/file/x", ""},
		{"/missing", ""},
	} {
		got, err := root(dir).resolve(tt.name)
		if tt.want == "" {
			if err == nil {
				t.Errorf("%s: %s", tt.name, got)
			}
		} else if err != nil || got != filepath.Join(dir, tt.want) {
			t.Errorf("%s: %s, %v", tt.name, got, err)
		}
	}
}

func TestExpand(t *testing.T) {
	dir := tree(t, [][2]string{{"boot/vmlinuz-a", "x"}, {"boot/vmlinuz-b", "x"}, {"boot/vmlinuz-1", "x"}, {"efi", "-> /boot"}, {"one/x/f", "x"}, {"one/y/f", "x"}})
	for _, tt := range []struct{ pattern, want string }{
		{"/boot/vmlinuz-[a-z]*", "/boot/vmlinuz-a /boot/vmlinuz-b"},
		{"/efi/*-1", "/efi/vmlinuz-1"},
		{"/one/*/f", "/one/x/f /one/y/f"},
		{"/none/*", ""},
		{"/not/there", "/not/there"},
	} {
		if got := root(dir).expand(tt.pattern); !slices.Equal(got, strings.Fields(tt.want)) {
			t.Errorf("%s: %q, want %q", tt.pattern, got, tt.want)
		}
	}
}

// TestPlaces makes sure that every pattern can match anything at all.
func TestPlaces(t *testing.T) {
	seen := make(map[place]bool)
	for _, p := range places {
		if seen[p] {
			t.Errorf("%s twice", p.path)
		}
		seen[p] = true
		if (p.kind == anyKernel) == strings.Contains(p.path, "{}") {
			t.Errorf("%s: kind %s", p.path, p.kind)
		}
		dir := t.TempDir()
		name := strings.NewReplacer("{}", want, "[a-zA-Z]*", "linux", "*", "x").Replace(p.path)
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content(t, "vmlinuz "+want), 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := Find(Options{Release: want, Sysroot: dir})
		if err != nil || got.Path != filepath.Join(dir, name) || got.How != p.kind.String() {
			t.Errorf("%s: %v, %v", p.path, got, err)
		}
	}
}
