package compare

import (
	"debug/elf"
	"errors"
	"fmt"

	"mkbtf/dwarf2btf"
	"mkbtf/emit"
	"mkbtf/internal/check"
	"mkbtf/internal/encode"
	"mkbtf/internal/fileerr"
	"mkbtf/internal/fingerprint"
	"mkbtf/internal/object"
	"mkbtf/internal/strip"
)

// measured is a module in all forms.
type measured struct {
	module Module
	files  [][]byte // the stripped modules, parallel to module.Sizes; nil if nobody wants them
}

func (m *measured) bytes() (n int) {
	for _, f := range m.files {
		n += len(f)
	}
	return n
}

// measure makes all forms of a module.
func (r *runner) measure(path string) (*measured, error) {
	f, err := object.Open(path)
	if err != nil {
		return nil, fileerr.Without(path, err)
	}
	defer f.Close()
	var m *measured
	err = f.Guard(func() (err error) {
		m, err = r.forms(f)
		return err
	})
	if err != nil {
		return nil, fileerr.Without(path, err)
	}
	return m, nil
}

// withoutBTF removes what an encoder adds to a module.
var withoutBTF = []emit.ELFSection{{Name: ".BTF"}, {Name: ".BTF.base"}, {Name: fingerprint.Section}}

func (r *runner) forms(f *object.File) (*measured, error) {
	if isDebugFile(f) {
		return nil, errors.New("is a separate debug file, without the content of the module: name the module")
	}
	plan, err := strip.New(f)
	if err != nil {
		return nil, err
	}
	found, err := check.ReadModule(f)
	if err != nil {
		return nil, err
	}
	m := &measured{module: Module{Path: f.Name, Name: found.Name, DWARF: true, Found: found.Form()}}
	none, err := plan.Bytes(withoutBTF, nil)
	if err != nil {
		return nil, err
	}
	if err := r.add(m, FormNone, none, &check.Module{}, f); err != nil {
		return nil, err
	}
	functions, err := f.Functions()
	if err != nil {
		return nil, err
	}
	err = r.encode(f, func(i int, made *encode.Made) error {
		file, err := plan.Bytes(made.Sections, made.Overwrite)
		if err != nil {
			return err
		}
		as := &check.Module{File: f.Name, Name: found.Name, Release: found.Release, BTF: made.BTF, Base: made.Base, Functions: functions}
		for _, s := range made.Sections {
			if s.Name == fingerprint.Section && s.Data != nil {
				if as.Note, err = fingerprint.Parse(s.Data, f.Order); err != nil {
					return err
				}
			}
		}
		return r.add(m, r.ids[i], file, as, f)
	})
	if errors.Is(err, dwarf2btf.ErrNoDWARF) {
		m.module.DWARF = false
	} else if err != nil {
		return nil, err
	}
	file, err := plan.Bytes(nil, nil)
	if err != nil {
		return nil, err
	}
	return m, r.add(m, FormFound, file, found, f)
}

// encode makes the variants of a module with the DWARF in it, or in a debug file that lies
// among the modules or where debug packages put it.
func (r *runner) encode(f *object.File, each func(int, *encode.Made) error) error {
	err := r.several.Encode(f, "", each)
	if !errors.Is(err, dwarf2btf.ErrNoDWARF) {
		return err
	}
	for _, path := range r.files.debugFor(f.Name) {
		if again := r.several.Encode(f, path, each); !errors.Is(again, object.ErrMismatch) {
			return again
		}
	}
	return err
}

// isDebugFile reports whether strip --only-keep-debug has made the file: code has a size
// and no content.
func isDebugFile(f *object.File) bool {
	for i := range f.Sections {
		s := &f.Sections[i]
		if s.Type == elf.SHT_NOBITS && s.Flags&elf.SHF_EXECINSTR != 0 && s.Size > 0 {
			return true
		}
	}
	return false
}

// add enters a form.
func (r *runner) add(m *measured, id FormID, file []byte, as *check.Module, f *object.File) error {
	mem, err := memory(m.module.Name, as.BTF, as.Base, f.AddrSize())
	if err != nil && id != FormFound { // what a file comes with can be damaged, and no kernel keeps it
		return fmt.Errorf("%s: %w", id, err)
	}
	s := Size{Form: id, File: int64(len(file)), BTF: int64(len(as.BTF) + len(as.Base)), Base: int64(len(as.Base)), Memory: mem}
	if len(as.BTF) > 0 {
		s.Loads = make([]bool, len(r.opts.Kernels))
		for i, k := range r.opts.Kernels {
			s.Loads[i] = k.Takes(as)
		}
	}
	m.module.Sizes = append(m.module.Sizes, s)
	if r.pack != nil {
		m.files = append(m.files, file)
	}
	return nil
}
