package compare

import (
	"cmp"
	"slices"
)

// total fills in Forms and NoDWARF from Modules. order is that of the forms.
func (r *Report) total(dictionaries map[FormID]dictionarySize) {
	var with, without []*Module
	for i := range r.Modules {
		if m := &r.Modules[i]; m.DWARF {
			with = append(with, m)
		} else {
			without = append(without, m)
		}
	}
	r.Forms = r.totals(with, dictionaries)
	r.NoDWARF = r.totals(without, dictionaries)
}

// dropFound leaves FormFound out if no module came with BTF: it is FormNone then.
func (r *Report) dropFound() {
	if slices.ContainsFunc(r.Modules, func(m Module) bool { return m.Found != "none" }) {
		return
	}
	for i := range r.Modules {
		m := &r.Modules[i]
		m.Sizes = slices.DeleteFunc(m.Sizes, func(s Size) bool { return s.Form == FormFound })
	}
}

// dictionarySize is the size of a form's dictionary, or why there is none.
type dictionarySize struct {
	size int64
	err  string
}

// totals adds up modules that were measured in the same forms.
func (r *Report) totals(modules []*Module, dictionaries map[FormID]dictionarySize) []FormTotals {
	list := []FormTotals{}
	if len(modules) == 0 {
		return list
	}
	for i := range forms {
		f := &forms[i]
		if modules[0].Size(f.id) == nil {
			continue
		}
		list = append(list, r.formTotals(f, modules, dictionaries))
	}
	var none, split *FormTotals
	for i := range list {
		switch list[i].ID {
		case FormNone:
			none = &list[i]
		case FormSplit:
			split = &list[i]
		}
	}
	for i := range list {
		list[i].compare(none, split)
	}
	return list
}

func (r *Report) formTotals(f *form, modules []*Module, dictionaries map[FormID]dictionarySize) FormTotals {
	stat := func(value func(s *Size) int64) Stat { return statOf(modules, f.id, value) }
	t := FormTotals{
		ID: f.id, Label: f.label, Reach: f.reach, Programs: f.programs, Modules: len(modules),
		File:   stat(func(s *Size) int64 { return s.File }),
		BTF:    stat(func(s *Size) int64 { return s.BTF }),
		Memory: stat(func(s *Size) int64 { return s.Memory }),
	}
	if r.Compression.Method != methodNone {
		packed := stat(func(s *Size) int64 { return s.Packed })
		t.Packed = &packed
	}
	if r.Dictionary != nil {
		if d := dictionaries[f.id]; d.err != "" {
			t.WithDictionary = &DictionaryStat{Error: d.err}
		} else {
			t.WithDictionary = &DictionaryStat{Stat: stat(func(s *Size) int64 { return s.WithDictionary }), Size: d.size}
			t.WithDictionary.TotalWithSize = t.WithDictionary.Total + d.size
		}
	}
	if f.id != FormNone {
		t.Accepted = make([]int, len(r.Kernels))
	}
	for _, m := range modules {
		s := m.Size(f.id)
		t.Base += s.Base
		if s.BTF > 0 {
			t.WithBTF++
		}
		for k, loads := range s.Loads {
			if loads {
				t.Accepted[k]++
			}
		}
	}
	t.Portability = r.portability(&t)
	return t
}

// portability is FormTotals.Portability.
func (r *Report) portability(t *FormTotals) *float64 {
	if t.WithBTF == 0 || len(t.Accepted) == 0 {
		return nil
	}
	sum, others := 0, 0
	for k := range r.Kernels {
		if !r.Kernels[k].Base {
			sum += t.Accepted[k]
			others++
		}
	}
	if others == 0 {
		return nil
	}
	p := float64(sum) / float64(others*t.WithBTF)
	return &p
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// compare fills in the ratios; split may be nil.
func (t *FormTotals) compare(none, split *FormTotals) {
	if none != nil {
		t.FileOverNone = ratio(t.File.Total, none.File.Total)
		if t.Packed != nil {
			t.PackedOverNone = ratio(t.Packed.Total, none.Packed.Total)
		}
		if t.WithDictionary != nil {
			t.WithDictionary.OverNone = ratio(t.WithDictionary.TotalWithSize, none.WithDictionary.TotalWithSize)
		}
	}
	if split != nil {
		t.FileOverSplit = ratio(t.File.Total, split.File.Total)
		t.BTFOverSplit = ratio(t.BTF.Total, split.BTF.Total)
		if t.Packed != nil {
			t.PackedOverSplit = ratio(t.Packed.Total, split.Packed.Total)
		}
		if t.WithDictionary != nil {
			t.WithDictionary.OverSplit = ratio(t.WithDictionary.TotalWithSize, split.WithDictionary.TotalWithSize)
		}
	}
}

// statOf sums a value of one form up over modules.
func statOf(modules []*Module, id FormID, value func(*Size) int64) Stat {
	type of struct {
		n    int64
		path string
	}
	list := make([]of, len(modules))
	var s Stat
	for i, m := range modules {
		list[i] = of{value(m.Size(id)), m.Path}
		s.Total += list[i].n
	}
	slices.SortFunc(list, func(a, b of) int { return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(b.path, a.path)) })
	s.Median, s.P90 = list[rank(len(list), 50)].n, list[rank(len(list), 90)].n
	if last := list[len(list)-1]; last.n > 0 {
		s.Largest, s.LargestModule = last.n, last.path
	}
	return s
}

// rank is the index of a percentile among n sorted values, by nearest rank.
func rank(n, percent int) int { return max(0, (n*percent+99)/100-1) }
