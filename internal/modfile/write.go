// Package modfile puts sections into a module's file, or into a copy of it.
package modfile

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"mkbtf/emit"
	"mkbtf/internal/compress"
	"mkbtf/internal/object"
)

// Write plans the edit and writes the file: in place with out empty, to stdout if
// it is "-", else to a file of that name. A compressed module is compressed again in
// the same way; for a copy its name says how. changed is false if the file held
// just that already, and then was not touched.
func Write(path string, f *object.File, sections []emit.ELFSection, opts emit.ELFOptions, out string, stdout io.Writer) (changed bool, err error) {
	if out == "" && !f.Regular() {
		return false, fmt.Errorf("%s: is not a regular file: name another one to write to (--output)", path)
	}
	edit, err := emit.EditELF(f.Bytes(), sections, opts)
	if err != nil {
		return false, err
	}
	edit.CopyFrom(f.Disk())
	packing := f.Packed
	if out != "" {
		packing = compress.ForName(out, f.Packed)
	}
	write := func(w io.Writer) error { return pack(edit, packing, w) }
	switch out {
	case "-":
		return true, write(stdout)
	case "":
		if edit.Unchanged() {
			return false, nil
		}
		return emit.ReplaceFile(path, write, emit.ReplaceOptions{Ready: f.Current})
	}
	st, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	_, err = emit.ReplaceFile(out, write, emit.ReplaceOptions{Perm: st.Mode().Perm(), Ready: f.Changed})
	return true, err
}

// pack writes an edited module, compressed in a way that the kernel reads.
func pack(edit *emit.ELFEdit, m compress.Method, w io.Writer) error {
	if m == compress.None {
		_, err := edit.WriteTo(w)
		return err
	}
	var plain bytes.Buffer
	if _, err := edit.WriteTo(&plain); err != nil {
		return err
	}
	packed, err := compress.Pack(m, plain.Bytes())
	if err != nil {
		return err
	}
	_, err = w.Write(packed)
	return err
}

// SignAgain says what is left to do after a module was changed: nothing, "", if it
// was not signed.
func SignAgain(f *object.File) string {
	if _, signed, err := f.Signature(); err != nil || !signed {
		return ""
	}
	return "the signature is dropped: sign the module again if the kernel wants that (scripts/sign-file), before it is compressed"
}

// CheckSignature refuses to change a signed module, unless its signature may be
// dropped. The error matches emit.ErrSigned.
func CheckSignature(f *object.File, drop bool) error {
	_, signed, err := f.Signature()
	if err != nil || !signed || drop {
		return err
	}
	return fmt.Errorf("%w: any change voids the signature: use --drop-signature and sign it again afterwards", emit.ErrSigned)
}
