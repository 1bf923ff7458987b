package kernel

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/internal/compress"
	"mkbtf/internal/object"
	"mkbtf/internal/verify"
)

// TestBootImage takes the BTF out of boot images and compares it with that of the
// vmlinux in the debug package.
func TestBootImage(t *testing.T) {
	k := needDebug(t)
	image, err := object.LoadBTF(k.image())
	if err != nil {
		t.Fatal(err)
	}
	vmlinux, err := object.LoadBTF(k.vmlinux())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(image.BTF, vmlinux.BTF) || image.Release != vmlinux.Release || image.Machine != vmlinux.Machine {
		t.Errorf("%d bytes of %s for %s in the image (%s), %d of %s for %s in vmlinux", len(image.BTF), image.Release, image.Machine, image.From, len(vmlinux.BTF), vmlinux.Release, vmlinux.Machine)
	}
}

// TestCompressedModule encodes a module as the distribution ships it, compressed,
// stripped and signed, with the DWARF of its debug file, over the boot image of an
// installed kernel that does not run. The kernel unpacks the result itself.
func TestCompressedModule(t *testing.T) {
	k := needDebug(t)
	vmlinux := k.base(t)
	const name = "veth"
	shipped, err := filepath.Glob(filepath.Join(k.dir, "modules/drivers/net", name+".ko*"))
	if err != nil || len(shipped) != 1 {
		t.Fatalf("shipped module: %q, %v", shipped, err)
	}
	dir := t.TempDir()
	ko := filepath.Join(dir, filepath.Base(shipped[0]))
	copyFile(t, shipped[0], ko)
	release, err := os.ReadFile(filepath.Join(k.dir, "release"))
	if err != nil {
		t.Fatal(err)
	}
	r := strings.TrimSpace(string(release))
	copyFile(t, k.image(), filepath.Join(dir, "boot/vmlinuz-"+r))
	mkbtf(t, "encode", "--form", "distilled", "-k", r, "--sysroot", dir, "--drop-signature", "--debug-file", filepath.Join(k.modules(), "drivers/net", name+".ko"), ko)
	f, err := object.Open(ko)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if want := compress.ForName(ko, compress.None); f.Packed != want {
		t.Errorf("packed with %s, was packed with %s", f.Packed, want)
	}
	data, err := f.BTF()
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := verify.Relocate(data.BTF, data.Base, vmlinux.Data)
	if err != nil {
		t.Fatal(err)
	}
	g := boot(t, k, "-z", ko)
	if !g.said("insmod " + name + " ok") {
		t.Fatalf("not loaded:\n%s", g)
	}
	if got := g.exposed(t, name); !bytes.Equal(got, want) {
		t.Errorf("/sys/kernel/btf/%s has %d bytes that are not the %d expected", name, len(got), len(want))
	}
}

// copyFile copies a file, making the directory for it.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o777)
	}
	if err == nil {
		err = os.WriteFile(to, data, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}
