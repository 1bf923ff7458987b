package encode

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mkbtf/emit"
)

// TestSigned encodes a signed module: not at all, or without its signature and with a
// word on what is to be done then.
func TestSigned(t *testing.T) {
	module, err := os.ReadFile("../../testdata/hello.ko")
	if err != nil {
		t.Fatal(err)
	}
	signed := append(module, "PKCS#7\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x06~Module signature appended~\n"...)
	path := filepath.Join(t.TempDir(), "hello.ko")
	if err := os.WriteFile(path, signed, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(drop bool) (notes string, err error) {
		var list []string
		note := func(_, message string) { list = append(list, message) }
		errs := Files([]string{path}, Options{Form: SelfContained, DropSignature: drop, Note: note, Jobs: 1}, nil)
		return strings.Join(list, "\n"), errs[0]
	}
	if _, err := run(false); !errors.Is(err, emit.ErrSigned) || !strings.Contains(err.Error(), "--drop-signature and sign it again") {
		t.Errorf("error %v", err)
	}
	if data, err := os.ReadFile(path); err != nil || !bytes.Equal(data, signed) {
		t.Errorf("a module that is refused was changed: %v", err)
	}
	if notes, err := run(true); err != nil || !strings.Contains(notes, "sign the module again") {
		t.Errorf("error %v, notes\n%s", err, notes)
	}
	if data, err := os.ReadFile(path); err != nil || bytes.Contains(data, []byte("~Module signature appended~")) {
		t.Errorf("the signature is still there: %v", err)
	}
	if notes, err := run(false); err != nil || !strings.Contains(notes, "has this BTF already") || strings.Contains(notes, "sign the module again") {
		t.Errorf("a second time: error %v, notes\n%s", err, notes)
	}
}
