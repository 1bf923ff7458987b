package check

import (
	"path/filepath"
	"strings"

	"mkbtf/btf"
	"mkbtf/internal/compress"
	"mkbtf/internal/fingerprint"
	"mkbtf/internal/object"
)

// Module is what of a module counts for its BTF.
type Module struct {
	File    string // for messages
	Name    string // as the kernel calls it
	Release string // of the kernel that it was built for, from vermagic; "" if unknown
	BTF     []byte // content of .BTF, nil without that section
	Base    []byte // content of .BTF.base, nil without that section
	// Note tells what the BTF was made over; nil if nothing does.
	Note *fingerprint.Note
	// Functions are the names of the functions it defines; nil if it has no symbols.
	Functions map[string]bool
}

// Form says in which form the BTF of a module is.
func (m *Module) Form() string {
	switch {
	case len(m.BTF) == 0:
		return "none"
	case m.Base == nil:
		return "split"
	case isSelfContained(m.Base):
		return "self-contained"
	}
	return "distilled"
}

// LoadModule reads a module from a file, which may be compressed.
func LoadModule(path string) (*Module, error) {
	f, err := object.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var m *Module
	err = f.Guard(func() (err error) {
		m, err = ReadModule(f)
		return err
	})
	return m, err
}

// ReadModule reads a module from an open file.
func ReadModule(f *object.File) (*Module, error) {
	m := &Module{File: f.Name, Name: f.ModuleName(), Release: f.Release()}
	if m.Name == "" {
		name := compress.PlainName(filepath.Base(f.Name))
		m.Name = strings.ReplaceAll(strings.TrimSuffix(name, filepath.Ext(name)), "-", "_")
	}
	var err error
	// An empty .BTF.base is not the same as none: the kernel refuses it.
	if m.BTF, err = section(f, ".BTF"); err != nil {
		return nil, err
	}
	if m.Base, err = section(f, ".BTF.base"); err != nil {
		return nil, err
	}
	if len(m.BTF) == 0 {
		return m, nil
	}
	if m.Functions, err = f.Functions(); err != nil {
		return nil, err
	}
	raw, err := section(f, fingerprint.Section)
	if err != nil || raw == nil {
		return m, err
	}
	// A note of another version says nothing; one that belongs to other BTF neither.
	if n, err := fingerprint.Parse(raw, f.Order); err == nil && n.BTF == fingerprint.Of(m.BTF) {
		m.Note = n
	}
	return m, nil
}

// section returns a copy of a section, nil if there is none or if strip has left
// only its header in a separate debug file.
func section(f *object.File, name string) ([]byte, error) {
	i, ok := f.Section(name)
	if !ok {
		return nil, nil
	}
	data, err := f.Data(i)
	if err != nil || data == nil {
		return nil, err
	}
	return append([]byte{}, data...), nil
}

// isSelfContained reports whether a .BTF.base holds nothing but one INT: then no
// type of the kernel's has to be there but int.
func isSelfContained(base []byte) bool {
	b, err := btf.ParseTrusted(base, nil)
	return err == nil && b.End() == b.Start()+1 && b.Record(b.Start()).Kind() == btf.Int
}
