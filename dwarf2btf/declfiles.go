package dwarf2btf

import "path"

// declFileTable reads the file names of the current unit's line table, to which
// DW_AT_decl_file refers.
func (w *Worker) declFileTable() error {
	if !w.c.opts.DeclFiles {
		return nil
	}
	if len(w.fileNames) == 0 {
		w.fileNames = append(w.fileNames, "")
	}
	u := w.cur
	u.fileBase = uint32(len(w.fileNames))
	if !u.hasLines || w.c.src.Line == nil {
		return nil
	}
	r := lineReader{w: w, off: u.stmtList}
	if err := r.header(); err != nil {
		return err
	}
	for _, f := range r.files {
		name := f.name
		if !path.IsAbs(name) {
			if f.dir < uint64(len(r.dirs)) {
				name = path.Join(r.dirs[f.dir], name)
			}
			if !path.IsAbs(name) {
				name = path.Join(u.compDir, name)
			}
		}
		w.fileNames = append(w.fileNames, name)
	}
	return nil
}

// noteDeclFile keeps the file in which the current DIE, which becomes the next
// type, is declared.
func (w *Worker) noteDeclFile(a *abbrev) {
	if !w.c.opts.DeclFiles {
		return
	}
	n, ok := w.constant(a, slotDeclFile)
	if !ok {
		return
	}
	if w.cur.version < 5 {
		n-- // files count from 1; 0 is none
	}
	if n >= uint64(len(w.fileNames))-uint64(w.cur.fileBase) {
		return
	}
	for len(w.declFile) < len(w.types) {
		w.declFile = append(w.declFile, 0)
	}
	w.declFile = append(w.declFile, w.cur.fileBase+uint32(n))
}

// emitDeclFiles fills Unit.Files and Unit.DeclFile for n types.
func (w *Worker) emitDeclFiles(n int) {
	if !w.c.opts.DeclFiles {
		return
	}
	for len(w.declFile) < n {
		w.declFile = append(w.declFile, 0)
	}
	w.out.Files, w.out.DeclFile = w.fileNames, w.declFile[:n]
}

// lineFile is an entry of a line table's list of files.
type lineFile struct {
	name string
	dir  uint64 // index into the list of directories
}

// lineReader reads the header of one line table (DWARF 5, 6.2.4).
type lineReader struct {
	w     *Worker
	off   uint64 // of the table in .debug_line
	d     decoder
	pos   int
	dirs  []string
	files []lineFile
}

func (r *lineReader) malformed(format string, args ...any) error {
	return malformed(".debug_line", r.off+uint64(r.pos), format, args...)
}

// load reads the first n bytes of the table, or as many as there are.
func (r *lineReader) load(n uint64) error {
	sec := r.w.c.src.Line
	if r.off > sec.Size() {
		return r.malformed("line table outside the section")
	}
	data, err := sec.Read(r.off, min(n, sec.Size()-r.off), nil)
	if err != nil {
		return unreadable(".debug_line", r.off, err)
	}
	r.d.data, r.d.big = data, r.w.big
	return nil
}

// num reads an unsigned number; ok turns false at the end of the data.
func (r *lineReader) num(n int, ok *bool) uint64 {
	v, good := r.d.fixed(r.pos, n)
	*ok = *ok && good
	r.pos += n
	return v
}

func (r *lineReader) uleb(ok *bool) uint64 {
	v, next := r.d.uleb(r.pos)
	if next == tooFar {
		*ok = false
		return 0
	}
	r.pos = next
	return v
}

func (r *lineReader) text(ok *bool) string {
	v, next := r.d.unfixed(opString, slotNone, r.pos)
	if next == tooFar {
		*ok = false
		return ""
	}
	r.pos = next
	return string(r.d.bytes(v))
}

func (r *lineReader) header() error {
	const longest = 4 + 8 + 2 + 2 + 8
	if err := r.load(longest); err != nil {
		return err
	}
	ok := true
	offset := 4
	if r.num(4, &ok) == 0xffffffff {
		offset = 8
		r.num(8, &ok)
	}
	version := r.num(2, &ok)
	if version >= 5 {
		r.num(2, &ok) // address and segment selector size
	}
	length := r.num(offset, &ok)
	if !ok || version < 2 || version > 5 {
		return r.malformed("line table header of version %d", version)
	}
	if err := r.load(uint64(r.pos) + length); err != nil {
		return err
	}
	r.num(1, &ok) // minimum_instruction_length
	if version >= 4 {
		r.num(1, &ok) // maximum_operations_per_instruction
	}
	r.num(3, &ok) // default_is_stmt, line_base, line_range
	opcodes := r.num(1, &ok)
	if opcodes > 0 {
		r.pos += int(opcodes) - 1
	}
	h := *r.w.cur.unitHeader
	h.is64 = offset == 8
	r.d.head = &h
	if version >= 5 {
		dirs, err := r.entries()
		if err != nil {
			return err
		}
		for _, d := range dirs {
			r.dirs = append(r.dirs, d.name)
		}
		r.files, err = r.entries()
		return err
	}
	r.dirs = append(r.dirs, r.w.cur.compDir)
	for ok {
		d := r.text(&ok)
		if d == "" {
			break
		}
		r.dirs = append(r.dirs, d)
	}
	for ok {
		name := r.text(&ok)
		if name == "" {
			break
		}
		f := lineFile{name: name, dir: r.uleb(&ok)}
		r.uleb(&ok) // time
		r.uleb(&ok) // size
		r.files = append(r.files, f)
	}
	if !ok {
		return r.malformed("line table header runs past its end")
	}
	return nil
}

// Content types of entries (DWARF 5, 6.2.4.1).
const (
	lnctPath           = 1
	lnctDirectoryIndex = 2
)

// entries reads a list of directories or files of version 5.
func (r *lineReader) entries() ([]lineFile, error) {
	ok := true
	type field struct{ content, form uint64 }
	var format []field
	for n := r.num(1, &ok); n > 0 && ok; n-- {
		format = append(format, field{r.uleb(&ok), r.uleb(&ok)})
	}
	var list []lineFile
	count := r.uleb(&ok)
	if len(format) == 0 && count > 0 {
		return nil, r.malformed("entries without a format")
	}
	for ; count > 0 && ok; count-- {
		var f lineFile
		start := r.pos
		for _, x := range format {
			if x.form > 0xffff || x.form == formIndirect {
				return nil, r.malformed("form %#x in a line table", x.form)
			}
			o, width := formOp(uint16(x.form), r.d.head)
			var v uint64
			if o == opFixed {
				v = r.num(int(width), &ok)
			} else {
				var next int
				if v, next = r.d.unfixed(o, slotNone, r.pos); next == tooFar {
					ok = false
					break
				}
				r.pos = next
			}
			switch x.content {
			case lnctPath:
				if !ok {
					break
				}
				if x.form == formString {
					f.name = string(r.d.bytes(v))
					continue
				}
				b, err := r.w.text(uint16(x.form), v)
				if err != nil {
					return nil, err
				}
				f.name = string(b)
			case lnctDirectoryIndex:
				f.dir = v
			}
		}
		if r.pos == start {
			return nil, r.malformed("entries of no bytes")
		}
		list = append(list, f)
	}
	if !ok {
		return nil, r.malformed("line table header runs past its end")
	}
	return list, nil
}
