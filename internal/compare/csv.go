package compare

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
)

// WriteJSON writes the report as JSON, indented.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	return e.Encode(r)
}

// csvColumns are those of WriteCSV; one for each kernel follows.
var csvColumns = []string{"path", "module", "dwarf", "form", "file", "btf", "base", "packed", "with_dictionary", "memory"}

// WriteCSV writes a line for each module and form. A cell is empty where nothing was
// measured; the columns behind memory are named after the kernels and say true or false.
func (r *Report) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	head := append([]string{}, csvColumns...)
	for i := range r.Kernels {
		head = append(head, "loads "+r.Kernels[i].Name)
	}
	if err := c.Write(head); err != nil {
		return err
	}
	for i := range r.Modules {
		m := &r.Modules[i]
		for j := range m.Sizes {
			s := &m.Sizes[j]
			line := []string{
				m.Path, m.Name, strconv.FormatBool(m.DWARF), string(s.Form),
				strconv.FormatInt(s.File, 10), strconv.FormatInt(s.BTF, 10), strconv.FormatInt(s.Base, 10),
				unlessZero(s.Packed), unlessZero(s.WithDictionary), strconv.FormatInt(s.Memory, 10),
			}
			for k := range r.Kernels {
				cell := ""
				if k < len(s.Loads) {
					cell = strconv.FormatBool(s.Loads[k])
				}
				line = append(line, cell)
			}
			if err := c.Write(line); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

// unlessZero is a number that is not there if it is 0.
func unlessZero(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
