package dwarf2btf

// declFileTable reads the file names of the current unit's line table.
func (w *Worker) declFileTable() {}

// noteDeclFile keeps the file in which the current DIE, a type, is declared.
func (w *Worker) noteDeclFile(a *abbrev) {}

func (w *Worker) emitDeclFiles(n int) {}
