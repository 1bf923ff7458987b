package kbuild

import (
	"errors"
	"fmt"
	"io"
	"os"

	"mkbtf/btf"
	"mkbtf/emit"
	"mkbtf/internal/btfids"
	"mkbtf/internal/keep"
	"mkbtf/internal/modfile"
	"mkbtf/internal/object"
)

// ErrWarnings says that there were warnings, and that they were to be errors.
var ErrWarnings = errors.New("there were warnings (--fatal_warnings)")

// Resolve are the options of resolve_btfids, with the names that they have there.
// Which contract holds follows from them:
//
//   - without BTF and PatchIDs, that of Linux up to 6.19: the ids go into the file;
//   - with BTF, that of Linux from 7.0 on: the file is left alone, and FILE.BTF,
//     FILE.BTF.base and FILE.BTF_ids are written for objcopy;
//   - with PatchIDs, the last step of the latter.
type Resolve struct {
	BTF           string // --btf: what the encoder has made, raw
	Base          string // --btf_base, -b: the kernel's BTF
	PatchIDs      string // --patch_btfids: FILE.BTF_ids
	DistillBase   bool   // --distill_base: make .BTF.base
	FatalWarnings bool   // --fatal_warnings
	// Form overrides DistillBase: "split", "distilled", "self-contained"; "" or "auto" do not.
	Form string
	// Warn is told what is wrong though the file is written, Note everything else.
	Warn, Note func(message string)

	warnings int
}

func (r *Resolve) warn(format string, args ...any) {
	r.warnings++
	if r.Warn != nil {
		r.Warn(fmt.Sprintf(format, args...))
	}
}

func (r *Resolve) note(format string, args ...any) {
	if r.Note != nil {
		r.Note(fmt.Sprintf(format, args...))
	}
}

// File does for one ELF file what the options say.
func (r *Resolve) File(path string) error {
	return object.Edit(path, func(f *object.File) error {
		r.warnings = 0
		return r.file(path, f)
	})
}

func (r *Resolve) file(path string, f *object.File) (err error) {
	switch {
	case r.PatchIDs != "":
		ids, err := os.ReadFile(r.PatchIDs)
		if err != nil {
			return err
		}
		return overwriteIDs(path, f, ids)
	case r.BTF != "":
		err = r.write(path, f)
	default:
		err = r.inPlace(path, f)
	}
	if err == nil && r.FatalWarnings && r.warnings > 0 {
		err = ErrWarnings
	}
	return err
}

// overwriteIDs replaces the content of .BTF_ids.
func overwriteIDs(path string, f *object.File, ids []byte) error {
	_, err := modfile.Write(path, f, nil, emit.ELFOptions{Overwrite: []emit.ELFContent{{Name: ".BTF_ids", Data: ids}}}, "", nil)
	return err
}

// inPlace resolves the ids of a file against its own BTF.
func (r *Resolve) inPlace(path string, f *object.File) error {
	ids, err := section(f)
	if err != nil || ids == nil {
		return err
	}
	data, err := f.BTF()
	if err != nil {
		return err
	}
	var base *btf.Blob
	if r.Base != "" && data.Base == nil { // a module's own base goes before the kernel's
		if base, err = loadBase(r.Base); err != nil {
			return err
		}
	}
	blob, err := data.Parse(base)
	if err != nil {
		return err
	}
	if err := ids.Attribute(blob); err != nil {
		return err
	}
	return overwriteIDs(path, f, r.resolve(ids, blob))
}

// section reads .BTF_ids; nil if there is none.
func section(f *object.File) (*btfids.Section, error) {
	src, err := f.Source()
	if err != nil {
		return nil, err
	}
	return btfids.FromSource(src)
}

func loadBase(path string) (*btf.Blob, error) {
	data, err := object.LoadBTF(path)
	if err != nil {
		return nil, err
	}
	b, err := data.ParseKernel()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// resolve fills in the ids, and warns in the words of resolve_btfids, which people
// and scripts look for.
func (r *Resolve) resolve(ids *btfids.Section, blob *btf.Blob) []byte {
	res := ids.Resolve(blob)
	for _, id := range res.Unresolved {
		r.warn("WARN: resolve_btfids: unresolved symbol %s", id.Name)
	}
	for _, id := range res.Ambiguous {
		r.note("WARN: multiple IDs found for '%s': using the first one", id.Name)
	}
	for _, id := range res.Foreign {
		r.warn("WARN: resolve_btfids: kfunc %s is a function of the kernel, not of the module: BPF programs will not find it there", id.Name)
	}
	return res.Data
}

// write makes the files that the build of Linux 7.0 and later adds to the module, or
// links into vmlinux.
func (r *Resolve) write(path string, f *object.File) error {
	data, err := object.LoadBTF(r.BTF)
	if err != nil {
		return err
	}
	var base *btf.Blob
	if r.Base != "" {
		if base, err = loadBase(r.Base); err != nil {
			return err
		}
	}
	blob, err := btf.Parse(data.BTF, base)
	if err != nil {
		return fmt.Errorf("%s: %w", r.BTF, err)
	}
	ids, err := section(f)
	if err != nil {
		return err
	}
	out, err := r.finish(blob, base, ids)
	if err != nil {
		return err
	}
	if err := writeFile(path+".BTF", out.BTF); err != nil {
		return err
	}
	if err := writeFile(path+".BTF.base", out.Base); err != nil {
		return err
	}
	var content []byte
	if ids != nil {
		final, err := (&object.BTFData{BTF: out.BTF, Base: out.Base}).Parse(base)
		if err != nil {
			return err
		}
		if err := ids.Attribute(nil); err != nil {
			return err
		}
		content = r.resolve(ids, final)
	}
	return writeFile(path+".BTF_ids", content)
}

// finish turns what the encoder made into what the kernel gets: with what kfuncs
// need, without repetitions, in its form, sorted by name.
func (r *Resolve) finish(blob, base *btf.Blob, ids *btfids.Section) (*emit.Output, error) {
	t := blob.Table(nil)
	if ids != nil {
		missing, _, err := btfids.Decorate(t, base, ids.KFuncs(), btfids.Decorations{Tags: true, Attributes: true, Implicit: true})
		if err != nil {
			return nil, err
		}
		for _, k := range missing {
			r.warn("WARN: resolve_btfids: kfunc %s has no FUNC in the BTF: BPF programs will not be able to call it", k.Name)
		}
	}
	t, err := dedupAgain(t, base)
	if err != nil {
		return nil, err
	}
	form := r.Form
	if form == "" || form == "auto" {
		form = "split"
		if r.DistillBase {
			form = "distilled"
		}
	}
	switch {
	case form == "split", base == nil && r.Form == "":
		return emit.Split(t, base, blob.Order)
	case base == nil:
		return nil, fmt.Errorf("form %s: needs --btf_base", form)
	case form == "distilled":
		return emit.Distilled(t, base, blob.Order, emit.DistilOptions{})
	case form == "self-contained":
		return emit.SelfContained(keep.Cut(t, base, nil, 0), blob.Order)
	}
	return nil, fmt.Errorf("unknown form %q: want auto, split, distilled or self-contained", r.Form)
}

// writeFile writes a file, or removes the one of an earlier run if there is nothing
// to write.
func writeFile(path string, data []byte) error {
	if data == nil {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	_, err := emit.ReplaceFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}, emit.ReplaceOptions{})
	return err
}
