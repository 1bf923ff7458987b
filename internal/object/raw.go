package object

// Raw is the whole file. It must not be changed, and is invalid after Close.
func (f *File) Raw() []byte { return f.data }
