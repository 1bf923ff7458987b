package object

import (
	"bytes"
	"debug/elf"
)

// Functions are the names of the functions that the file defines, without what
// optimisation appends to them (.isra.0, .cold); nil without an error if the file
// has no symbols.
func (f *File) Functions() (map[string]bool, error) {
	t, err := f.symtab()
	if err != nil || t.count() == 0 {
		return nil, err
	}
	names := make(map[string]bool)
	for i := 1; i < t.count(); i++ {
		s, err := f.symbol(t, i)
		if err != nil {
			return nil, err
		}
		if typ := elf.ST_TYPE(s.info); s.section == 0 || typ != elf.STT_FUNC && typ != elf.STT_NOTYPE && typ != elf.STT_GNU_IFUNC {
			continue
		}
		name, err := symbolName(t.names, s.name)
		if err != nil {
			return nil, f.errorAt(f.Sections[t.index].Name, uint64(i*t.len), "symbol %d: %v", i, err)
		}
		for j := 1; j < len(name); j++ {
			if name[j] == '.' {
				name = name[:j]
			}
		}
		names[string(name)] = true
	}
	return names, nil
}

// ModuleName is what the kernel calls the module (name in .modinfo), "" if the file
// does not tell.
func (f *File) ModuleName() string {
	info, err := f.DataOf(".modinfo")
	if err != nil {
		return ""
	}
	for entry := range bytes.SplitSeq(info, []byte{0}) {
		if name, ok := bytes.CutPrefix(entry, []byte("name=")); ok {
			return string(name)
		}
	}
	return ""
}
